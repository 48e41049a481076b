"""exp, sin and cos, correctly rounded to binary32 (spec/exact.md, "Elementary functions").

Each value is enclosed by Python integers, ever finer until both ends round alike.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np

from tools.conformance.reference.grids import F32, Array

Bounds = tuple[Fraction, Fraction]


def round32(value: Fraction) -> float:
    """The binary32 number nearest to a rational, ties to even; infinity beyond the largest."""
    if value == 0:
        return 0.0
    size = abs(value)
    exponent = size.numerator.bit_length() - size.denominator.bit_length()
    exponent -= size < Fraction(2) ** exponent  # now 2^exponent <= size < 2^(exponent + 1)
    unit = Fraction(2) ** (max(exponent, -126) - 23)
    steps = round(size / unit)  # Python rounds a Fraction's ties to even
    result = math.ldexp(steps, max(exponent, -126) - 23)
    result = math.inf if result >= 2.0**128 else result
    return -result if value < 0 else result


def arctan_inverse(n: int, bits: int) -> Bounds:
    """arctan(1/n) by its alternating series."""
    one, total, k = 1 << bits, 0, 0
    term = one // n
    while term:
        total += term // (2 * k + 1) * (1 if k % 2 == 0 else -1)
        term //= n * n
        k += 1
    # Each of the k terms is cut by less than 2 units, the rest is below one unit.
    return Fraction(total - 2 * k - 1, one), Fraction(total + 2 * k + 1, one)


def half_pi(bits: int) -> Bounds:
    """Machin: pi / 4 = 4 arctan(1/5) - arctan(1/239)."""
    (a, b), (c, d) = arctan_inverse(5, bits), arctan_inverse(239, bits)
    return 2 * (4 * a - d), 2 * (4 * b - c)


def series(x: Fraction, first: int, step: int, alternating: bool, bits: int) -> Bounds:
    """Sum of x^k / k! over k = first, first + step, ...; signs in turn if alternating; |x| <= 2."""
    one = 1 << bits
    fixed = (x.numerator << bits) // x.denominator  # at most one unit too small
    total, term, sign, k = 0, one, 1, 0
    while k <= first or abs(term) > 2 or k < 8:
        if k >= first and (k - first) % step == 0:
            total += sign * term
            sign = -sign if alternating else sign
        k += 1
        term = term * fixed // (one * k)
    # An error of e in a term becomes 2 e / k + 2^(k+1) / k! + 1 in the next: never above 40 units.
    slack = 64 * (k + 1)
    return Fraction(total - slack, one), Fraction(total + slack, one)


def enclose_exp(x: Fraction, bits: int) -> Bounds:
    """exp(x) = exp(x / 2^n)^(2^n)."""
    n = max(0, math.ceil(abs(x)).bit_length())
    low, high = series(x / 2**n, 0, 1, False, bits + 4 * n + 64)
    one = 1 << (bits + 4 * n + 64)
    lower, upper = math.floor(low * one), math.ceil(high * one)
    for _ in range(n):
        lower, upper = lower * lower // one, -(-upper * upper // one)
    return Fraction(lower, one), Fraction(upper, one)


def enclose_wave(x: Fraction, quarter: int, bits: int) -> Bounds:
    """sin(x + quarter * pi / 2)."""
    low, high = half_pi(bits + 16 + max(0, math.ceil(abs(x)).bit_length()))
    turns = round(x / low)
    # x = turns * pi / 2 + rest; the two values of the rest enclose it.
    ends = sorted((x - turns * low, x - turns * high))
    middle, radius = (ends[0] + ends[1]) / 2, (ends[1] - ends[0]) / 2
    place = (turns + quarter) % 4
    bounds = series(middle, 1 - place % 2, 2, True, bits)
    lower, upper = bounds[0] - radius, bounds[1] + radius  # no slope exceeds 1
    return (lower, upper) if place < 2 else (-upper, -lower)


def elementary(x: Array, enclose: Callable[[Fraction, int], Bounds]) -> Array:
    """Correctly rounded values; the function has no rational value but those handled before."""
    result = np.empty(x.size, F32)
    for i, value in enumerate(x.ravel()):
        exact, bits = Fraction(float(value)), 256
        while True:
            low, high = (round32(bound) for bound in enclose(exact, bits))
            if low == high:
                break
            bits *= 2
        result[i] = low
    return result.reshape(x.shape)


def exp(x: Array) -> Array:
    bounded = np.clip(x, F32(-200), F32(200))  # beyond, the result is 0 or infinity
    y = elementary(np.where(np.isnan(x), F32(0), bounded), enclose_exp)
    return np.where(np.isnan(x), x, y)


def wave(x: Array, quarter: int, at_zero: Array) -> Array:
    usable = np.isfinite(x) & (x != 0)
    y = elementary(
        np.where(usable, x, F32(1)), lambda value, bits: enclose_wave(value, quarter, bits)
    )
    return np.where(usable, y, np.where(x == 0, at_zero, F32(np.nan)))


def sin(x: Array) -> Array:
    return wave(x, 0, x)


def cos(x: Array) -> Array:
    return wave(x, 1, np.ones_like(x))
