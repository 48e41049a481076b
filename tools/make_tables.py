"""Regenerate the normative tables in ``ddcodec/tables`` from their definitions (spec/codecs.md).

    python tools/make_tables.py            write the tables and print their SHA-256
    python tools/make_tables.py --check    fail unless the files equal their definitions

Needs mpmath. The files, not this tool, are what every reader uses.
"""

from __future__ import annotations

import argparse
import hashlib
import struct
import sys
from pathlib import Path
from statistics import NormalDist

import mpmath

TABLES = Path(__file__).resolve().parent.parent / "ddcodec" / "tables"


def round_half_up(value: mpmath.mpf) -> int:
    """The nearest integer; raises if a value is too near a tie to tell."""
    nearest = int(mpmath.floor(value + mpmath.mpf("0.5")))
    if abs(abs(value - nearest) - mpmath.mpf("0.5")) < mpmath.mpf("1e-12"):
        raise ArithmeticError(f"{value} is too close to a tie for this precision")
    return nearest


def normal_table() -> bytes:
    """T_NORM[k] = round(2^16 * Phi^-1((k + 32768.5) / 65536)), k = 0..32767, as int32 LE."""
    mpmath.mp.dps = 40
    root_two_pi, root_half = mpmath.sqrt(2 * mpmath.pi), mpmath.sqrt(mpmath.mpf(1) / 2)
    rough = NormalDist().inv_cdf
    entries = []
    for k in range(32768):
        # A float quantile has 15 digits; one Newton step of 2 Phi(x) - 1 = p doubles them.
        x = mpmath.mpf(rough((k + 32768.5) / 65536))
        error = mpmath.erf(x * root_half) - mpmath.mpf(2 * k + 1) / 65536
        x -= error / 2 * root_two_pi * mpmath.exp(x * x / 2)
        entries.append(round_half_up(x * 65536))
    return struct.pack("<32768i", *entries)


BUILDERS = {"normal.bin": normal_table}


def main() -> int:
    """Write or check every table; return the process's exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    arguments = parser.parse_args()
    wrong = 0
    for name, build in BUILDERS.items():
        data = build()
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
