"""Make the codecs' known answers, spec/vectors/codecs/vectors.json.

    python -m tools.conformance.vectors.codecs [--check]

Raw bytes are fixed here or packed by hand; expected values come from the plain Python decoder, but
for mosaics of WebP, whose pixels are written down.
"""

from __future__ import annotations

import struct
import sys
from typing import Any

from tools.conformance.reference.arrays import show
from tools.conformance.reference.codecs import decode, version_of
from tools.conformance.reference.mosaics import colours
from tools.conformance.reference.probabilities import probabilities, weights
from tools.conformance.reference.randomness import (
    mixup_partner,
    normals,
    variation_seed,
    words,
)
from tools.conformance.reference.refusal import Refused
from tools.conformance.vectors import webp
from tools.conformance.vectors.labels.draws import draws_cases
from tools.conformance.vectors.labels.raw import COMMON, packed, top_k
from tools.conformance.vectors.maker import TABLES, VECTORS, Maker, as_map
from tools.conformance.vectors.mosaics import mosaics

ABOUT = [
    "Known answers of spec/codecs.md, made by tools/conformance/vectors/codecs.py.",
    "sections: codec, version, params, shape and raw bytes in hexadecimal, and the array in nested "
    "lists, or the code of the error. Floats are text as Python's float.hex writes them, seeds of "
    "64 bits are decimal text; a schedule table is a map of its fields.",
    "words: the first words of a stream. variations: the seed of a variation. partners: of a seed "
    "and a picture's number, the number of the picture it mixes with. normals: the first noise "
    "values of a stream of domain 0.",
    "weights: of the table E of a temperature [N, D], the number of entries before the zeros at "
    "its end (nonzero), the first four and the last two of them.",
    "probabilities: of a row of logits at a temperature [N, D].",
    "vp8: Y, U and V planes of the frame of a WebP file, row by row, and its pixels.",
]
SEED = 0x0123456789ABCDEF
ORDERS = [(0, 1, 2, 3), (3, 2, 1, 0), (1, 3, 0, 2), (2, 0, 3, 1)]


def words16(values: list[int]) -> bytes:
    """Low byte plane, high byte plane."""
    return bytes(v & 255 for v in values) + bytes(v >> 8 for v in values)


def floats(code: str, values: list[float]) -> bytes:
    return struct.pack(f"<{len(values)}{code}", *values)


def cases() -> list[tuple[str, dict[str, Any], list[int], bytes, str]]:
    """(codec, params, shape, raw bytes, what the vector shows)."""
    derived = struct.pack("<QII", SEED, 0x00C0FFEE, 0xFFFFFFFF)
    halves = words16([0x3C00, 0xBC01, 0x0001, 0x7BFF, 0x8000, 0x3555])
    scales, q = words16([0x2C00, 0x0001]), bytes([127, 129, 0, 1, 255, 5])
    euler = floats("f", [999.0, 0.25, 0.0, 1.0, -0.5, 0, 0, 499.5, 1, 0.125, 0.75, -1, 0.25, 0.1])
    table = struct.pack("<HHf", 2, 2, 14.5) + euler
    return [
        ("seed-derived", {}, [2, 3], derived, "three slots of two classes"),
        ("seed-derived", {}, [3, 3], derived, "a class key is missing"),
        ("seed-list", {}, [2, 1], struct.pack("<QQ", SEED, 2**64 - 1), "two seeds"),
        ("seed-list", {}, [2, 1], struct.pack("<QQB", SEED, 0, 0), "a byte too many"),
        ("prompt-fp16", {}, [1, 2, 3], halves, "normal, subnormal, largest and minus zero"),
        ("prompt-fp16", {}, [1, 1, 1], words16([0x7C00]), "infinity"),
        ("prompt-int8", {}, [1, 2, 3], scales + q, "a normal and a subnormal scale"),
        ("prompt-int8", {}, [1, 1, 1], words16([0x3C00]) + b"\x80", "-128 is not used"),
        ("prompt-int8", {}, [1, 1, 1], words16([0x8000]) + b"\1", "a scale of minus zero"),
        ("prompt-text", {}, [3], b"\5\0\0\0\2\0tench\xc3\xa9", "two texts and a class's name"),
        ("prompt-text", {}, [2], b"\1\0\1\0ab!", "a byte too many"),
        ("prompt-text", {}, [1], b"\1\0\xc3", "not UTF-8"),
        ("prompt-text", {}, [1], b"\1\0\n", "a control character"),
        *latents_cases(),
        *top_k_cases(),
        *draws_cases(),
        ("hard-labels", {}, [2, 1, 2], b"\0", "the class of the row"),
        ("hard-labels", {}, [1, 1, 3], b"\1\0\0\2\0\xfe\xff", "explicit"),
        ("hard-labels", {}, [1, 1, 1], b"\1\xff\xff", "65535 is not used"),
        ("hard-labels", {}, [1, 1, 1], b"\2", "an unknown mode"),
        ("hard-labels", {}, [1, 1, 1], b"\0\0", "a byte too many"),
        ("schedule-table", {}, [], table, "two steps with history"),
        ("schedule-table", {}, [], table[:-1], "cut"),
        ("schedule-table", {}, [], struct.pack("<HHf3f", 1, 0, 1, 0, 1, 0), "no history"),
        ("schedule-table", {}, [], struct.pack("<HHf7f", 1, 2, 1, 0, 1, 0, 1, 1, 1, 0), "early"),
        ("schedule-table", {}, [], struct.pack("<HHf5f", 1, 1, 1, 0, 1, 0, 1, 9e999), "infinite"),
        ("pixel-digest", {"length": 4}, [1, 2, 4], bytes(range(8)), "two digests"),
        ("pixel-digest", {"length": 1}, [1, 2, 1], bytes(range(2)), "of a byte each"),
        ("pixel-digest", {"length": 4}, [1, 2, 4], bytes(7), "cut"),
        ("pixel-digest", {"length": 2}, [1, 2, 4], bytes(8), "of another length"),
        ("pixel-digest", {"length": 33}, [1, 1, 33], bytes(33), "longer than a SHA-256"),
        ("pixel-digest", {}, [1, 2, 4], bytes(8), "without a length"),
        ("seed-list", {"x": 1}, [1, 1], bytes(8), "an unknown parameter"),
    ]


