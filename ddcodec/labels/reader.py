"""Soft labels of an open artifact as integer logits, whichever codec they were stored with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from ddcodec import codecs
from ddcodec.arrays import Float64s, Floats, Indices, Int16s, Int32s, Row, Rows
from ddcodec.byte_cache import ByteCache
from ddcodec.codecs.soft_labels import SoftLabels
from ddcodec.container import Section
from ddcodec.errors import HeaderError, LimitExceededError
from ddcodec.labels.appearance import appearances
from ddcodec.labels.features import FeatureSet
from ddcodec.labels.reconstruction import (
    Fields,
    Reconstruction,
    coefficients,
)
from ddcodec.labels.store import LabelStore
from ddcodec.table.kinds import KINDS
from ddcodec.table.slots import MAX_VALUES
from ddcodec.table.table import Table

__all__ = ["LabelReader"]


# Sections' coefficients kept in memory.
_KEPT_BYTES = 256 << 20

_CHUNK = 1 << 13  # labels worked on at once: a few megabytes, which stay in the cache
_EXACT_FLOAT32 = 1 << 24


class LabelReader:
    """Random access to the soft labels of one artifact.

    The coefficients of a whole section are made when its first label is asked for, and kept: a
    batch then costs one matrix product.

    Args:
        table: the open table.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self._store = LabelStore(table)
        self._origins: ByteCache[int, _Origin] = ByteCache(_KEPT_BYTES, lambda o: o.nbytes)
        self._sections: ByteCache[int, _Labels] = ByteCache(_KEPT_BYTES, lambda one: one.nbytes)

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
        start, count = self._table.head.origin(int(places[0, 0]))
        if not ((places[:, 0] >= start) & (places[:, 0] < start + count)).all():
            raise HeaderError("labels of rows of several origins; ask for one origin at a time")
        out = np.empty((len(places), count), np.int16)
        for section, members in self._table.holders("labels", places, view):
            box, codec = section.box, codecs.get(section.codec)
            c, s = (places[members] - [box.class_start, box.slot_start]).T
            if isinstance(codec, SoftLabels):
                labels = self._labels(section, codec, start)
                out[members] = labels.logits(c, s, view - box.view_start)
            else:
                out[members] = self._table.array(section)[c, s, view - box.view_start]
        return out

    def _labels(self, section: Section, codec: SoftLabels, start: int) -> _Labels:
        def made() -> _Labels:
            origin = self._origins.get(start, lambda: _Origin(self._store, start))
            return origin.labels(section, codec)

        return self._sections.get(section.index, made)


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

    def __init__(self, store: LabelStore, start: int) -> None:
        self._store = store
        self._table = store.table
        self._start = start
        self._codec, self._model = store.model(start)
        self._made = Reconstruction(self._codec, self._model)
        codec = self._codec
        self._which = FeatureSet(codec.parts, codec.degree, codec.response)
        self._fields = Fields(self._model, self._stored)

    @property
    def nbytes(self) -> int:
        """How much memory it takes: the model, and its matrices in binary64 and binary32."""
        return 16 * sum(int(array.size) for array in vars(self._model).values())

    def labels(self, section: Section, codec: SoftLabels) -> _Labels:
        """All labels of a section."""
        self._store.check_columns(section, codec)
        # Labels without symbols take no bytes: a section may promise any number of them.
        count = prod(KINDS["labels"].shape(section, self._table.head)[:3]) * max(
            1, self._codec.atoms
        )
        if count > MAX_VALUES:
            raise LimitExceededError(
                f"the section's labels have {count} coefficients, more than {MAX_VALUES}; write "
                "the artifact with smaller sections",
                section=section.label,
            )
        stored: Int32s = self._table.decode(section)
        shape, box = stored.shape[:3], section.box
        symbols = stored.reshape(prod(shape), codec.columns)
        whole: Floats = np.empty((len(symbols), self._codec.atoms), np.float32)
        peaks = np.zeros(self._codec.atoms)
        shown = np.empty((1 + self._table.head.recipe.view.cutmix, 2, len(symbols)), np.int16)
        for start in range(0, len(symbols), _CHUNK):
            labels = slice(start, min(start + _CHUNK, len(symbols)))
            c, s, v = np.unravel_index(np.arange(labels.start, labels.stop), shape)
            rows = np.stack([c + box.class_start, s + box.slot_start], axis=1)
            appearing = appearances(
                self._table, self._which, rows, v + box.view_start, self._codec.variations
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
        """int16 [n, M, r]: the stored fields at places."""
        out = np.zeros((len(places), self._codec.features, self._codec.atoms), np.int16)
        if self._codec.atoms:
            for n, place in enumerate(places.tolist()):
                owner, number = divmod(place, self._codec.variations)
                c, slot = divmod(owner, self._table.head.recipe.ipc)
                out[n] = self._store.field(self._start + c, slot, number)
        return out
