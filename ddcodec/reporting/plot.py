"""Geometry of a plot of accuracy against bytes; the template ``plot.svg`` draws it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ddcodec.reporting.axes import linear_range, log_range, log_ticks, tick_text
from ddcodec.reporting.pareto import pareto
from ddcodec.reporting.placing import LINE, Box, Label, place_all, width_of
from ddcodec.units import bytes_text

__all__ = ["OUTLINES", "Level", "Mark", "Plot", "Point", "Tick", "plot"]

_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 20, 38, 52
_DOT = 7.0  # half the side of the square that a dot keeps free

OUTLINES = {
    "soft": "m-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0z",  # circle
    "hard": "m-4.5 -4.5h9v9h-9z",  # square
    "teacher": "m0 -6l5.5 9.5h-11z",  # triangle
    "published": "m0 -4.5l4.5 4.5l-4.5 4.5l-4.5 -4.5z",  # diamond
}
"""Kind of the labels, or ``published`` -> an SVG path around its middle."""


@dataclass(frozen=True)
class Point:
    """One figure: ``x`` in bytes, ``y`` and ``error`` (None if unknown) in percent.

    Attributes:
        label: its name.
        role: ``artifact``, ``baseline`` or ``published``.
        key: what it is called in a table, which stands for a name that finds no place.
        shape: of its mark, one of ``OUTLINES``; the first of them where nobody knows.
        told: what else its hint says: label regime, protocol.
        best: of published figures, that none of as few bytes reaches it: its name matters most.
        least: bytes of the same by another accounting, which a thin line leads to.
    """

    label: str
    x: int
    y: float
    error: float | None
    role: str
    key: str = "1"
    shape: str = ""
    told: str = ""
    best: bool = False
    least: int | None = None

    @property
    def group(self) -> str:
        """Those whose names give way to keys together."""
        return "best" if self.best else self.role

    @property
    def hint(self) -> str:
        """All of it in words."""
        spread = "" if self.error is None else f" ± {self.error:.1f}"
        told = f", {self.told}" if self.told else ""
        return f"{self.label}: {bytes_text(self.x)}, {self.y:.1f}{spread} %{told}"

    @property
    def outline(self) -> str:
        return OUTLINES.get(self.shape, OUTLINES["soft"])


@dataclass(frozen=True)
class Level:
    """An accuracy in percent without bytes on the axis, drawn as a line; ``needed`` within it."""

    y: float
    text: str
    needed: bool = False


@dataclass(frozen=True)
class Tick:
    """A tick of an axis: where, in px, and its text."""

    at: float
    text: str


@dataclass(frozen=True)
class Mark:
    """A point in px: its middle, the ends of its error bar, its label, and its other bytes."""

    point: Point
    x: float
    y: float
    top: float
    bottom: float
    label: Label | None
    least: float | None = None


@dataclass(frozen=True)
class Plot:
    """A drawing in px.

    Attributes:
        title: for those who cannot see it.
        left, right, floor: ends of the axes.
        xs, ys: ticks.
        levels: heights of horizontal lines, with their words.
        marks: published ones first, so that the others lie over them and stay in sight.
        front: points of the line along the best artifacts; empty where one alone is best.
        keyed: groups whose labels are keys into tables, because names found no place.
    """

    title: str
    width: int
    height: int
    left: int
    right: int
    floor: int
    xs: tuple[Tick, ...]
    ys: tuple[Tick, ...]
    levels: tuple[Tick, ...]
    marks: tuple[Mark, ...]
    front: tuple[tuple[float, float], ...]
    keyed: frozenset[str]


def plot(
    points: Sequence[Point],
    *,
    levels: Sequence[Level] = (),
    title: str = "",
    width: int = 760,
    height: int = 400,
) -> Plot:
    """Accuracy in percent against bytes on a logarithmic axis, with error bars and labels.

    No two labels overlap: where names find no place, keys of table rows do.

    Args:
        points: at least one.
        levels: horizontal lines, such as guessing; what is not needed is left out off the axis.
        title: read out by screen readers.
        width, height: in px.
    """
    # Labels choose their places in this order.
    points = sorted(points, key=lambda p: (p.role == "published", not p.best))
    low, high = log_range([p.x for p in points])
    heights = [p.y + sign * (p.error or 0) for p in points for sign in (-1, 1)]
    heights += [level.y for level in levels if level.needed]
    bottom, top, ticks = linear_range(max(0.0, min(heights)), min(100.0, max(heights)))
    floor, right = height - _BOTTOM, width - _RIGHT

    def px(x: float) -> float:
        return _LEFT + (math.log10(max(1, x)) - low) / (high - low) * (right - _LEFT)

    def py(y: float) -> float:
        return floor - (y - bottom) / (top - bottom) * (floor - _TOP)

    at = [(px(p.x), py(p.y)) for p in points]
    ends = [
        (py(min(top, p.y + (p.error or 0))), py(max(bottom, p.y - (p.error or 0)))) for p in points
    ]
    own = [p for p in points if p.role == "artifact"]
    best = [own[i] for i in pareto([(p.x, p.y) for p in own])]
    line = [(px(p.x), py(p.y)) for p in best]
    shown = [Tick(py(level.y), level.text) for level in levels if bottom < level.y < top]
    taken = [
        Box(x - _DOT, min(y - _DOT, above), x + _DOT, max(y + _DOT, below))
        for (x, y), (above, below) in zip(at, ends, strict=True)
    ]
    taken += _along(line)
    taken += [Box(right - width_of(s.text), s.at - LINE, right, s.at) for s in shown]
    labels, keyed = _labels(points, at, taken, Box(_LEFT, _TOP - LINE, width, floor))
    marks = [
        Mark(point, *place, *span, label, _clipped(px, point.least))
        for point, place, span, label in zip(points, at, ends, labels, strict=True)
    ]
    return Plot(
        title=title,
        width=width,
        height=height,
        left=_LEFT,
        right=right,
        floor=floor,
        xs=tuple(Tick(px(v), tick_text(v)) for v in log_ticks(low, high, (right - _LEFT) // 70)),
        ys=tuple(Tick(py(v), f"{v:g}") for v in ticks),
        levels=tuple(shown),
        marks=tuple(sorted(marks, key=lambda mark: mark.point.role != "published")),
        front=tuple(line) if len(line) > 1 else (),
        keyed=keyed,
    )


def _labels(
    points: Sequence[Point], at: Sequence[tuple[float, float]], taken: Sequence[Box], inside: Box
) -> tuple[list[Label | None], frozenset[str]]:
    """The labels, and the groups that have keys in place of names."""
    groups = {point.group for point in points}
    others, best = groups & {"published"}, groups & {"best"}
    own = groups - others - best
    # Names of other people's figures give way first.
    for keyed in dict.fromkeys(map(frozenset, ((), others, others | best, others | own, groups))):
        texts = [p.key if p.group in keyed else f"{p.label}, {p.y:.1f}" for p in points]
        labels = place_all(texts, at, taken, inside, [p.group in keyed for p in points])
        if None not in labels or keyed == groups:
            break
    return labels, keyed


def _clipped(px: Callable[[float], float], least: int | None) -> float | None:
    return None if least is None else max(float(_LEFT), px(least))


def _along(line: Sequence[tuple[float, float]]) -> Iterator[Box]:
    """Small boxes that cover a line, which labels shall not cover."""
    for (x, y), (to_x, to_y) in pairwise(line):
        count = max(1, int(max(abs(to_x - x), abs(to_y - y)) / 4))
        for i in range(count + 1):
            at_x, at_y = x + (to_x - x) * i / count, y + (to_y - y) * i / count
            yield Box(at_x - 2, at_y - 2, at_x + 2, at_y + 2)