def latents_cases() -> list[tuple[str, dict[str, Any], list[int], bytes, str]]:
    """One class, two slots, latents of two channels and 2 x 3 positions."""
    params, shape = {"channels": 2, "height": 2, "width": 3}, [1, 2, 1, 2, 2, 3]
    rows = [[(5 * i) % 7 - 3, (3 * i) % 11 - 5] for i in range(12)]

    def one(what: str, steps: Any = (0.3, 2.0), weights: Any = (8, 4, -5, 11), **more: Any) -> Any:
        body = packed(more.get("rows", rows), [0, 1], [COMMON] * 2)
        raw = floats("f", [*steps]) + struct.pack("<4b", *weights) + body
        return "quantised-latents", {**params, **more.get("params", {})}, shape, raw, what

    plain, huge = one("one by one", weights=(0, 0, 0, 0)), [[32767, 0]] * 12
    return [
        one("predicted from left and upper neighbours"),
        plain,
        (*plain[:2], [2, 1, 1, 2, 2, 3], *plain[3:]),
        one("the largest value and step", (2.0**32, 2.0**-32), (0, 0, 0, 0), rows=huge),
        one("a value beyond", weights=(16, 0, 0, 0), rows=huge),
        one("the lowest value of 16 bits", weights=(0, 0, 0, 0), rows=[[-32768, 0]] * 12),
        one("weights above one", weights=(9, -8, 0, 0)),
        one("a weight of -128", weights=(0, 0, -128, 0)),
        one("a step of zero", (0.0, 1.0)),
        one("a negative step", (1.0, -1.0)),
        one("a step that is no number", (float("nan"), 1.0)),
        one("a step beyond", (1.0, 2.0**33)),
        one("another shape than the box's", params={"width": 2}),
        one("no channel", params={"channels": 0}),
        (*plain[:3], plain[3][:-1], "cut"),
        (*plain[:3], plain[3][:11], "cut weights"),
    ]


