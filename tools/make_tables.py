"""Regenerate the normative tables in ``ddcodec/tables`` from their definitions.

    python tools/make_tables.py            write the tables and print their SHA-256
    python tools/make_tables.py --check    fail unless the files equal their definitions

The definitions are those of spec/codecs.md ("Normal table") and spec/exact.md ("Tables"). Needs
mpmath. The files, not this tool, are what every reader uses.
"""

from __future__ import annotations

import argparse
import hashlib
import struct
import sys
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from statistics import NormalDist

import mpmath

TABLES = Path(__file__).resolve().parent.parent / "ddcodec" / "tables"


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


def main() -> int:
    """Write or check every table; return the process's exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    arguments = parser.parse_args()
    mpmath.mp.dps = 40
    wrong = 0
    for name, code, build in BUILDERS:
        entries = tuple(build())
        data = struct.pack(f"<{len(entries)}{code}", *entries)
        path = TABLES / name
        if not arguments.check:
            path.write_bytes(data)
        elif not path.is_file() or path.read_bytes() != data:
            print(f"{name}: differs from its definition", file=sys.stderr)
            wrong = 1
        print(f"{hashlib.sha256(data).hexdigest()}  {name}")
    return wrong


if __name__ == "__main__":
    sys.exit(main())
