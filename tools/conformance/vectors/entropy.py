"""Make the known answers of spec/entropy.md, spec/vectors/entropy/vectors.json.

    python -m tools.conformance.vectors.entropy [--check]

Streams and values come from the plain Python coder. The format of the file is described in
spec/entropy.md, "Conformance".
"""

from __future__ import annotations

import hashlib
import struct
import sys
from typing import Any

from tools.conformance.reference.entropy import (
    Reader,
    Writer,
    frequencies,
    read_matrix,
    write_matrix,
)
from tools.conformance.reference.refusal import Refused
from tools.conformance.vectors.maker import VECTORS, Maker, as_map
from tools.conformance.vectors.numbers import draw, spread

LISTED = (0x00, 0x07, 0x08, 0x0F, 0x53, 0x78, 0x7C, 0xA2, 0xF0, 0xFF)
Case = dict[str, Any]


def operation(kind: str, models: Any, lanes: list[int], values: list[int]) -> Case:
    return {"kind": kind, "models": models, "lanes": lanes, "values": values}


def stream(what: str, lanes: int, operations: list[Case]) -> Case:
    """A stream that the second implementation codes and, to be sure, decodes."""
    writer = Writer(lanes)
    for o in operations:
        models = o["models"] if o["kind"] == "integers" else [o["models"]]
        getattr(writer, o["kind"])(o["values"], *models, o["lanes"])
    raw = writer.finish()
    if decode(raw, lanes, operations) != [o["values"] for o in operations]:
        raise AssertionError(f"{what}: not what was coded")
    return {"what": what, "lanes": lanes, "raw": raw.hex(), "operations": operations}


def decode(raw: bytes, lanes: int, operations: list[Case]) -> list[list[int]]:
    """What the second implementation has of a stream's operations."""
    reader = Reader(raw, lanes)
    found = []
    for o in operations:
        models = o["models"] if o["kind"] == "integers" else [o["models"]]
        found.append(getattr(reader, o["kind"])(*models, o["lanes"]))
    reader.finish()
    return found


def streams() -> list[Case]:
    three, all_lanes = [0, 1, 2], list(range(5))
    extremes = [-32775, 32774, 8, -8, 0, -7, 7, 100, -100]
    return [
        stream("nothing at all", 2, []),
        stream(
            "the example of section 2",
            2,
            [
                operation("symbols", 0x53, [0, 1], [0, 2]),
                operation("symbols", 0x53, [0, 1], [15, 1]),
                operation("bits", 4, [0], [9]),
                operation("bits", 9, [0], [300]),
            ],
        ),
        stream(
            "every symbol of a narrow and of a wide table",
            4,
            [
                operation("symbols", table, [0, 1, 2, 3], [s, s + 1, s + 2, s + 3])
                for table in (0xF0, 0x07, 0x0F)
                for s in range(0, 16, 4)
            ],
        ),
        stream(
            "a table of its own for each lane, and fewer lanes than there are",
            5,
            [
                operation("symbols", draw(10 + i, 5, 256), all_lanes, draw(20 + i, 5, 16))
                for i in range(4)
            ]
            + [operation("symbols", [0x53, 0x91, 0x22], [0, 2, 4], [1, 0, 15])]
            + [operation("symbols", 0x85, three, [4, 5, 6]), operation("symbols", 0x85, [], [])],
        ),
        stream(
            "raw bits of every width",
            3,
            [
                operation("bits", n, three, [v % 2**n for v in draw(30 + n, 3, 1 << 16)])
                for n in range(17)
            ]
            + [operation("bits", [0, 16, 5], three, [0, 65535, 17])],
        ),
        stream(
            "integers to the ends of their range",
            9,
            [
                operation("integers", [0x75, 0], list(range(9)), extremes),
                operation("integers", [0x75, 15], [3, 8], [-32775 << 15, (32775 << 15) - 1]),
            ],
        ),
        stream(
            "integers with tables and shifts of their own",
            6,
            [
                operation(
                    "integers",
                    [draw(50 + i, 6, 256), draw(60 + i, 6, 16)],
                    list(range(6)),
                    spread(70 + i, 6, 15),
                )
                for i in range(5)
            ],
        ),
    ]


