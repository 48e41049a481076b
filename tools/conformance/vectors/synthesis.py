"""Make the known answers of spec/synthesis.md: spec/vectors/synthesis/vectors.json.

python -m tools.conformance.vectors.synthesis [--check]
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable

from tools.conformance.reference.synthesis import (
    Map,
    Picture,
    augment,
    collage,
    cut,
    draw,
    mix,
    nearest,
    resize,
    taps,
)
from tools.conformance.vectors.maker import VECTORS, Maker, as_map

PICTURE_RULE = (
    "picture k of h x w x c: byte i, in row, column, channel order, is "
    "floor((((i + 1) * (i + k + 7) * 2654435761) mod 2^32) / 2^24)"
)
DIGEST_RULE = "sha256 of the bytes in picture, row, column, channel order"


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

    def view(
        kind: str, pad: int, scale: list[int], flip: int, cutmix: int, **more: int | list[int]
    ) -> Map:
        return {"kind": kind, "pad": pad, "scale": scale, "flip": flip, "cutmix": cutmix, **more}

    plain: tuple[str, int, list[int]] = ("identity", 0, [1, 1, 1])
    tones: Map = {"brightness": [20, 20, 50], "gamma": [80, 120, 50]}
    pda: Map = {"flip_percent": 80, "vflip": 80, "rotate": [60, 80], **tones}
    cases = [
        (view("identity", 0, [1, 1, 1], 0, 0), 1, (8, 8)),
        (view("identity", 0, [1, 1, 1], 1, 1), 1, (8, 8)),
        (view("pad-crop", 4, [1, 1, 1], 1, 1), 0, (16, 16)),
        (view("pad-crop", 4, [1, 1, 1], 1, 0), 1, (16, 16)),
        (view("pad-crop", 7, [1, 1, 1], 0, 1), 4294967295, (8, 12)),
        (view("resized-crop", 0, [8, 100, 100], 1, 1), 2, (16, 16)),
        (view("resized-crop", 0, [1, 4096, 4096], 1, 1), 3, (24, 10)),
        (view("resized-crop", 0, [1, 1, 4], 0, 0), 299, (15, 15)),
        (view(*plain, 0, 0, vflip=50), 1, (5, 8)),
        (view(*plain, 1, 0, flip_percent=100), 1, (5, 8)),
        (view(*plain, 0, 0, rotate=[180, 100]), 1, (16, 16)),
        (view(*plain, 0, 0, rotate=[180, 100]), 2, (3, 40)),
        (view(*plain, 0, 0, rotate=[90, 50]), 3, (1, 7)),
        (view(*plain, 0, 0, brightness=[100, 100, 100]), 1, (8, 8)),
        (view(*plain, 0, 0, brightness=[0, 20, 100]), 4, (8, 8)),
        (view(*plain, 0, 0, gamma=[10, 1000, 100]), 1, (8, 8)),
        (view("pad-crop", 4, [1, 1, 1], 1, 0, **pda), 7, (32, 32)),
        (view("pad-crop", 4, [1, 1, 1], 1, 1, **pda), 8, (32, 24)),
        (view("resized-crop", 0, [1, 4, 4], 1, 1, **pda), 9, (21, 33)),
        (view(*plain, 0, 1, partners=4), 1, (8, 8)),
        (view(*plain, 1, 1, partners=1), 2, (8, 8)),
    ]
    seeds = [0, 1, 2**64 - 1, 0x0123456789ABCDEF, 2**63, 1000000007]
    slots, classes, own = [0, 4, 999], 10, [0, 3, 4, 7, 8, 9]
    answers = []
    for recipe, index, (height, width) in cases:
        drawn = [
            draw(recipe, (height, width), seed, slot, index, classes, c)
            for seed, slot, c in zip(seeds, slots * 2, own, strict=True)
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
                    {
                        "picture": i,
                        "seed": str(seeds[i]),
                        "slot": (slots * 2)[i],
                        "class": own[i],
                        **d._asdict(),
                    }
                    for i, d in enumerate(drawn)
                ],
                "augmented sha256": digest(seen),
                "mixed sha256": digest(mixed),
            }
        )
    return answers


def build() -> dict[str, bytes]:
    collages, cuts = layout_answers()
    parts = {
        "about": [
            "Known answers of spec/synthesis.md, made by tools/conformance/vectors/synthesis.py.",
            PICTURE_RULE,
            DIGEST_RULE,
            "sizes are [height, width]; crop is [top, left, rows, columns]; "
            "box is [top, bottom, left, right]; "
            "tone is [brightness, contrast, gamma]; "
            "partner is [class from the origin's start, slot]; a seed is decimal text",
            "mixed: rows 0, 1, 2 with rows 3, 4, 5 in the place of their partners",
        ],
        "weights": weight_answers(),
        "resize": resample_answers(resize),
        "nearest": resample_answers(nearest),
        "collage": collages,
        "cut": cuts,
        "views": view_answers(),
    }
    return {"vectors.json": as_map(parts)}


MAKER = Maker("the known answers of spec/synthesis.md", VECTORS / "synthesis", build)


if __name__ == "__main__":
    sys.exit(MAKER.main())
