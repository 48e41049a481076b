"""Columns of few nonzero integers: where they are and what, in place of every zero.

At a few hundredths of nonzeros this takes fewer bytes than a symbol for each, and a reader's time
goes with the nonzeros. Source: spec/labels.md, "Sparse groups".
"""

from __future__ import annotations

import struct
from typing import NamedTuple, Self

import numpy as np

from ddcodec.arrays import Int32s, Int64s, Integers
from ddcodec.entropy.integers import best_model, decode_integers, encode_integers, integer_cost
from ddcodec.entropy.rans import Decoder, Encoder
from ddcodec.errors import PayloadError

__all__ = ["RAW_BYTES", "SparseModel"]


_HEAD = struct.Struct("<I4B")
RAW_BYTES = _HEAD.size
_MAX_SHIFT = 15
# The largest number that the coder writes without a shift.
_MAX_SIZE = (1 << 16) + 13


class SparseModel(NamedTuple):
    """How the nonzeros of a group of columns are coded.

    Attributes:
        nonzeros: how many, at least 1.
        gap_table, gap_shift: of how many zeros lie before each.
        size_table, size_shift: of how far each is from 1 or -1.
    """

    nonzeros: int
    gap_table: int
    gap_shift: int
    size_table: int
    size_shift: int

    @classmethod
    def of(cls, columns: Integers) -> Self | None:
        """The best model of integers [rows, columns], some of which are not zero.

        None if a gap or a nonzero is too large to be listed.
        """
        gaps, sizes, _ = _entries(columns)
        if int(sizes.max()) > _MAX_SIZE:
            return None
        # A shift must be known before gaps, which have no sign, are written as integers that do.
        found = []
        for shift in range(_MAX_SHIFT + 1):
            if int(gaps.max()) >> shift < 1 << 14:
                table, _ = best_model(_signed(gaps >> shift), most=0)
                found.append((_bits(_lowered(gaps, shift), table, shift), table, shift))
        if not found:
            return None
        _, gap_table, gap_shift = min(found)
        size_table, size_shift = best_model(_signed(sizes), most=0)
        return cls(len(gaps), gap_table, gap_shift, size_table, size_shift)

    @classmethod
    def read(cls, name: str, raw: bytes, start: int, values: int) -> Self:
        """The model at ``start`` of a group of so many values.

        Raises:
            PayloadError: there is none, or it is out of range.
        """
        if len(raw) < start + RAW_BYTES:
            raise PayloadError(f"{name}: a sparse group's model is cut off; the file is damaged")
        model = cls(*_HEAD.unpack_from(raw, start))
        if not 1 <= model.nonzeros <= values or model.gap_shift > _MAX_SHIFT or model.size_shift:
            raise PayloadError(f"{name}: a sparse group's model is out of range; damaged")
        return model

    def raw(self) -> bytes:
        return _HEAD.pack(*self)

    def bits(self, columns: Integers) -> float:
        """About how many bits the group takes, its model among them (encoder-side)."""
        gaps, sizes, _ = _entries(columns)
        coded = _bits(_lowered(gaps, self.gap_shift), self.gap_table, self.gap_shift)
        coded += _bits(_signed(sizes), self.size_table, 0) + len(gaps)
        return coded + 8 * RAW_BYTES

    def encode(self, encoder: Encoder, columns: Integers) -> None:
        """Write the nonzeros of integers [rows, columns], column by column."""
        gaps, sizes, negative = _entries(columns)
        lowered, sizes = _lowered(gaps, self.gap_shift), _signed(sizes)
        for start in range(0, self.nonzeros, encoder.lanes):
            part = slice(start, min(start + encoder.lanes, self.nonzeros))
            active = part.stop - part.start
            encode_integers(encoder, lowered[part], self.gap_table, self.gap_shift, active)
            encode_integers(encoder, sizes[part], self.size_table, 0, active)
            encoder.bits(negative[part], 1, active)

    def decode(self, name: str, decoder: Decoder, rows: int, columns: int) -> Int32s:
        """The group's integers, int32 [columns, rows].

        Raises:
            PayloadError: a nonzero lies beyond the group.
        """
        gaps, values = np.empty(self.nonzeros, np.int64), np.empty(self.nonzeros, np.int64)
        for start in range(0, self.nonzeros, decoder.lanes):
            part = slice(start, min(start + decoder.lanes, self.nonzeros))
            active = part.stop - part.start
            low = decode_integers(decoder, self.gap_table, self.gap_shift, active).astype(np.int64)
            high = low >> self.gap_shift
            gaps[part] = (_unsigned(high) << self.gap_shift) | (low - (high << self.gap_shift))
            sizes = decode_integers(decoder, self.size_table, 0, active).astype(np.int64)
            magnitudes = _unsigned(sizes) + 1
            values[part] = np.where(decoder.bits(1, active), -magnitudes, magnitudes)
        places = np.cumsum(gaps + 1) - 1
        if places[-1] >= rows * columns:
            raise PayloadError(f"{name}: a nonzero lies beyond its group; the section is damaged")
        out = np.zeros(rows * columns, np.int32)
        out[places] = values
        return out.reshape(columns, rows)


def _entries(columns: Integers) -> tuple[Int64s, Int64s, Int64s]:
    """Zeros before each nonzero, its magnitude less 1, and 1 where it is negative."""
    flat = np.ascontiguousarray(columns.T).reshape(-1).astype(np.int64)
    places = np.flatnonzero(flat)
    return (
        np.diff(places, prepend=-1) - 1,
        np.abs(flat[places]) - 1,
        (flat[places] < 0).astype(np.int64),
    )


def _signed(numbers: Int64s) -> Int64s:
    """0, 1, 2, 3, ... as 0, -1, 1, -2, ...: neighbours share a probability."""
    return (numbers >> 1) ^ -(numbers & 1)


def _unsigned(numbers: Int64s) -> Int64s:
    return (numbers << 1) ^ (numbers >> 63)


def _lowered(gaps: Int64s, shift: int) -> Int64s:
    """Gaps as integers whose low ``shift`` bits are coded raw."""
    return (_signed(gaps >> shift) << shift) | (gaps & ((1 << shift) - 1))


def _bits(numbers: Int64s, table: int, shift: int) -> float:
    return float(integer_cost(numbers, table, shift).sum())
