"""A second maker of the normative tables, written from spec/tables.md in integers alone.

    python -m tools.conformance.reference.tables

Prints the SHA-256 of each; the whole takes a minute.
"""

from __future__ import annotations

import hashlib
import struct
import sys
from collections.abc import Callable, Iterator
from functools import cache
from math import isqrt

P = 192
ONE = 1 << P


def nearest(n: int, d: int) -> int:
    """n / d, ties to even."""
    whole, rest = divmod(n, d)
    return whole + (2 * rest > d or (2 * rest == d and whole % 2 == 1))


def decay(n: int, d: int) -> int:
    """exp(-n / d), times 2^P."""
    total, term, i = 0, ONE, 0
    while term:
        total += -term if i % 2 else term
        i += 1
        term = term * n // (d * i)
    return total


@cache
def root_two_pi() -> int:
    """The square root of 2 pi, times 2^P."""

    def arctangent(m: int) -> int:
        total, power, i = 0, ONE // m, 0
        while power:
            total += (-1) ** i * (power // (2 * i + 1))
            power //= m * m
            i += 1
        return total

    return isqrt(2 * (16 * arctangent(5) - 4 * arctangent(239)) * ONE)


def gauss(n: int, d: int) -> int:
    """Phi(n / d) - 1/2, times 2^P, of 0 <= n / d < 6."""
    total, term, i = 0, ONE * n // d, 0
    while term:
        total += term
        i += 1
        term = term * n * n // (d * d * (2 * i + 1))
    return total * decay(n * n, 2 * d * d) // root_two_pi()


def exponentials() -> Iterator[int]:
    """T_EXP."""
    step = ONE // 2
    for _ in range(10):
        step = isqrt(step * ONE)  # at last 2^(-1/1024)
    powers = [ONE]
    for _ in range(1023):
        powers.append(powers[-1] * step // ONE)
    for u in range(16384):
        yield nearest(16256 * powers[u % 1024], ONE << u // 1024)


def sigmoids() -> Iterator[int]:
    """T_SIGMOID."""
    step, power = decay(1, 2048), ONE
    for _ in range(32769):
        yield nearest(ONE << 24, ONE + power)
        power = power * step // ONE


def gaussian(k: int) -> int:
    """An entry of T_GAUSSIAN."""
    return 1 << 24 if k >= 12288 else (1 << 23) + nearest(gauss(k, 2048) << 24, ONE)


def normal(k: int) -> int:
    """An entry of T_NORM."""
    low, high = 0, 1 << 19
    while low < high:
        t = (low + high) // 2
        reached = gauss(2 * t + 1, 1 << 17) << 17 >= (2 * k + 1) * ONE
        low, high = (low, t) if reached else (t + 1, high)
    return low


TABLES: dict[str, tuple[str, Callable[[], Iterator[int]]]] = {
    "exp": ("h", exponentials),
    "gaussian": ("i", lambda: map(gaussian, range(32769))),
    "normal": ("i", lambda: map(normal, range(32768))),
    "sigmoid": ("i", sigmoids),
}
"""Of each table the type of an entry, and all of them."""


def main() -> int:
    for name, (code, entries) in TABLES.items():
        values = [*entries()]
        data = struct.pack(f"<{len(values)}{code}", *values)
        print(hashlib.sha256(data).hexdigest(), f"{name}.bin", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
