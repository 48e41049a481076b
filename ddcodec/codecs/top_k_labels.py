"""Soft labels whose rows differ from one value in a few entries only: top-k lists from elsewhere.

Source: spec/codecs.md, "Top-k labels". For labels of one's own, ``soft-labels`` is
smaller by far and keeps the tail, which students learn from.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from ddcodec.arrays import Indices, Int16s, Int64s, UInt16s
from ddcodec.codecs.base import (
    Codec,
    check_array,
    check_axes,
)
from ddcodec.codecs.label_model import MAX_STEP, column_groups
from ddcodec.codecs.packed import pack_matrix, packed_bits, unpack_matrix
from ddcodec.codecs.top_k_lists import CHUNK, Lists
from ddcodec.errors import EncodeError, PayloadError
from ddcodec.recipe.fields import check_integer

__all__ = ["TopKLabels"]


AXES = "[classes, slots, views, K]"
RANKED = (0, 16, 32, 64, 128, 256, 512)
_HEAD = struct.Struct("<hI")


@dataclass(frozen=True)
class TopKLabels(Codec[Int16s, Int16s]):
    """int16 [classes, slots, views, K]: all but at most k entries of a row share one value.

    Args:
        classes: K, the columns of a label.
        k: entries of a row that may differ from its rest.
        step: each value is a multiple of step / 64 nat.
        common: 0: a row's rest is told from its last entry; 1: from a value that all rows share.
        ranked: so many columns of each class are listed in an order of its own, the others follow
            in theirs; entries are named by their ranks.
        band: entries, from the most probable on, that share a model of the entropy coder.
    """

    classes: int
    k: int
    step: int = 1
    common: int = 0
    ranked: int = 0
    band: int = 1

    name: ClassVar[str] = "top-k-labels"
    version: ClassVar[int] = 1
    compression: ClassVar[str] = "none"
    sliced_axes: ClassVar[int] = 3
    RANGES: ClassVar[Mapping[str, tuple[int, int]]] = {
        "classes": (1, 0xFFFF),
        "k": (1, 0xFFFF),
        "step": (1, MAX_STEP),
        "common": (0, 1),
        "ranked": (0, 0xFFFF),
        "band": (1, 0xFFFF),
    }

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> Self:
        codec = super().from_params(params)
        check_integer(f"codec {cls.name}: k", codec.k, 1, codec.classes)
        check_integer(f"codec {cls.name}: ranked", codec.ranked, 0, codec.classes)
        return codec

    @classmethod
    def for_labels(cls, array: Int16s, k: int, step: int = 1) -> Self:
        """The codec that codes these labels in the fewest bytes (encoder-side).

        Raises:
            EncodeError: as ``encode`` does.
        """
        lists = cls(np.shape(array)[-1], k, step)._checked(array)
        classes = lists.order.shape[1]
        found: dict[Self, float] = {}
        for ranked in (*[p for p in RANKED if p < classes], classes):
            listed = packed_bits(lists.order[:, :ranked], np.zeros(ranked, np.intp))
            for common, matrix in enumerate((lists.matrix(ranked), lists.matrix(ranked, True))):
                for band in sorted({1, min(4, k), k}):
                    codec = cls(classes, k, step, common, ranked, band)
                    found[codec] = listed + packed_bits(matrix, codec._groups())
        return min(found, key=lambda one: (found[one], one.ranked, one.common, one.band))

    def encode(self, array: Int16s) -> bytes:
        lists = self._checked(array)
        orders = pack_matrix(lists.order[:, : self.ranked], np.zeros(self.ranked, np.intp))
        rows = pack_matrix(lists.matrix(self.ranked, bool(self.common)), self._groups())
        base = lists.common if self.common else 0
        return _HEAD.pack(base, len(orders)) + orders + rows

    def decode(self, raw: bytes, shape: tuple[int, ...]) -> Int16s:
        check_axes(self.name, shape, 4, AXES)
        count, slots, views, columns = shape
        if columns != self.classes:
            raise PayloadError(f"{self.name} of {self.classes} columns; the origin has {columns}")
        start = _HEAD.size
        base, length = _HEAD.unpack_from(raw) if len(raw) >= start else (0, len(raw))
        end = start + length
        if end > len(raw):
            raise PayloadError(f"{self.name}: the orders reach beyond the section; damaged")
        if base and not self.common:
            raise PayloadError(f"{self.name}: rows have no common rest, yet it is {base}; damaged")
        order = self._order(raw[start:end], count)
        rows = slots * views
        matrix = unpack_matrix(self.name, raw[end:], count * rows, self._groups())
        out = np.empty((count * rows, columns), np.int16)
        chunk = max(1, CHUNK // columns)
        for first in range(0, len(out), chunk):
            part = out[first : first + chunk]
            which = np.arange(first, first + len(part)) // rows
            some = matrix[first : first + chunk].astype(np.int64)
            self._fill(part, some, order, which, base)
        return out.reshape(shape)

    def _groups(self) -> Indices:
        """Of the columns of :meth:`Lists.matrix`."""
        drops, ranks = (column_groups(1, n, self.band) for n in (self.k - 1, self.k))
        first = 2 + -(-(self.k - 1) // self.band)
        return np.concatenate([np.arange(2, dtype=np.intp), drops + 2, ranks + first])

    def _checked(self, array: Int16s) -> Lists:
        z = check_array(self.name, array, (np.int16,), 4, AXES)
        if z.shape[3] != self.classes:
            raise EncodeError(f"{self} cannot encode labels of shape {z.shape}")
        return Lists.of(z, self.k, self.step)

    def _order(self, raw: bytes, count: int) -> UInt16s:
        """uint16 [count, K]: the column at each rank, of each class."""
        listed = unpack_matrix(self.name, raw, count, np.zeros(self.ranked, np.intp))
        if self.ranked and (listed.min() < 0 or listed.max() >= self.classes):
            raise PayloadError(f"{self.name}: an order names columns there are none of; damaged")
        others = np.ones((count, self.classes), np.bool_)
        np.put_along_axis(others, listed, False, axis=1)
        if int(others.sum()) != count * (self.classes - self.ranked):
            raise PayloadError(f"{self.name}: an order names a column twice; damaged")
        order = np.empty((count, self.classes), np.uint16)
        order[:, : self.ranked] = listed
        order[:, self.ranked :] = np.nonzero(others)[1].reshape(count, -1)
        return order

    def _fill(
        self,
        out: Int16s,
        matrix: Int64s,
        order: UInt16s,
        owner: Indices,
        base: int,
    ) -> None:
        """Write rows: the rest everywhere, then the entries."""
        steps, ranks = matrix[:, 2 : self.k + 1], matrix[:, self.k + 1 :]
        values = np.cumsum(np.concatenate([matrix[:, :1], -steps], axis=1), axis=1)
        rest = (base if self.common else values[:, -1:]) - matrix[:, 1:2]
        if steps.min(initial=0) < 0:
            raise PayloadError(f"{self.name}: a drop between entries is negative; damaged")
        if ranks.min() < 0 or ranks.max() >= self.classes:
            raise PayloadError(f"{self.name}: a rank is beyond the columns; damaged")
        if (np.diff(np.sort(ranks, axis=1), axis=1) == 0).any():
            raise PayloadError(f"{self.name}: a label has a column twice; damaged")
        for logits in (values * self.step, rest * self.step):
            if logits.min() < -0x8000 or logits.max() > 0x7FFF:
                raise PayloadError(f"{self.name}: a logit does not fit 16 bits; damaged")
        out[...] = rest * self.step
        columns = order[owner[:, None], ranks].astype(np.intp)
        np.put_along_axis(out, columns, (values * self.step).astype(np.int16), axis=1)
