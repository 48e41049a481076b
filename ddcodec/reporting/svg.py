"""Drawings of a report as SVG text: accuracy against bytes, and a stacked bar.

Colours and fonts come from the page's style sheet, so that a drawing follows its theme.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

__all__ = ["Point", "bytes_text", "percent_text", "scatter", "stacked_bar"]

_WIDTH, _HEIGHT = 760, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 20, 38, 52
_LETTER = 6.6  # average advance of a 12 px letter, in px
_LINE = 15.0
_SHADES = 6


@dataclass(frozen=True)
class Point:
    """One figure: ``x`` in bytes, ``y`` and ``error`` (None if unknown) in percent."""

    label: str
    x: int
    y: float
    error: float | None
    role: str


@dataclass(frozen=True)
class _Box:
    left: float
    top: float
    right: float
    bottom: float

    def hits(self, other: _Box) -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )


def bytes_text(count: int) -> str:
    """Bytes for people, in powers of 1000: ``812 B``, ``31.4 kB``, ``1.54 MB``."""
    value, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 999.5:
            break
        value, unit = value / 1000, larger
    if unit == "B":
        return f"{count} B"
    digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{value:.{digits}f} {unit}"


def percent_text(mean: float, std: float | None = None) -> str:
    """Shares 0..1 as percent with one decimal: ``59.6 %`` or ``59.6 ± 0.3 %``."""
    if std is None:
        return f"{100 * mean:.1f} %"
    return f"{100 * mean:.1f} ± {100 * std:.1f} %"


def scatter(points: Sequence[Point], *, chance: float | None = None, title: str = "") -> str:
    """Accuracy in percent against bytes on a logarithmic axis, with error bars and labels.

    Args:
        points: at least one.
        chance: accuracy of guessing in percent, drawn as a line where it is on the axis.
        title: read out by screen readers.
    """
    xs = _log_range([p.x for p in points])
    ys, y_ticks = _linear_range(points)

    def px(x: float) -> float:
        share = (math.log10(x) - xs[0]) / (xs[1] - xs[0])
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def py(y: float) -> float:
        return _HEIGHT - _BOTTOM - (y - ys[0]) / (ys[1] - ys[0]) * (_HEIGHT - _TOP - _BOTTOM)

    out = [
        f'<svg class="plot" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{escape(title, quote=True)}">'
    ]
    floor, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    for tick in y_ticks:
        y = py(tick)
        out.append(f'<line class="grid" x1="{_LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}"/>')
        out.append(_text(_LEFT - 8, y + 4, f"{tick:g}", "tick", "end"))
    for value in _log_ticks(xs):
        x = px(value)
        out.append(f'<line class="mark" x1="{x:.1f}" y1="{floor}" x2="{x:.1f}" y2="{floor + 5}"/>')
        out.append(_text(x, floor + 19, _tick_text(value), "tick", "middle"))
    out.append(f'<line class="axis" x1="{_LEFT}" y1="{floor}" x2="{right}" y2="{floor}"/>')
    middle = (_LEFT + right) / 2
    out.append(_text(middle, _HEIGHT - 10, "bytes of the artifact file (log)", "name", "middle"))
    out.append(_text(0, 14, "test accuracy, %", "name", "start"))
    if chance is not None and ys[0] < chance < ys[1]:
        y = py(chance)
        out.append(f'<line class="chance" x1="{_LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}"/>')
        out.append(_text(right, y - 5, "chance", "tick", "end"))
    out += _marks(points, [(px(p.x), py(p.y)) for p in points], py)
    out.append("</svg>")
    return "\n".join(out)


def _marks(
    points: Sequence[Point],
    at: Sequence[tuple[float, float]],
    py: Callable[[float], float],
) -> list[str]:
    out = []
    taken = []
    for point, (x, y) in zip(points, at, strict=True):
        reach = 7.0
        if point.error:
            top, bottom = py(point.y + point.error), py(point.y - point.error)
            caps = f"M{x - 4:.1f} {top:.1f}h8M{x - 4:.1f} {bottom:.1f}h8"
            out.append(
                f'<path class="error {point.role}" d="M{x:.1f} {top:.1f}V{bottom:.1f}{caps}"/>'
            )
            reach = max(reach, bottom - y)
        taken.append(_Box(x - 7, y - reach, x + 7, y + reach))
    for point, (x, y) in zip(points, at, strict=True):
        spread = "" if point.error is None else f" ± {point.error:.1f}"
        hint = f"{point.label}: {bytes_text(point.x)}, {point.y:.1f}{spread} %"
        out.append(
            f'<circle class="{point.role}" cx="{x:.1f}" cy="{y:.1f}" r="5">'
            f"<title>{escape(hint)}</title></circle>"
        )
        text = f"{point.label}, {point.y:.1f}"
        box, anchor = _place(text, x, y, taken)
        taken.append(box)
        place = box.left if anchor == "start" else box.right
        out.append(_text(place, box.bottom - 4, text, f"label {point.role}", anchor))
    return out


def _place(text: str, x: float, y: float, taken: Sequence[_Box]) -> tuple[_Box, str]:
    """The first free place for a label, beside the point if possible, else above or below."""
    width = _LETTER * len(text)
    best: tuple[_Box, str] | None = None
    for shift in (0, -1, 1, -2, 2, -3, 3, -4, 4):
        for side in ("start", "end"):
            left = x + 11 if side == "start" else x - 11 - width
            top = y - _LINE / 2 + shift * _LINE
            box = _Box(left, top, left + width, top + _LINE)
            inside = (
                left >= _LEFT
                and box.right <= _WIDTH
                and top >= _TOP - _LINE
                and box.bottom <= _HEIGHT - _BOTTOM
            )
            if inside and not any(box.hits(other) for other in taken):
                return box, side
            if inside and best is None:
                best = box, side
    return best or (_Box(_LEFT + 4, y - 24, _LEFT + 4 + width, y - 9), "start")


def _log_range(values: Sequence[int]) -> tuple[float, float]:
    """Decades with a margin, at least one decade wide, so that near sizes look near."""
    low, high = math.log10(max(1, min(values))), math.log10(max(1, max(values)))
    margin = max(0.15, (1.0 - (high - low)) / 2)
    return low - margin, high + margin


def _log_ticks(span: tuple[float, float]) -> list[int]:
    decades = range(math.floor(span[0]), math.ceil(span[1]) + 1)
    values = [int(m * 10.0**d) for d in decades if d >= 0 for m in (1, 2, 5)]
    shown = [v for v in values if v >= 1 and span[0] <= math.log10(v) <= span[1]]
    return shown if len(shown) <= 8 else [v for v in shown if str(v)[0] == "1"]


def _tick_text(value: int) -> str:
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if value >= size:
            return f"{value // size} {unit}"
    return f"{value} B"


def _linear_range(points: Sequence[Point]) -> tuple[tuple[float, float], list[float]]:
    low = min(p.y - (p.error or 0) for p in points)
    high = max(p.y + (p.error or 0) for p in points)
    step = next(s for s in (1, 2, 5, 10, 20) if max(high - low, 4.0) / s <= 6 or s == 20)
    first = max(0, math.floor((low - 0.4 * step) / step)) * step
    last = min(100.0, math.ceil((high + 0.4 * step) / step) * step)
    count = max(1, round((last - first) / step))
    return (first, last), [first + i * step for i in range(count + 1) if first + i * step <= 100]


def _text(x: float, y: float, text: str, style: str, anchor: str) -> str:
    return (
        f'<text class="{style}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">'
        f"{escape(text)}</text>"
    )


def stacked_bar(parts: Sequence[tuple[str, int]]) -> str:
    """One horizontal bar of parts (name, bytes) in order; empty parts only keep their colour.

    Parts too small to see are drawn 1 px wide.
    """
    total = sum(size for _, size in parts) or 1
    width, height = 760.0, 34
    spoken = ", ".join(f"{name} {bytes_text(size)}" for name, size in parts if size)
    out = [
        f'<svg class="bar" viewBox="0 0 {width:g} {height}" preserveAspectRatio="none" '
        f'role="img" aria-label="{escape(spoken, quote=True)}">'
    ]
    left = 0.0
    for i, (name, size) in enumerate(parts):
        if size == 0:
            continue
        share = size / total
        wide = max(1.0, share * width)
        hint = f"{name}: {bytes_text(size)}, {100 * share:.1f} %"
        out.append(
            f'<rect class="part{i % _SHADES}" x="{left:.2f}" y="0" width="{wide:.2f}" '
            f'height="{height}"><title>{escape(hint)}</title></rect>'
        )
        left += wide
    out.append("</svg>")
    return "\n".join(out)