def refused(good: Case, what: str, raw: bytes, lanes: int | None = None) -> Case:
    """The same operations on another stream, with the code of the error."""
    operations = good["operations"]
    count = good["lanes"] if lanes is None else lanes
    try:
        decode(raw, count, operations)
    except Refused as error:
        bare = [{key: o[key] for key in ("kind", "models", "lanes")} for o in operations]
        return {"what": what, "lanes": count, "raw": raw.hex(), "operations": bare} | {
            "error": error.code
        }
    raise AssertionError(f"{what}: it decodes")


def damaged(good: Case) -> list[Case]:
    """Every way in which a stream can be refused."""
    raw = bytes.fromhex(good["raw"])
    below = struct.pack("<I", 0xFFFF) + raw[4:]
    empty = {"lanes": 1, "operations": []}
    return [
        refused(good, "no lanes", raw, 0),
        refused(good, "too many lanes", raw, 65537),
        refused(good, "shorter than its states", raw[: 4 * good["lanes"] - 2]),
        refused(good, "an odd number of bytes", raw[:-1]),
        refused(good, "a state below 2^16", below),
        refused(good, "a word is missing", raw[:-2]),
        refused(good, "a word too many", raw + b"\0\0"),
        refused(good, "a bit has flipped in a state", bytes([raw[0] ^ 1]) + raw[1:]),
        refused(good, "a bit has flipped in the last word", raw[:-1] + bytes([raw[-1] ^ 64])),
        refused(empty, "a state that is not 2^16 at the end", struct.pack("<I", 0x10001)),
    ]


def matrix(what: str, rows: list[list[int]], models: list[tuple[int, int]], lanes: int) -> Case:
    tables, shifts = [m[0] for m in models], [m[1] for m in models]
    raw = write_matrix(rows, lanes, tables, shifts)
    case = {"what": what, "rows": len(rows), "tables": tables, "shifts": shifts, "lanes": lanes}
    case |= {"raw": raw.hex()}
    return case | answer(case)


def answer(case: Case) -> Case:
    raw, shape = bytes.fromhex(case["raw"]), (case["rows"], case["lanes"])
    try:
        return {"values": read_matrix(raw, *shape, case["tables"], case["shifts"])}
    except Refused as error:
        return {"error": error.code}


def matrices() -> list[Case]:
    example = matrix(
        "the example of section 5", [[0, 5], [-2, -3], [1, 900]], [(0x53, 0), (0x85, 2)], 2
    )
    flat = spread(80, 33, 12)
    cases = [
        example,
        matrix(
            "a last step of fewer rows",
            [flat[i : i + 3] for i in range(0, 33, 3)],
            [(0x35, 3)] * 3,
            4,
        ),
        matrix("more lanes than rows", [[1], [-1]], [(0x91, 0)], 5),
        matrix("no rows", [], [(0x91, 0)], 2),
        matrix("zeros, which cost next to nothing", [[0, 0]] * 60, [(0xFF, 0)] * 2, 3),
    ]
    bad = {key: example[key] for key in ("rows", "tables", "shifts", "lanes", "raw")}
    for what, change in (
        ("a shift above 15", {"shifts": [0, 16]}),
        ("a shift too few", {"shifts": [0]}),
        ("no lanes", {"lanes": 0}),
        ("a row too many", {"rows": 4}),
        ("a row too few", {"rows": 2}),
        ("more rows than any stream of its length holds", {"rows": 1 << 50}),
        ("cut off", {"raw": example["raw"][:-4]}),
    ):
        case = {"what": what, **bad, **change}
        found = answer(case)
        if "error" not in found:
            raise AssertionError(f"{what}: it decodes")
        cases.append(case | found)
    return cases


def build() -> dict[str, bytes]:
    rows = [frequencies(table) for table in range(256)]
    packed = b"".join(struct.pack("<16H", *row) for row in rows)
    good = streams()
    parts = {
        "sha256": hashlib.sha256(packed).hexdigest(),
        "tables": [{"table": table, "frequencies": list(rows[table])} for table in LISTED],
        "streams": [*good, *damaged(good[1])],
        "matrices": matrices(),
    }
    return {"vectors.json": as_map(parts)}


MAKER = Maker("the known answers of spec/entropy.md", VECTORS / "entropy", build)


if __name__ == "__main__":
    sys.exit(MAKER.main())
