"""Make the known answers of spec/synthesis.md: spec/vectors/synthesis/vectors.json.

    python tools/make_synthesis_vectors.py            write them
    python tools/make_synthesis_vectors.py --check    compare; exit code 1 if they differ

A second implementation of the page: plain Python integers, pixel by pixel, without numpy and
without the package, so that agreement means something. It is slow, hence the small pictures.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable
from math import isqrt
from pathlib import Path
from typing import Any

FILE = Path(__file__).resolve().parent.parent / "spec" / "vectors" / "synthesis" / "vectors.json"
PICTURE_RULE = (
    "picture k of h x w x c: byte i, in row, column, channel order, is "
    "floor((((i + 1) * (i + k + 7) * 2654435761) mod 2^32) / 2^24)"
)
DIGEST_RULE = "sha256 of the bytes in picture, row, column, channel order"

Picture = list[list[tuple[int, ...]]]  # [row][column] -> channels
Map = dict[str, Any]


def picture(number: int, height: int, width: int, channels: int = 3) -> Picture:
    def byte(i: int) -> int:
        return ((i + 1) * (i + number + 7) * 2654435761 % 2**32) >> 24

    return [
        [tuple(byte((y * width + x) * channels + c) for c in range(channels)) for x in range(width)]
        for y in range(height)
    ]


def digest(pictures: list[Picture]) -> str:
    values = bytes(v for p in pictures for row in p for pixel in row for v in pixel)
    return hashlib.sha256(values).hexdigest()


# 1. Resampling


def taps(source: int, target: int) -> list[list[int]]:
    largest = max(source, target)
    return [
        [
            max(0, 2 * largest - abs((2 * j + 1) * target - (2 * i + 1) * source))
            for j in range(source)
        ]
        for i in range(target)
    ]


def resize(p: Picture, height: int, width: int) -> Picture:
    t, u = taps(len(p), height), taps(len(p[0]), width)

    def value(y: int, x: int, c: int) -> int:
        total = sum(t[y]) * sum(u[x])
        weighted = sum(
            a * b * p[j][k][c] for j, a in enumerate(t[y]) if a for k, b in enumerate(u[x]) if b
        )
        return (2 * weighted + total) // (2 * total)

    channels = range(len(p[0][0]))
    return [[tuple(value(y, x, c) for c in channels) for x in range(width)] for y in range(height)]


def nearest(p: Picture, height: int, width: int) -> Picture:
    rows = [(2 * i + 1) * len(p) // (2 * height) for i in range(height)]
    columns = [(2 * i + 1) * len(p[0]) // (2 * width) for i in range(width)]
    return [[p[y][x] for x in columns] for y in rows]


# 2. Layouts


def collage(patches: list[Picture], grid: int, height: int, width: int) -> Picture:
    out: list[list[Any]] = [[None] * width for _ in range(height)]
    for number, patch in enumerate(patches):
        r, c = divmod(number, grid)
        top, left = r * height // grid, c * width // grid
        bottom, right = (r + 1) * height // grid, (c + 1) * width // grid
        for y, row in enumerate(resize(patch, bottom - top, right - left)):
            for x, pixel in enumerate(row):
                out[top + y][left + x] = pixel
    return out


def cut(p: Picture, grid: int) -> list[Picture]:
    height, width = len(p), len(p[0])
    out = []
    for r in range(grid):
        for c in range(grid):
            top, left = r * height // grid, c * width // grid
            rows = p[top : top + height // grid]
            out.append([row[left : left + width // grid] for row in rows])
    return out


# 3. Views


def philox(seed: int, block: int, stream: int, domain: int) -> list[int]:
    mask = 2**32 - 1
    c = [block & mask, block >> 32, stream, domain]
    k = [seed & mask, seed >> 32]
    for _ in range(10):
        first, second = c[0] * 0xD2511F53, c[2] * 0xCD9E8D57
        c = [
            (second >> 32) ^ c[1] ^ k[0],
            second & mask,
            (first >> 32) ^ c[3] ^ k[1],
            first & mask,
        ]
        k = [(k[0] + 0x9E3779B9) & mask, (k[1] + 0xBB67AE85) & mask]
    return c


def below(word: int, n: int) -> int:
    return word * n >> 32


def draw(view: Map, words: list[int], slot: int, height: int, width: int, classes: int) -> Map:
    top, left, rows, columns = 0, 0, height, width
    if view["kind"] == "pad-crop":
        pad = view["pad"]
        top, left = below(words[1], 2 * pad + 1) - pad, below(words[2], 2 * pad + 1) - pad
    if view["kind"] == "resized-crop":
        low, high, denominator = view["scale"]
        area = 65536 * low + below(words[0], 65536 * (high - low) + 1)
        rows = max(1, isqrt(height**2 * area // (65536 * denominator)))
        columns = max(1, isqrt(width**2 * area // (65536 * denominator)))
        top, left = below(words[1], height - rows + 1), below(words[2], width - columns + 1)
    out = {
        "crop": [top, left, rows, columns],
        "flip": below(words[3], 2) if view["flip"] else 0,
        "partner": [0, 0],
        "box": [0, 0, 0, 0],
    }
    if view["cutmix"]:
        bh, bw = isqrt(height**2 * words[6] >> 32), isqrt(width**2 * words[6] >> 32)
        y, x = below(words[7], height) - bh // 2, below(words[8], width) - bw // 2
        out["partner"] = [below(words[4], classes), below(words[5], slot + 1)]
        out["box"] = [max(0, y), min(height, y + bh), max(0, x), min(width, x + bw)]
    return out


def augment(p: Picture, drawn: Map) -> Picture:
    top, left, rows, columns = drawn["crop"]
    height, width = len(p), len(p[0])

    def reflect(t: int, side: int) -> int:
        return -t if t < 0 else 2 * (side - 1) - t if t >= side else t

    crop = [
        [p[reflect(top + y, height)][reflect(left + x, width)] for x in range(columns)]
        for y in range(rows)
    ]
    out = resize(crop, height, width)
    return [row[::-1] for row in out] if drawn["flip"] else out


def mix(mine: Picture, theirs: Picture, drawn: Map) -> Picture:
    top, bottom, left, right = drawn["box"]
    return [
        [
            theirs[y][x] if top <= y < bottom and left <= x < right else pixel
            for x, pixel in enumerate(row)
        ]
        for y, row in enumerate(mine)
    ]


# The answers


def resample_answers(function: Callable[[Picture, int, int], Picture]) -> list[Map]:
    sizes = [
        ((1, 1), (3, 2)),
        ((2, 2), (3, 3)),
        ((4, 4), (2, 2)),
        ((5, 7), (5, 7)),
        ((5, 7), (7, 5)),
        ((7, 5), (1, 1)),
        ((9, 13), (4, 3)),
        ((16, 16), (32, 32)),
        ((23, 23), (32, 32)),
        ((32, 24), (20, 31)),
        ((1, 40), (2, 80)),
        ((12, 3), (7, 150)),
    ]
    answers = []
    for number, (source, target) in enumerate(sizes):
        result = function(picture(number, *source), *target)
        answer: Map = {"picture": number, "from": source, "to": target, "sha256": digest([result])}
        if target[0] * target[1] <= 9:
            answer["result"] = result
        answers.append(answer)
    return answers


def weight_answers() -> list[Map]:
    sizes = [(1, 4), (2, 3), (3, 2), (4, 2), (5, 5), (7, 3), (3, 7)]
    return [{"from": s, "to": d, "weights": taps(s, d)} for s, d in sizes]


def layout_answers() -> tuple[list[Map], list[Map]]:
    collages, cuts = [], []
    for number, (grid, patch, size) in enumerate(
        [(2, (8, 8), (16, 16)), (3, (4, 5), (8, 10)), (2, (16, 16), (9, 7)), (1, (6, 6), (4, 4))]
    ):
        patches = [picture(100 * number + i, *patch) for i in range(grid * grid)]
        collages.append(
            {
                "first picture": 100 * number,
                "grid": grid,
                "from": patch,
                "to": size,
                "sha256": digest([collage(patches, grid, *size)]),
            }
        )
        whole = picture(50 + number, *size)
        cuts.append(
            {
                "picture": 50 + number,
                "grid": grid,
                "from": size,
                "to": [size[0] // grid, size[1] // grid],
                "sha256": digest(cut(whole, grid)),
            }
        )
    return collages, cuts


def view_answers() -> list[Map]:
    """Each view of three rows of one class, mixed with three partners of the seeds after them."""

    def view(kind: str, pad: int, scale: list[int], flip: int, cutmix: int) -> Map:
        return {"kind": kind, "pad": pad, "scale": scale, "flip": flip, "cutmix": cutmix}

    cases = [
        (view("identity", 0, [1, 1, 1], 0, 0), 1, (8, 8)),
        (view("identity", 0, [1, 1, 1], 1, 1), 1, (8, 8)),
        (view("pad-crop", 4, [1, 1, 1], 1, 1), 0, (16, 16)),
        (view("pad-crop", 4, [1, 1, 1], 1, 0), 1, (16, 16)),
        (view("pad-crop", 7, [1, 1, 1], 0, 1), 4294967295, (8, 12)),
        (view("resized-crop", 0, [8, 100, 100], 1, 1), 2, (16, 16)),
        (view("resized-crop", 0, [1, 4096, 4096], 1, 1), 3, (24, 10)),
        (view("resized-crop", 0, [1, 1, 4], 0, 0), 299, (15, 15)),
    ]
    seeds = [0, 1, 2**64 - 1, 0x0123456789ABCDEF, 2**63, 1000000007]
    slots, classes = [0, 4, 999], 10
    answers = []
    for recipe, index, (height, width) in cases:
        effective = {**recipe, "kind": "identity", "flip": 0, "cutmix": 0} if index == 0 else recipe
        words = [[w for b in range(3) for w in philox(s, b, index, 1)] for s in seeds]
        drawn = [
            draw(effective, w, s, height, width, classes)
            for w, s in zip(words, slots * 2, strict=True)
        ]
        seen = [augment(picture(i, height, width), d) for i, d in enumerate(drawn)]
        mixed = [mix(seen[i], seen[i + 3], drawn[i]) for i in range(3)]
        answers.append(
            {
                "view": recipe,
                "index": index,
                "size": [height, width],
                "classes": classes,
                "rows": [
                    {"picture": i, "seed": str(seeds[i]), "slot": (slots * 2)[i], **d}
                    for i, d in enumerate(drawn)
                ],
                "augmented sha256": digest(seen),
                "mixed sha256": digest(mixed),
            }
        )
    return answers


def answers() -> str:
    collages, cuts = layout_answers()
    content = {
        "about": [
            "Known answers of spec/synthesis.md, made by tools/make_synthesis_vectors.py.",
            PICTURE_RULE,
            DIGEST_RULE,
            "sizes are [height, width]; crop is [top, left, rows, columns]; "
            "box is [top, bottom, left, right]; partner is [class from the origin's start, slot]; "
            "a seed is decimal text",
            "mixed: rows 0, 1, 2 with rows 3, 4, 5 in the place of their partners",
        ],
        "weights": weight_answers(),
        "resize": resample_answers(resize),
        "nearest": resample_answers(nearest),
        "collage": collages,
        "cut": cuts,
        "views": view_answers(),
    }
    # One answer a line: a difference is then easy to read.
    parts = []
    for key, value in content.items():
        lines = ",\n  ".join(json.dumps(v) for v in value)
        parts.append(f" {json.dumps(key)}: [\n  {lines}\n ]")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main(arguments: list[str]) -> int:
    if arguments == ["--check"]:
        same = FILE.is_file() and FILE.read_text(encoding="utf-8") == answers()
        print(*([] if same else [f"differs: {FILE.name}"]), sep="\n", end="" if same else "\n")
        return 0 if same else 1
    if arguments:
        print(__doc__, file=sys.stderr)
        return 2
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(answers(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
