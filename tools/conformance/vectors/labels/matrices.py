"""Packed matrices: what each decodes to, or how it is refused."""

from __future__ import annotations

from typing import Any

from tools.conformance.reference.arrays import nest
from tools.conformance.reference.packed import Listed, read_packed
from tools.conformance.reference.refusal import Refused
from tools.conformance.vectors.labels.raw import COMMON, SPARSE, ZERO, Case, packed, rows_of
from tools.conformance.vectors.numbers import spread

Matrix = tuple[str, bytes, int, list[int]]
"""What it shows, raw bytes, number of rows, and the group of each column."""

# The examples of spec/labels.md, section 3.
EXAMPLE = packed([[3, 0, -1], [-2, 0, 40]], [0, 1, 2], [(0x53, 0), ZERO, (0x85, 2)])
FEW = Listed(0, 0x35, 0, 0x53, 0)
TWO = FEW._replace(nonzeros=2)
TWO_NONZEROS = packed([[0, 0], [0, 0], [2, 0], [0, -1]], [0, 0], [SPARSE], 1, [TWO])


def refused(function: Any, *arguments: Any) -> str:
    """The code of the error that a call must end in."""
    try:
        function(*arguments)
    except Refused as error:
        return error.code
    raise AssertionError(f"{function.__name__} accepts it")


def matrices() -> list[Case]:
    """Every matrix with what it decodes to, then every one to refuse with the error."""
    cases = [
        {"what": what, "rows": rows, "groups": groups, "raw": raw.hex()}
        | {"values": read_packed(raw, rows, groups)}
        for what, raw, rows, groups in accepted()
    ]
    for what, raw, rows, groups in damaged():
        code = refused(read_packed, raw, rows, groups)
        cases.append({"what": what, "rows": rows, "groups": groups, "raw": raw.hex()})
        cases[-1]["error"] = code
    return cases


def accepted() -> list[Matrix]:
    wide = rows_of(1, 9, 4, 10)
    kinds = [3, 0, 1, 0, 2, 3]
    mixed = nest(spread(3, 40 * 6, 5), (40, 6))
    for r, row in enumerate(mixed):
        keep = [r % 17 == 3, r % 9 == 0, True, r == 39, False, r % 13 == 12]
        row[:] = [
            (v or 1) if kept or i == 2 else 0
            for i, (v, kept) in enumerate(zip(row, keep, strict=True))
        ]
    counts = [sum(row[i] != 0 for row in mixed for i in where) for where in ((1, 3), (0, 5))]
    few, coarse = FEW._replace(nonzeros=counts[0]), Listed(counts[1], 0x45, 3, 0x53, 0)
    single = FEW._replace(nonzeros=1)
    extreme = packed([[0], [-65550]], [0], [SPARSE], 1, [single]), 2, [0]
    return [
        ("the example of section 3", EXAMPLE, 2, [0, 1, 2]),
        ("no columns", packed([[]] * 3, [], []), 3, []),
        ("zeros alone", packed([[0, 0]] * 3, [0, 1], [ZERO, ZERO]), 3, [0, 1]),
        (
            "columns of one group apart, and a last step of fewer rows",
            packed(wide, [0, 1, 0, 1], [(0x45, 3), (0x35, 4)], 4),
            9,
            [0, 1, 0, 1],
        ),
        ("as many lanes as rows", packed(rows_of(2, 5, 1, 4), [0], [COMMON], 5), 5, [0]),
        ("the example of sparse groups", TWO_NONZEROS, 4, [0, 0]),
        (
            "sparse groups beside others, gaps with a shift, in three lanes",
            packed(mixed, kinds, [SPARSE, COMMON, ZERO, SPARSE], 3, [few, coarse]),
            40,
            kinds,
        ),
        ("nonzeros alone", packed([[5], [-5]], [0], [SPARSE], 2, [TWO]), 2, [0]),
        ("a nonzero of the largest size", *extreme),
    ]


def damaged() -> list[Matrix]:
    return [
        ("no bytes", b"", 2, [0]),
        ("a model is missing", EXAMPLE[:7], 2, [0, 1, 2]),
        ("no lanes", b"\0\0" + EXAMPLE[2:], 2, [0, 1, 2]),
        ("more lanes than rows", packed([[1]] * 2, [0], [COMMON], 3), 2, [0]),
        ("more than 4096 lanes", packed([[1]] * 4097, [0], [COMMON], 4097), 4097, [0]),
        ("a shift of 16", EXAMPLE[:3] + b"\x10" + EXAMPLE[4:], 2, [0, 1, 2]),
        ("a shift of 253", EXAMPLE[:3] + b"\xfd" + EXAMPLE[4:], 2, [0, 1, 2]),
        ("a sparse group with a table", b"\1\0\1" + TWO_NONZEROS[3:], 4, [0, 0]),
        ("the model of a list is cut off", TWO_NONZEROS[:11], 4, [0, 0]),
        ("a list without its stream", TWO_NONZEROS[:12], 4, [0, 0]),
        ("a list of nothing", TWO_NONZEROS[:4] + bytes(4) + TWO_NONZEROS[8:], 4, [0, 0]),
        ("a nonzero too many", TWO_NONZEROS[:4] + b"\3" + TWO_NONZEROS[5:], 4, [0, 0]),
        ("more nonzeros than values", TWO_NONZEROS[:4] + b"\x09" + TWO_NONZEROS[5:], 4, [0, 0]),
        ("2^32 - 1 nonzeros", TWO_NONZEROS[:4] + b"\xff" * 4 + TWO_NONZEROS[8:], 4, [0, 0]),
        ("gaps with a shift of 16", TWO_NONZEROS[:9] + b"\x10" + TWO_NONZEROS[10:], 4, [0, 0]),
        ("sizes with a shift", TWO_NONZEROS[:11] + b"\1" + TWO_NONZEROS[12:], 4, [0, 0]),
        ("a nonzero beyond its group", TWO_NONZEROS, 3, [0, 0]),
        ("a byte after a list", TWO_NONZEROS + b"\0", 4, [0, 0]),
        (
            "too many steps for nonzeros",
            packed([[1]] * 87382, [0], [SPARSE], 1, [FEW._replace(nonzeros=87382)]),
            87382,
            [0],
        ),
        (
            "more nonzeros than its stream can hold",
            TWO_NONZEROS[:4] + b"\0\0\1" + TWO_NONZEROS[7:],
            2**17,
            [0, 0],
        ),
        ("zeros with a table", EXAMPLE[:4] + b"\x01\xff" + EXAMPLE[6:], 2, [0, 1, 2]),
        ("zeros in two lanes", b"\2\0\0\xff", 2, [0]),
        ("a byte after zeros", b"\1\0\0\xff\0", 2, [0]),
        ("a row too few", EXAMPLE, 1, [0, 1, 2]),
        ("a row too many", EXAMPLE, 3, [0, 1, 2]),
        ("cut off", EXAMPLE[:-2], 2, [0, 1, 2]),
        ("too many steps", packed([[0]] * (2**18 + 1), [0], [(0xFF, 0)]), 2**18 + 1, [0]),
        ("more rows than its stream can hold", EXAMPLE, 2**17, [0, 1, 2]),
    ]
