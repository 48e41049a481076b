"""A second implementation of spec/synthesis.md: plain Python integers, pixel by pixel."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from itertools import product
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


def happens(word: int, percent: int) -> int:
    return int(below(word, 100) >= 100 - percent)


class Draw(NamedTuple):
    """What a picture's own seed draws for a view.

    ``crop`` is top, left, rows, columns; ``tone`` is brightness, contrast and gamma in percent;
    ``partner`` is (class within the origin, slot); ``box`` is top, bottom, left, right, the ends
    not included.
    """

    crop: tuple[int, int, int, int]
    flip: int = 0
    vflip: int = 0
    degrees: int = 0
    tone: tuple[int, int, int] = (0, 0, 100)
    partner: tuple[int, int] = (0, 0)
    box: tuple[int, int, int, int] = (0, 0, 0, 0)

    @property
    def mixed(self) -> bool:
        return self.box[1] > self.box[0] and self.box[3] > self.box[2]


def draw(
    view: Map,
    size: tuple[int, int],
    seed: int,
    slot: int,
    index: int,
    classes: int,
    own: int = 0,
) -> Draw:
    """The draws of view ``index`` of a picture; ``size`` is height, width.

    ``classes`` are in the origin, and ``own`` is the class of the picture, from its start.
    """
    height, width = size
    if index == 0:
        return Draw((0, 0, height, width))
    w = words(seed, 1, index, 20)
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
    drawn = Draw(
        (top, left, rows, columns),
        happens(w[3], view.get("flip_percent", 50)) if view["flip"] else 0,
        happens(w[9], view.get("vflip", 0)),
        draw_degrees(view, w),
        draw_tone(view, w),
    )
    if not view["cutmix"]:
        return drawn
    group = view.get("partners", classes)
    start = own // group * group
    partner = start + below(w[4], min(group, classes - start)), below(w[5], slot + 1)
    high, wide = isqrt(height**2 * w[6] >> 32), isqrt(width**2 * w[6] >> 32)
    y, x = below(w[7], height) - high // 2, below(w[8], width) - wide // 2
    box = max(0, y), min(height, y + high), max(0, x), min(width, x + wide)
    return drawn._replace(partner=partner, box=box)


def draw_degrees(view: Map, w: list[int]) -> int:
    most, percent = view.get("rotate", (0, 0))
    return below(w[11], 2 * most + 1) - most if happens(w[10], percent) else 0


def draw_tone(view: Map, w: list[int]) -> tuple[int, int, int]:
    brightness, contrast, gamma = 0, 0, 100
    if "brightness" in view:
        brighter, steeper, percent = view["brightness"]
        if happens(w[12], percent):
            brightness = below(w[13], 2 * brighter + 1) - brighter
            contrast = below(w[14], 2 * steeper + 1) - steeper
    if "gamma" in view:
        low, high, percent = view["gamma"]
        if happens(w[15], percent):
            gamma = low + below(w[16], high - low + 1)
    return brightness, contrast, gamma


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
    out = [row[::-1] for row in out] if drawn.flip else out
    out = out[::-1] if drawn.vflip else out
    table = toned(*drawn.tone)
    return [[tuple(table[v] for v in pixel) for pixel in row] for row in rotate(out, drawn.degrees)]


@cache
def sine(degrees: int) -> int:
    """S, from the series of the sine and Machin's pi rather than from a table."""
    if degrees < 0:
        return -sine(-degrees)
    if degrees > 180:
        return -sine(degrees - 180)
    if degrees > 90:
        return sine(180 - degrees)

    def arctangent(n: int) -> Fraction:
        return sum((Fraction((-1) ** k, (2 * k + 1) * n ** (2 * k + 1)) for k in range(20)), ZERO)

    angle = (16 * arctangent(5) - 4 * arctangent(239)) * degrees / 180
    term, value = angle, ZERO
    for k in range(1, 12):
        value += term
        term *= -angle * angle / (2 * k * (2 * k + 1))
    return (2 * 65536 * value + 1) // 2


ZERO = Fraction(0)


def rotate(p: Picture, degrees: int) -> Picture:
    height, width = len(p), len(p[0])
    s, c = sine(degrees), sine(degrees + 90)

    def inside(t: int, side: int) -> int:
        m = t % (2 * (side - 1)) if side > 1 else 0
        return 2 * (side - 1) - m if m > side - 1 else m

    def pixel(y: int, x: int) -> tuple[int, ...]:
        u, v = 2 * x - (width - 1), 2 * y - (height - 1)
        left, across = divmod((c * u - s * v + 65536 * (width - 1) + 2048) // 4096, 32)
        top, down = divmod((s * u + c * v + 65536 * (height - 1) + 2048) // 4096, 32)
        corners = [
            (weight * share, p[inside(top + i, height)][inside(left + j, width)])
            for (i, weight), (j, share) in product(
                enumerate((32 - down, down)), enumerate((32 - across, across))
            )
        ]
        channels = range(len(p[0][0]))
        return tuple((sum(w * at[k] for w, at in corners) + 512) // 1024 for k in channels)

    return [[pixel(y, x) for x in range(width)] for y in range(height)]


@cache
def toned(brightness: int, contrast: int, gamma: int) -> list[int]:
    """What becomes of the values 0..255."""

    def value(i: int) -> int:
        changed = (2 * (i * (100 + contrast) + 255 * brightness) + 100) // 200
        power = 510**100 * min(255, max(0, changed)) ** gamma
        low, high = 0, 255  # the last t that is reached
        while low < high:
            t = (low + high + 1) // 2
            reached = (2 * t - 1) ** 100 * 255**gamma <= power
            low, high = (t, high) if reached else (low, t - 1)
        return low

    return [value(i) for i in range(256)]


def mix(mine: Picture, theirs: Picture, drawn: Draw) -> Picture:
    top, bottom, left, right = drawn.box
    return [
        [
            theirs[y][x] if top <= y < bottom and left <= x < right else pixel
            for x, pixel in enumerate(row)
        ]
        for y, row in enumerate(mine)
    ]
