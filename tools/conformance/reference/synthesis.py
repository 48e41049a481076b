"""A second implementation of spec/synthesis.md: plain Python integers, pixel by pixel."""

from __future__ import annotations

from math import isqrt
from typing import Any, NamedTuple

from tools.conformance.reference.randomness import words

Picture = list[list[tuple[int, ...]]]  # [row][column] -> channels
Map = dict[str, Any]


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


def below(word: int, n: int) -> int:
    """A word as a choice among n."""
    return word * n >> 32


class Draw(NamedTuple):
    """What a picture's own seed draws for a view.

    ``crop`` is top, left, rows, columns; ``partner`` is (class within the origin, slot); ``box`` is
    top, bottom, left, right, the ends not included.
    """

    crop: tuple[int, int, int, int]
    flip: int = 0
    partner: tuple[int, int] = (0, 0)
    box: tuple[int, int, int, int] = (0, 0, 0, 0)

    @property
    def mixed(self) -> bool:
        return self.box[1] > self.box[0] and self.box[3] > self.box[2]


def draw(view: Map, size: tuple[int, int], seed: int, slot: int, index: int, classes: int) -> Draw:
    """The draws of view ``index`` of a picture; ``size`` is height, width."""
    height, width = size
    if index == 0:
        return Draw((0, 0, height, width))
    w = words(seed, 1, index, 12)
    top, left, rows, columns = 0, 0, height, width
    if view["kind"] == "pad-crop":
        pad = view["pad"]
        top, left = below(w[1], 2 * pad + 1) - pad, below(w[2], 2 * pad + 1) - pad
    if view["kind"] == "resized-crop":
        low, high, denominator = view["scale"]
        area = 65536 * low + below(w[0], 65536 * (high - low) + 1)
        rows = max(1, isqrt(height**2 * area // (65536 * denominator)))
        columns = max(1, isqrt(width**2 * area // (65536 * denominator)))
        top, left = below(w[1], height - rows + 1), below(w[2], width - columns + 1)
    crop, flip = (top, left, rows, columns), below(w[3], 2) if view["flip"] else 0
    if not view["cutmix"]:
        return Draw(crop, flip)
    partner = below(w[4], classes), below(w[5], slot + 1)
    high, wide = isqrt(height**2 * w[6] >> 32), isqrt(width**2 * w[6] >> 32)
    y, x = below(w[7], height) - high // 2, below(w[8], width) - wide // 2
    box = max(0, y), min(height, y + high), max(0, x), min(width, x + wide)
    return Draw(crop, flip, partner, box)


def augment(p: Picture, drawn: Draw) -> Picture:
    top, left, rows, columns = drawn.crop
    height, width = len(p), len(p[0])

    def reflect(t: int, side: int) -> int:
        return -t if t < 0 else 2 * (side - 1) - t if t >= side else t

    crop = [
        [p[reflect(top + y, height)][reflect(left + x, width)] for x in range(columns)]
        for y in range(rows)
    ]
    out = resize(crop, height, width)
    return [row[::-1] for row in out] if drawn.flip else out


def mix(mine: Picture, theirs: Picture, drawn: Draw) -> Picture:
    top, bottom, left, right = drawn.box
    return [
        [
            theirs[y][x] if top <= y < bottom and left <= x < right else pixel
            for x, pixel in enumerate(row)
        ]
        for y, row in enumerate(mine)
    ]