def top_k_cases() -> list[tuple[str, dict[str, Any], list[int], bytes, str]]:
    """Two classes, two views of each, five columns, two entries."""
    base = {"classes": 5, "k": 2, "step": 16, "common": 0, "ranked": 2, "band": 1}
    shape, groups, orders = [2, 1, 2, 5], [0, 1, 2, 3, 4], [[3, 1], [0, 4]]
    rows = [[0, 3, 5, 0, 1], [-1, 0, 0, 2, 0], [2, -4, 1, 4, 3], [0, 100, 7, 1, 0]]
    good = top_k(orders, rows, groups)

    def one(what: str, *changed: int, **params: int) -> tuple[Any, ...]:
        """The same with another last row."""
        raw = top_k(orders, [*rows[:3], [*changed]], groups) if changed else good
        return "top-k-labels", {**base, **params}, shape, raw, what

    def listing(what: str, *first: int) -> tuple[Any, ...]:
        """The same with another order of the first class."""
        return "top-k-labels", base, shape, top_k([[*first], orders[1]], rows, groups), what

    shared = [[0, 0, 5, 0, 1], [-1, 0, 0, 2, 0], [2, -4, 1, 4, 3], [0, 0, 7, 1, 0]]
    every = [[r[0], r[1], 1, 0, 2, *order] for r, order in zip(rows, ORDERS, strict=True)]
    return [
        one("rests and entries"),
        ("top-k-labels", base, [2, 2, 1, 5], good, "the same as two slots"),
        (
            "top-k-labels",
            {**base, "common": 1, "band": 2},
            shape,
            top_k(orders, shared, [0, 1, 2, 3, 3], -2044),
            "a common rest, ranks of one model",
        ),
        (
            "top-k-labels",
            {**base, "k": 4, "classes": 4, "ranked": 0, "band": 3},
            [4, 1, 1, 4],
            top_k([[]] * 4, every, [0, 1, 2, 2, 2, 3, 3, 3, 4]),
            "every entry, no order",
        ),
        ("top-k-labels", base, [2, 1, 2, 6], good, "another number of columns"),
        ("top-k-labels", base, shape, good[:-1], "cut"),
        ("top-k-labels", base, shape, good[:5], "no length"),
        ("top-k-labels", base, shape, good[:2] + b"\xff\xff\0\0" + good[6:], "cut orders"),
        ("top-k-labels", base, shape, b"\1" + good[1:], "a base without a common rest"),
        listing("a column twice in an order", 3, 3),
        listing("a column beyond the last", 3, 5),
        listing("a column before the first", -1, 3),
        one("a negative drop", 0, 0, -1, 0, 1),
        one("a rank twice", 0, 0, 1, 4, 4),
        one("a rank beyond the last", 0, 0, 1, 0, 5),
        one("a rank before the first", 0, 0, 1, -1, 0),
        one("a logit beyond", 2048, 0, 0, 0, 1),
        one("the lowest rest", 0, 2047, 1, 0, 1),
        one("a rest beyond", 0, 2048, 1, 0, 1),
        one("more entries than columns", k=6),
        one("more ranks than columns", ranked=6),
        one("no third kind of rest", common=2),
    ]


def expected(codec: dict[str, Any], raw: bytes, shape: list[int]) -> dict[str, Any]:
    try:
        array = decode(codec, raw, shape)
    except Refused as error:
        return {"error": error.code}
    if codec["name"].startswith("seed-"):
        return {"array": [[str(seed) for seed in slots] for slots in array]}
    return {"array": show(array)}


def sections() -> list[dict[str, Any]]:
    vectors = []
    for name, params, shape, raw, what in cases():
        codec = {"name": name, "params": params, "version": version_of(name)}
        described = {"codec": name, "version": codec["version"], "params": params, "what": what}
        described |= {"shape": shape, "raw": raw.hex()}
        vectors.append(described | expected(codec, raw, shape))
    return [*vectors, *mosaics()]


def build() -> dict[str, bytes]:
    noise = normals((TABLES / "normal.bin").read_bytes(), SEED, 3, 9)
    rows = [[0, -32, -64, -3200, -32704], [-5, -5, -5, -5, -5], [32767, -32768, 0, 1, 32766]]
    ratios = [(1, 1), (4, 1), (5, 2), (1, 64), (1024, 1)]
    parts: dict[str, Any] = {
        "about": ABOUT,
        "sections": sections(),
        "words": [
            {"seed": str(SEED), "domain": d, "stream": s, "words": words(SEED, d, s, 6)}
            for d, s in ((0, 0), (1, 7), (2, 0xFFFFFFFF))
        ],
        "variations": [
            {"seed": str(SEED), "variation": u, "of": str(variation_seed(SEED, u))}
            for u in (0, 1, 2, 0xFFFFFFFF)
        ],
        "partners": [
            {"seed": str(seed), "number": q, "of": mixup_partner(seed, q)}
            for seed in (SEED, variation_seed(SEED, 1), variation_seed(SEED, 2))
            for q in (0, 1, 9, 2**32 - 1)
        ],
        "normals": {"seed": str(SEED), "stream": 3, "values": [value.hex() for value in noise]},
        "weights": [
            {"temperature": list(t), "nonzero": len(e), "first": e[:4], "last": e[-2:]}
            for t in ratios
            for e in [weights(*t)]
        ],
        "probabilities": [
            {"temperature": list(t), "logits": row} | {"values": show(probabilities(row, t))}
            for t in ratios
            for row in rows
        ],
        "vp8": [
            {"file": file.hex(), "width": width, "height": height, "y": y, "u": u, "v": v}
            | {"pixels": colours((y, u, v), width, height).hex()}
            for file, width, height, y, u, v in webp.PLANES
        ],
    }
    return {"vectors.json": as_map(parts)}


MAKER = Maker("the known answers of spec/codecs.md", VECTORS / "codecs", build)


if __name__ == "__main__":
    sys.exit(MAKER.main())
