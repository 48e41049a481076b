"""Soft labels of an open artifact as integer logits, whichever codec they were stored with."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
import numpy.typing as npt

from ddcodec import codecs
from ddcodec.codecs.label_innovations import LabelInnovations
from ddcodec.container import Section
from ddcodec.contents import MAX_ELEMENTS, Contents
from ddcodec.errors import HeaderError, LimitExceededError
from ddcodec.labels.appearances import FeatureSet
from ddcodec.labels.reconstruction import (
    Fields,
    Reconstruction,
    coefficients,
)
from ddcodec.labels.shown import appearances
from ddcodec.recipe import Head
from ddcodec.section_shapes import array_shape
from ddcodec.view_draws import Row, Rows

__all__ = ["LabelReader"]

Int16s = npt.NDArray[np.int16]
Int32s = npt.NDArray[np.int32]
Float64s = npt.NDArray[np.float64]
Floats = npt.NDArray[np.floating]
Indices = npt.NDArray[np.intp]

KEPT_BYTES = 256 << 20
"""Sections' coefficients kept in memory; those of one section always are."""

_CHUNK = 1 << 13  # labels worked on at once: a few megabytes, which stay in the cache
_EXACT_FLOAT32 = 1 << 24


class LabelReader:
    """Random access to the soft labels of one artifact.

    The coefficients of a whole section are made when its first label is asked for, and kept: a
    batch then costs one matrix product.

    Args:
        contents: the stored arrays.
        head: the validated head.
    """

    def __init__(self, contents: Contents, head: Head) -> None:
        self._contents = contents
        self._head = head
        self._origins: dict[int, _Origin] = {}
        self._sections: OrderedDict[int, _Labels] = OrderedDict()

    def logits(self, rows: Sequence[Row] | Rows, view: int) -> Int16s:
        """Labels of rows (class index, slot) of one origin at a view.

        Returns:
            int16[n, K] on the 1/64-nat grid, over the K classes of the origin.

        Raises:
            HeaderError, PayloadError: the artifact lacks them, or is damaged.
        """
        places = np.asarray(rows, np.intp).reshape(-1, 2)
        if not places.size:
            raise HeaderError("labels of no rows")
        start, count = self._head.origin(int(places[0, 0]))
        if not ((places[:, 0] >= start) & (places[:, 0] < start + count)).all():
            raise HeaderError("labels of rows of several origins; ask for one origin at a time")
        out = np.empty((len(places), count), np.int16)
        for section, members in self._contents.label_sections(places, view):
            box, codec = section.box, codecs.get(section.codec)
            c, s = (places[members] - [box.class_start, box.slot_start]).T
            if isinstance(codec, LabelInnovations):
                labels = self._labels(section, codec, start)
                out[members] = labels.logits(c, s, view - box.view_start)
            else:
                out[members] = self._contents.kept(section)[c, s, view - box.view_start]
        return out

    def _labels(self, section: Section, codec: LabelInnovations, start: int) -> _Labels:
        kept = self._sections
        if section.index in kept:
            kept.move_to_end(section.index)
            return kept[section.index]
        if start not in self._origins:
            self._origins[start] = _Origin(self._contents, self._head, start)
        kept[section.index] = self._origins[start].labels(section, codec)
        while len(kept) > 1 and sum(labels.nbytes for labels in kept.values()) > KEPT_BYTES:
            kept.popitem(last=False)
        return kept[section.index]


@dataclass(frozen=True, eq=False)
class _Labels:
    """A section's labels but for the product with the basis; arrays [classes, slots, views, ...].

    Attributes:
        made: makes logits of them.
        coefficients: [..., r], integers in binary32 where that has them, else in binary64.
        peaks: float64 [r], what none of them exceeds.
        shown: int16 [pictures that show, 2, ...], the class of each and its share of the view.
        symbols: [..., K] of the logits, or None.
        step: of the symbols.
    """

    made: Reconstruction
    coefficients: Floats
    peaks: Float64s
    shown: Int16s
    symbols: Int32s | None
    step: int

    @property
    def nbytes(self) -> int:
        """How much memory the arrays take."""
        symbols = 0 if self.symbols is None else self.symbols.nbytes
        return self.coefficients.nbytes + self.shown.nbytes + symbols

    def logits(self, classes: Indices, slots: Indices, view: int) -> Int16s:
        """int16 [n, K], counted from the section's first class, slot and view."""
        shown = [(of, share) for of, share in self.shown[:, :, classes, slots, view]]
        symbols = None if self.symbols is None else self.symbols[classes, slots, view]
        whole = self.coefficients[classes, slots, view]
        return self.made.logits(whole, shown, symbols, self.step, self.peaks)


class _Origin:
    """Makes coefficients of an origin's labels from its model, fields and views."""

    def __init__(self, contents: Contents, head: Head, start: int) -> None:
        self._contents = contents
        self._head = head
        self._start = start
        self._codec, self._model = contents.label_model(start)
        self._made = Reconstruction(self._codec, self._model)
        codec = self._codec
        self._which = FeatureSet(codec.parts, codec.degree, codec.response)
        self._fields = Fields(self._model, self._stored)

    def labels(self, section: Section, codec: LabelInnovations) -> _Labels:
        """All labels of a section."""
        self._contents.check_columns(section, codec)
        # Labels without symbols take no bytes: a section may promise any number of them.
        count = prod(array_shape(section, self._head)[:3]) * max(1, self._codec.atoms)
        if count > MAX_ELEMENTS:
            raise LimitExceededError(
                f"the section's labels have {count} coefficients, more than {MAX_ELEMENTS}; write "
                "the artifact with smaller sections",
                section=section.label,
            )
        stored: Int32s = self._contents.decode(section)
        shape, box = stored.shape[:3], section.box
        symbols = stored.reshape(prod(shape), codec.columns)
        whole: Floats = np.empty((len(symbols), self._codec.atoms), np.float32)
        peaks = np.zeros(self._codec.atoms)
        shown = np.empty((1 + self._head.recipe.view.cutmix, 2, len(symbols)), np.int16)
        for start in range(0, len(symbols), _CHUNK):
            labels = slice(start, min(start + _CHUNK, len(symbols)))
            c, s, v = np.unravel_index(np.arange(labels.start, labels.stop), shape)
            rows = np.stack([c + box.class_start, s + box.slot_start], axis=1)
            appearing = appearances(
                self._contents, self._head, self._which, rows, v + box.view_start
            )
            part = coefficients(self._fields, appearing)
            if codec.columns and not codec.step:
                part = self._made.innovated(part, symbols[labels])
            np.maximum(peaks, np.maximum(part.max(axis=0), -part.min(axis=0)), out=peaks)
            if peaks.max(initial=0) >= _EXACT_FLOAT32:
                whole = whole.astype(np.float64, copy=False)
            whole[labels] = part
            shown[..., labels] = [one.shown for one in appearing]
        return _Labels(
            self._made,
            whole.reshape(*shape, self._codec.atoms),
            peaks,
            shown.reshape(*shown.shape[:2], *shape),
            stored if codec.columns and codec.step else None,
            codec.step,
        )

    def _stored(self, places: Indices) -> Int16s:
        """int16 [n, M, r]: the stored fields of pictures."""
        out = np.zeros((len(places), self._codec.features, self._codec.atoms), np.int16)
        if self._codec.atoms:
            for n, place in enumerate(places.tolist()):
                c, slot = divmod(place, self._head.recipe.ipc)
                out[n] = self._contents.label_field(self._start + c, slot)
        return out
