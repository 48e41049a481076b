"""Soft labels of an open artifact as integer logits, whichever codec they were stored with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
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


# Labels whose coefficients are made at once. A section of no bytes may have sixteen million.
_BLOCK = 1 << 16
_CHUNK = 1 << 13  # labels worked on at once: a few megabytes, which stay in the cache
_EXACT_FLOAT32 = 1 << 24


class LabelReader:
    """Random access to the soft labels of one artifact.

    The coefficients of a section, or of 65,536 labels of a large one, are made when the first of
    these labels is asked for, and kept: a batch then costs one matrix product.

    Args:
        table: the open table.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self._store = LabelStore(table)
        self._origins: ByteCache[int, _Origin] = ByteCache(table.kept, lambda o: o.nbytes)
        self._blocks: ByteCache[tuple[int, int], _Labels] = ByteCache(
            table.kept, lambda one: one.nbytes
        )

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
                cells = c, s, np.full(len(c), view - box.view_start)
                out[members] = self._told(section, codec, start, cells)
            else:
                out[members] = self._table.array(section)[c, s, view - box.view_start]
        return out

    def _told(
        self, section: Section, codec: SoftLabels, start: int, cells: tuple[Indices, ...]
    ) -> Int16s:
        """int16 [n, K]: labels of a section's cells, each [n], told from their origin's model."""
        origin = self._origins.get(start, lambda: _Origin(self._store, start))
        places = np.ravel_multi_index(cells, KINDS["labels"].shape(section, self._table.head)[:3])
        out = np.empty((len(places), origin.columns), np.int16)
        for block in np.unique(places // _BLOCK).tolist():
            members = np.flatnonzero(places // _BLOCK == block)
            labels = self._blocks.get(
                (section.index, block), partial(origin.labels, section, codec, block)
            )
            out[members] = labels.logits(origin.made, places[members] - block * _BLOCK)
        return out


@dataclass(frozen=True, eq=False)
class _Labels:
    """Some of a section's labels but for the product with the basis.

    Attributes:
        coefficients: [n, r], integers in binary32 where that has them, else in binary64.
        peaks: float64 [r], what none of them exceeds.
        shown: int16 [pictures that show, 2, n], the class of each and its share of the view.
        symbols: int32 [n, K] of the logits, or None.
        step: of the symbols.
    """

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

    def logits(self, made: Reconstruction, places: Indices) -> Int16s:
        """int16 [n, K], by their places among these labels."""
        shown = [(of, share) for of, share in self.shown[:, :, places]]
        symbols = None if self.symbols is None else self.symbols[places]
        return made.logits(self.coefficients[places], shown, symbols, self.step, self.peaks)


class _Origin:
    """Makes coefficients of an origin's labels from its model, fields and views.

    Attributes:
        made: makes logits of them.
    """

    def __init__(self, store: LabelStore, start: int) -> None:
        self._store = store
        self._table = store.table
        self._start = start
        self._codec, self._model = store.model(start)
        self.made = Reconstruction(self._codec, self._model)
        codec = self._codec
        self._which = FeatureSet(codec.parts, codec.degree, codec.response)
        self._fields = Fields(self._model, self._stored)

    @property
    def columns(self) -> int:
        """K, the classes of the origin."""
        return self._codec.classes

    @property
    def nbytes(self) -> int:
        """How much memory it takes: the model, and its basis in binary64 and binary32."""
        arrays = sum(int(array.nbytes) for array in vars(self._model).values())
        return arrays + 12 * int(self._model.basis.size)

    def labels(self, section: Section, codec: SoftLabels, block: int) -> _Labels:
        """Labels number ``block * _BLOCK`` and those that follow, as many as a block has."""
        self._store.check_columns(section, codec)
        shape, box = KINDS["labels"].shape(section, self._table.head)[:3], section.box
        # Labels without symbols take no bytes: a section may promise any number of them.
        count = prod(shape) * max(1, self._codec.atoms)
        if count > MAX_VALUES:
            raise LimitExceededError(
                f"the section's labels have {count} coefficients, more than {MAX_VALUES}; write "
                "the artifact with smaller sections",
                section=section.label,
            )
        first, last = block * _BLOCK, min((block + 1) * _BLOCK, prod(shape))
        alone = last - first == prod(shape)  # then its symbols are not asked for again
        stored: Int32s = (self._table.decode if alone else self._table.array)(section)
        symbols = stored.reshape(prod(shape), codec.columns)[first:last]
        whole: Floats = np.empty((len(symbols), self._codec.atoms), np.float32)
        peaks = np.zeros(self._codec.atoms)
        shown = np.empty((1 + self._table.head.recipe.view.cutmix, 2, len(symbols)), np.int16)
        for start in range(0, len(symbols), _CHUNK):
            labels = slice(start, min(start + _CHUNK, len(symbols)))
            c, s, v = np.unravel_index(np.arange(labels.start, labels.stop) + first, shape)
            rows = np.stack([c + box.class_start, s + box.slot_start], axis=1)
            appearing = appearances(
                self._table, self._which, rows, v + box.view_start, self._codec.variations
            )
            part = coefficients(self._fields, appearing)
            if codec.columns and not codec.step:
                part = self.made.innovated(part, symbols[labels])
            np.maximum(peaks, np.maximum(part.max(axis=0), -part.min(axis=0)), out=peaks)
            if peaks.max(initial=0) >= _EXACT_FLOAT32:
                whole = whole.astype(np.float64, copy=False)
            whole[labels] = part
            shown[..., labels] = [one.shown for one in appearing]
        coded = codec.columns and codec.step
        return _Labels(whole, peaks, shown, symbols.copy() if coded else None, codec.step)

    def _stored(self, places: Indices) -> Int16s:
        """int16 [n, M, r]: the stored fields at places."""
        out = np.zeros((len(places), self._codec.features, self._codec.atoms), np.int16)
        if self._codec.atoms:
            for n, place in enumerate(places.tolist()):
                owner, number = divmod(place, self._codec.variations)
                c, slot = divmod(owner, self._table.head.recipe.picture_slots)
                out[n] = self._store.field(self._start + c, slot, number)
        return out
