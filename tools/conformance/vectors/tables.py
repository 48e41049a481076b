"""Make the normative tables in ``ddcodec/tables`` from their definitions.

    python -m tools.conformance.vectors.tables [--check]

Prints the SHA-256 of each. The definitions are those of spec/codecs.md ("Normal table") and
spec/exact.md ("Tables"). Needs mpmath. The files, not this tool, are what every reader uses.
"""

from __future__ import annotations

import hashlib
import struct
import sys
from collections.abc import Iterable, Sequence
from fractions import Fraction
from statistics import NormalDist

import mpmath

from tools.conformance.vectors.maker import TABLES, Maker


def nearest(value: mpmath.mpf) -> int:
    """The nearest integer; raises if a value is too near a tie to tell."""
    integer = int(mpmath.floor(value + mpmath.mpf("0.5")))
    if abs(abs(value - integer) - mpmath.mpf("0.5")) < mpmath.mpf("1e-12"):
        raise ArithmeticError(f"{value} is too close to a tie for this precision")
    return integer


def normal_table() -> Iterable[int]:
    """T_NORM[k] = round(2^16 * Phi^-1((k + 32768.5) / 65536)), k = 0..32767."""
    root_two_pi, root_half = mpmath.sqrt(2 * mpmath.pi), mpmath.sqrt(mpmath.mpf(1) / 2)
    rough = NormalDist().inv_cdf
    for k in range(32768):
        # A float quantile has 15 digits; one Newton step of 2 Phi(x) - 1 = p doubles them.
        x = mpmath.mpf(rough((k + 32768.5) / 65536))
        error = mpmath.erf(x * root_half) - mpmath.mpf(2 * k + 1) / 65536
        x -= error / 2 * root_two_pi * mpmath.exp(x * x / 2)
        yield nearest(x * 65536)


def exp_table() -> Iterable[int]:
    """T_EXP[u] = round(16256 * 2^(-u / 1024)), ties to even, u = 0..16383."""
    for u in range(16384):
        octaves, rest = divmod(u, 1024)
        if rest == 0:  # the rational entries; among them is the one tie, 63.5
            yield round(Fraction(16256, 2**octaves))
        else:
            yield nearest(16256 * mpmath.power(2, mpmath.mpf(-u) / 1024))


def sigmoid_table() -> Iterable[int]:
    """T_SIGMOID[k] = round(2^24 / (1 + exp(-k / 2048))), k = 0..32768."""
    for k in range(32769):
        yield nearest(2**24 / (1 + mpmath.exp(mpmath.mpf(-k) / 2048)))


def gaussian_table() -> Iterable[int]:
    """T_GAUSSIAN[k] = round(2^24 * Phi(k / 2048)), k = 0..32768."""
    root_half = mpmath.sqrt(mpmath.mpf(1) / 2)
    for k in range(32769):
        yield nearest(2**23 * (1 + mpmath.erf(mpmath.mpf(k) / 2048 * root_half)))


# File, struct code of an entry (always little-endian), entries.
BUILDERS = (
    ("normal.bin", "i", normal_table),
    ("exp.bin", "h", exp_table),
    ("sigmoid.bin", "i", sigmoid_table),
    ("gaussian.bin", "i", gaussian_table),
)


def build() -> dict[str, bytes]:
    made = {}
    with mpmath.workdps(40):
        for name, code, entries in BUILDERS:
            values = tuple(entries())
            made[name] = struct.pack(f"<{len(values)}{code}", *values)
    return made


MAKER = Maker("the normative tables", TABLES, build, pattern="*.bin")


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check the tables, and print the SHA-256 of those that are there."""
    code = MAKER.main(arguments)
    for name, data in sorted(MAKER.there().items()):
        print(f"{hashlib.sha256(data).hexdigest()}  {name}")
    return code


if __name__ == "__main__":
    sys.exit(main())
