"""The fixed family of 256 frequency tables, named by one byte (spec/entropy.md, "Tables").

A table is a zero level (high nibble) and a shape of the tail (low nibble). No table is ever stored,
and none is adapted: the byte is all that a file spends on one.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from ddcodec.arrays import Float32s, Float64s, UInt8s, UInt16s, UInt32s

__all__ = [
    "ESCAPE",
    "LARGEST",
    "SYMBOLS",
    "TABLES",
    "TABLE_BITS",
    "best_table",
    "cost_bits",
    "frequencies",
    "lookup",
    "starts",
]

Array = TypeVar("Array", bound=npt.NDArray[np.generic])

SYMBOLS = 16
TABLES = 256
TABLE_BITS = 12
TOTAL = 1 << TABLE_BITS
ESCAPE = SYMBOLS - 1
LARGEST = ESCAPE // 2  # the largest magnitude with a symbol of its own

# The lists of spec/entropy.md: the zero's mass of 4096, and the tails' decay in 256ths.
ZEROS = (
    *(513, 732, 961, 1200, 1480, 1761, 2058, 2480),
    *(2832, 3155, 3455, 3685, 3866, 3985, 4050, 4081),
)
GEOMETRIC = (35, 56, 83, 111, 124, 147, 175, 212)
GAUSSIAN = (57, 99, 183, 206, 222, 234, 242, 248)

# Weights have this many fractional bits; magnitudes from the series' end on weigh nothing.
_FRACTION_BITS = 32
_SERIES_END = 32
_DECAY_BITS = 8

# Code lengths in whole units of 2^-16 bit: sums of them are exact in binary64, in any order.
_COST_UNITS = 1 << 16


def _weights(shape: int) -> tuple[int, ...]:
    """Weight of each magnitude 1..7 (one sign), then of the escape, times 2^32, rounded down."""
    geometric = shape < len(GEOMETRIC)
    decay = (GEOMETRIC + GAUSSIAN)[shape]
    exponents = [n - 1 if geometric else n * n - 1 for n in range(1, _SERIES_END)]
    series = [(decay**e << _FRACTION_BITS) >> (_DECAY_BITS * e) for e in exponents]
    return (*series[:LARGEST], 2 * sum(series[LARGEST:]))


def _row(zero: int, weights: tuple[int, ...]) -> list[int]:
    """Frequencies of the 16 symbols; what rounding leaves over or lacks is the zero's."""
    total = 2 * sum(weights[:-1]) + weights[-1]
    rest = TOTAL - zero
    parts = [max(1, (2 * rest * weight + total) // (2 * total)) for weight in weights]
    tail = [part for part in parts[:-1] for _ in range(2)] + [parts[-1]]
    return [TOTAL - sum(tail), *tail]


@lru_cache(maxsize=1)
def frequencies() -> UInt16s:
    """Frequency of each symbol in each table, uint16 [256, 16], read-only.

    Every one is at least 1, and each row's sum is 4096.
    """
    shapes = [_weights(shape) for shape in range(SYMBOLS)]
    rows = [_row(zero, weights) for zero in ZEROS for weights in shapes]
    return _frozen(np.array(rows, dtype=np.uint16))


@lru_cache(maxsize=1)
def starts() -> UInt16s:
    """The first slot of each symbol in each table, uint16 [256, 16], read-only."""
    return _frozen((frequencies().cumsum(axis=1) - frequencies()).astype(np.uint16))


@lru_cache(maxsize=1)
def lookup() -> UInt32s:
    """What a decoder needs of each slot of each table, uint32 [256, 4096], read-only (4 MB).

    symbol | (slot - start) << 8 | frequency << 20. All tables at once, in some milliseconds: to
    ask at each step which ones are wanted would cost a decoder more.
    """
    frequency = frequencies().astype(np.uint32)
    # All but the slot, which is added where the symbol's slots are: that needs one long pass less.
    common = (frequency << np.uint32(20)) + np.arange(SYMBOLS, dtype=np.uint32)
    common -= starts().astype(np.uint32) << np.uint32(8)
    entries: UInt32s = np.repeat(common, frequency.reshape(-1)).astype(np.uint32, copy=False)
    entries = entries.reshape(TABLES, TOTAL)
    entries += np.arange(TOTAL, dtype=np.uint32) << np.uint32(8)
    return _frozen(entries)


@lru_cache(maxsize=1)
def cost_bits() -> Float32s:
    """Bits that each symbol costs under each table, float32 [256, 16], read-only (encoder-side)."""
    return _frozen(np.log2(TOTAL / frequencies()).astype(np.float32))


@lru_cache(maxsize=1)
def _whole_costs() -> Float64s:
    """``cost_bits`` in whole units of 2^-16 bit, float64 [16, 256]."""
    return _frozen(np.rint(np.log2(TOTAL / frequencies()) * _COST_UNITS).T.copy())


def table_costs(counts: npt.ArrayLike) -> Float64s:
    """Code length of a histogram under each table, in bits, float64 [..., 256] (encoder-side).

    Args:
        counts: int64 [..., 16], how often each symbol comes; at most 2^33 symbols in all.
    """
    # Whole numbers below 2^53: exact in whatever order BLAS adds them, so the same everywhere.
    bits: Float64s = np.asarray(counts, np.float64) @ _whole_costs() / _COST_UNITS
    return bits


def best_table(counts: npt.ArrayLike) -> UInt8s:
    """The table with the least code length for a histogram; the lowest of several (encoder-side).

    Args:
        counts: int64 [..., 16], how often each symbol comes; at most 2^33 symbols in all.

    Returns:
        uint8 [...]; the same on every machine.
    """
    tables: UInt8s = table_costs(counts).argmin(axis=-1).astype(np.uint8)
    return tables


def _frozen(array: Array) -> Array:
    array.flags.writeable = False
    return array
