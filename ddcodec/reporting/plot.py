"""Geometry of a plot of accuracy against bytes; the template ``plot.svg`` draws it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ddcodec.reporting.placing import LINE, Box, Label, place_all
from ddcodec.reporting.text import bytes_text

__all__ = ["Mark", "Plot", "Point", "Tick", "front", "plot"]

_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 20, 38, 52
_DOT = 7.0  # half the side of the square that a dot keeps free


@dataclass(frozen=True)
class Point:
    """One figure: ``x`` in bytes, ``y`` and ``error`` (None if unknown) in percent.

    Attributes:
        label: its name.
        number: its row in the table of figures, which stands for a name that finds no place.
        role: ``artifact`` or ``baseline``.
        series: points of one series share a front line.
    """

    label: str
    x: int
    y: float
    error: float | None
    role: str
    number: int = 1
    series: str = ""

    @property
    def hint(self) -> str:
        """All of it in words."""
        spread = "" if self.error is None else f" ± {self.error:.1f}"
        return f"{self.label}: {bytes_text(self.x)}, {self.y:.1f}{spread} %"


@dataclass(frozen=True)
class Tick:
    """A tick of an axis: where, in px, and its text."""

    at: float
    text: str


@dataclass(frozen=True)
class Mark:
    """A point in px: its middle, the ends of its error bar, and its label."""

    point: Point
    x: float
    y: float
    top: float
    bottom: float
    label: Label | None


@dataclass(frozen=True)
class Plot:
    """A drawing in px.

    Attributes:
        title: for those who cannot see it.
        left, right, floor: ends of the axes.
        xs, ys: ticks.
        chance: height of the line of guessing, if it is on the axis.
        lines: (role, points) of each front line.
        numbered: labels are numbers of rows, because names found no place.
    """

    title: str
    width: int
    height: int
    left: int
    right: int
    floor: int
    xs: tuple[Tick, ...]
    ys: tuple[Tick, ...]
    chance: float | None
    marks: tuple[Mark, ...]
    lines: tuple[tuple[str, tuple[tuple[float, float], ...]], ...]
    numbered: bool


def plot(
    points: Sequence[Point],
    *,
    chance: float | None = None,
    title: str = "",
    width: int = 760,
    height: int = 400,
) -> Plot:
    """Accuracy in percent against bytes on a logarithmic axis, with error bars and labels.

    No two labels overlap: where names find no place, numbers of rows do.

    Args:
        points: at least one.
        chance: accuracy of guessing in percent, drawn as a line where it is on the axis.
        title: read out by screen readers.
        width, height: in px.
    """
    low, high = _log_range([p.x for p in points])
    bottom, top, ticks = _linear_range(points)
    floor, right = height - _BOTTOM, width - _RIGHT

    def px(x: float) -> float:
        return _LEFT + (math.log10(max(1, x)) - low) / (high - low) * (right - _LEFT)

    def py(y: float) -> float:
        return floor - (y - bottom) / (top - bottom) * (floor - _TOP)

    lines = _fronts(points)
    at = [(px(p.x), py(p.y)) for p in points]
    ends = [
        (py(min(top, p.y + (p.error or 0))), py(max(bottom, p.y - (p.error or 0)))) for p in points
    ]
    taken = [
        Box(x - _DOT, min(y - _DOT, above), x + _DOT, max(y + _DOT, below))
        for (x, y), (above, below) in zip(at, ends, strict=True)
    ]
    fronts = [[(px(p.x), py(p.y)) for p in line] for line in lines]
    taken += [box for line in fronts for box in _along(line)]
    level = None if chance is None or not bottom < chance < top else py(chance)
    if level is not None:  # the word that stands at its right end
        taken.append(Box(right - 50, level - LINE, right, level))
    inside = Box(_LEFT, _TOP - LINE, width, floor)
    names = [f"{p.label}, {p.y:.1f}" for p in points]
    labels = place_all(names, at, taken, inside, anywhere=False)
    numbered = None in labels
    if numbered:
        labels = place_all([str(p.number) for p in points], at, taken, inside, anywhere=True)
    return Plot(
        title=title,
        width=width,
        height=height,
        left=_LEFT,
        right=right,
        floor=floor,
        xs=tuple(Tick(px(v), _tick_text(v)) for v in _log_ticks(low, high, (right - _LEFT) // 70)),
        ys=tuple(Tick(py(v), f"{v:g}") for v in ticks),
        chance=level,
        marks=tuple(
            Mark(point, *place, *span, label)
            for point, place, span, label in zip(points, at, ends, labels, strict=True)
        ),
        lines=tuple((line[0].role, tuple(at)) for line, at in zip(lines, fronts, strict=True)),
        numbered=numbered,
    )


def front(points: Sequence[Point]) -> list[Point]:
    """Those that no smaller point reaches, by size.

    >>> sizes = (Point("", x, y, None, "artifact") for x, y in ((10, 50), (20, 40), (30, 60)))
    >>> [point.x for point in front(list(sizes))]
    [10, 30]
    """
    found: list[Point] = []
    for point in sorted(points, key=lambda p: (p.x, -p.y)):
        if not found or point.y > found[-1].y:
            found.append(point)
    return found


def _fronts(points: Sequence[Point]) -> list[list[Point]]:
    """The front of every series that has more than one point on it."""
    series: dict[tuple[str, str], list[Point]] = {}
    for point in points:
        series.setdefault((point.role, point.series), []).append(point)
    found = (front(members) for members in series.values())
    return [line for line in found if len(line) > 1]


def _along(line: Sequence[tuple[float, float]]) -> Iterator[Box]:
    """Small boxes that cover a line, which labels shall not cover."""
    for (x, y), (to_x, to_y) in pairwise(line):
        count = max(1, int(max(abs(to_x - x), abs(to_y - y)) / 4))
        for i in range(count + 1):
            at_x, at_y = x + (to_x - x) * i / count, y + (to_y - y) * i / count
            yield Box(at_x - 2, at_y - 2, at_x + 2, at_y + 2)


def _log_range(values: Sequence[int]) -> tuple[float, float]:
    """Decades with a margin, at least one decade wide, so that near sizes look near."""
    low, high = math.log10(max(1, min(values))), math.log10(max(1, max(values)))
    margin = max(0.15, (1.0 - (high - low)) / 2)
    return low - margin, high + margin


def _log_ticks(low: float, high: float, most: int) -> list[int]:
    decades = range(max(0, math.floor(low)), math.ceil(high) + 1)
    values = [m * 10**d for d in decades for m in (1, 2, 5)]
    shown = [v for v in values if low <= math.log10(v) <= high]
    if len(shown) <= most:
        return shown
    tens = [v for v in shown if str(v)[0] == "1"]
    return tens[:: max(1, -(-len(tens) // max(1, most)))]


def _tick_text(value: int) -> str:
    for unit, size in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if value >= size:
            return f"{value // size} {unit}"
    return f"{value} B"


def _linear_range(points: Sequence[Point]) -> tuple[float, float, list[float]]:
    low = min(p.y - (p.error or 0) for p in points)
    high = max(p.y + (p.error or 0) for p in points)
    step = next(s for s in (1, 2, 5, 10, 20) if max(high - low, 4.0) / s <= 6 or s == 20)
    first = max(0, math.floor((low - 0.4 * step) / step)) * step
    last = min(100.0, math.ceil((high + 0.4 * step) / step) * step)
    count = max(1, round((last - first) / step))
    ticks = [float(first + i * step) for i in range(count + 1) if first + i * step <= 100]
    return float(first), last, ticks
