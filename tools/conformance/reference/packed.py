"""Packed matrices of integers (spec/labels.md, section 3), which several codecs are made of."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple

from tools.conformance.reference.entropy import Reader
from tools.conformance.reference.refusal import require

Matrix = list[list[int]]
LISTED = 254
NOT_CODED = 255


class Listed(NamedTuple):
    """Section 3, "Sparse groups": how the nonzeros of a group are coded."""

    nonzeros: int
    gap_table: int
    gap_shift: int
    size_table: int
    size_shift: int


def groups_of(features: int, atoms: int, band: int) -> list[int]:
    """Section 3: the group of each column (feature, atom)."""
    return [m * -(-atoms // band) + j // band for m in range(features) for j in range(atoms)]


def read_packed(raw: bytes, rows: int, groups: Sequence[int]) -> Matrix:
    """Section 3: a packed matrix."""
    count = max(groups, default=-1) + 1
    at = 2 + 2 * count
    require(len(raw) >= at, "payload", "models are missing")
    (lanes,) = struct.unpack_from("<H", raw)
    require(1 <= lanes <= min(4096, rows), "payload", f"{lanes} lanes of {rows} rows")
    models = [(raw[2 + 2 * g], raw[3 + 2 * g]) for g in range(count)]
    lists = []
    for group, (table, shift) in enumerate(models):
        good = shift <= 15 or (shift in (LISTED, NOT_CODED) and table == 0)
        require(good, "payload", f"shift {shift} with table {table}")
        if shift == LISTED:
            require(len(raw) >= at + 8, "payload", "the model of a list is cut off")
            model = Listed(*struct.unpack_from("<I4B", raw, at))
            at += 8
            columns = [i for i, g in enumerate(groups) if g == group]
            good = 1 <= model.nonzeros <= rows * len(columns)
            require(good, "payload", f"{model.nonzeros} nonzeros")
            good = model.gap_shift <= 15 and model.size_shift == 0
            require(good, "payload", "the shift of a list")
            lists.append((model, columns))
    coded = [i for i, g in enumerate(groups) if models[g][1] <= 15]
    result = [[0] * len(groups) for _ in range(rows)]
    if not coded and not lists:
        require(lanes == 1 and len(raw) == at, "payload", "something follows zeros")
        return result
    steps = -(-rows // lanes) * len(coded)
    steps += 3 * sum(-(-model.nonzeros // lanes) for model, _ in lists)
    require(steps <= 1 << 18, "payload", "too many steps")
    reader = Reader(raw[at:], lanes)
    symbols = rows * len(coded) + sum(2 * model.nonzeros for model, _ in lists)
    room = 4096 * (len(raw[at:]) // 2 - lanes)
    require(symbols <= room, "payload", "the stream is too short")
    for row in range(0, rows if coded else 0, lanes):
        active = range(min(lanes, rows - row))
        for i in coded:
            table, shift = models[groups[i]]
            for lane, value in enumerate(reader.integers(table, shift, active)):
                result[row + lane][i] = value
    for model, columns in lists:
        for place, value in read_list(reader, lanes, model):
            require(place < rows * len(columns), "payload", "a nonzero beyond its group")
            result[place % rows][columns[place // rows]] = value
    reader.finish()
    return result


def read_list(reader: Reader, lanes: int, model: Listed) -> list[tuple[int, int]]:
    """Section 3, "Sparse groups": place and value of each nonzero."""
    found: list[tuple[int, int]] = []
    place = -1
    for first in range(0, model.nonzeros, lanes):
        active = range(min(lanes, model.nonzeros - first))
        k = model.gap_shift
        gaps = reader.integers(model.gap_table, k, active)
        sizes = reader.integers(model.size_table, 0, active)
        negative = reader.bits(1, active)
        for v, size, minus in zip(gaps, sizes, negative, strict=True):
            place += unsigned(v >> k) * 2**k + v % 2**k + 1
            found.append((place, -1 - unsigned(size) if minus else 1 + unsigned(size)))
    return found


def unsigned(number: int) -> int:
    """0, -1, 1, -2, ... as 0, 1, 2, 3, ..."""
    return 2 * number if number >= 0 else -2 * number - 1
