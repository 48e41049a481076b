"""Slow, obvious versions of what ``ddcodec.exact`` computes: Python integers and fractions.

Each float is a numpy binary32 number, and each operation on one is a single rounded operation.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

F32 = np.float32


def exponent(amax: float) -> int:
    """The least E >= -59 with amax < 2^E."""
    e = -59
    while Fraction(amax) >= Fraction(2) ** e:
        e += 1
    return e


def grid15(values: list[float]) -> tuple[list[int], Fraction]:
    """Integers of a block, and what one unit is worth."""
    unit = Fraction(2) ** (exponent(max(abs(v) for v in values)) - 14)
    return [round(Fraction(v) / unit) for v in values], unit


def grid8(values: list[float]) -> tuple[list[int], np.float32]:
    amax = F32(max(2.0**-59, *(abs(v) for v in values)))
    inverse = F32(127) / amax
    return [round(Fraction(float(F32(v) * inverse))) for v in values], amax / F32(127)


def digits(q: int) -> tuple[int, int]:
    high = (q + 128) // 256
    return high, q - 256 * high


def rounded(value: Fraction | int) -> np.float32:
    """A rational number rounded once to binary32, ties to even (normal numbers only)."""
    exact = Fraction(value)
    if exact == 0:
        return F32(0)
    e = 0
    while abs(exact) >= Fraction(2) ** (e + 24):
        e += 1
    while abs(exact) < Fraction(2) ** (e + 23):
        e -= 1
    return F32(float(round(exact / Fraction(2) ** e) * Fraction(2) ** e))
