"""Probabilities of a row of logits at a temperature (spec/codecs.md, "Probabilities")."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from tools.conformance.reference.refusal import require


def weights(numerator: int, denominator: int) -> list[int]:
    """Section 6: the table E of a temperature; trailing zeros are left out."""
    known = denominator <= 64 * numerator <= 65536 * denominator
    require(denominator > 0 and known, "header", "the temperature is not within 1/64..1024")
    r, t, k = 0, 1 << 128, 0
    while t > 0:
        r += t if k % 2 == 0 else -t
        k += 1
        t = t * denominator // (64 * numerator * k)
    p, table = 1 << 128, []
    for _ in range(65536):
        entry = (p + (1 << 97)) >> 98
        if not entry:
            break
        table.append(entry)
        p = p * r >> 128
    return table


def probabilities(z: Sequence[int], temperature: tuple[int, int]) -> list[float]:
    """Section 6: binary32 probabilities of one row of logits."""
    table = weights(*temperature)
    top = max(z)
    e = [table[top - value] if top - value < len(table) else 0 for value in z]
    total = sum(e)
    # Python divides integers below 2^53 with one rounding, as binary64 division does.
    return [struct.unpack("<f", struct.pack("<f", entry / total))[0] for entry in e]
