"""Ranges and ticks of a plot's axes: bytes on a logarithm, percent on a line."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["linear_range", "log_range", "log_ticks", "tick_text"]


def log_range(values: Sequence[int]) -> tuple[float, float]:
    """Decades with a margin, at least one decade wide, so that near sizes look near."""
    low, high = math.log10(max(1, min(values))), math.log10(max(1, max(values)))
    margin = max(0.15, (1.0 - (high - low)) / 2)
    return low - margin, high + margin


def log_ticks(low: float, high: float, most: int) -> list[int]:
    """Bytes of at most so many ticks: 1, 2, 5 of each decade, or decades alone."""
    decades = range(max(0, math.floor(low)), math.ceil(high) + 1)
    values = [m * 10**d for d in decades for m in (1, 2, 5)]
    shown = [v for v in values if low <= math.log10(v) <= high]
    if len(shown) <= most:
        return shown
    tens = [v for v in shown if str(v)[0] == "1"]
    return tens[:: max(1, -(-len(tens) // max(1, most)))]


def tick_text(value: int) -> str:
    """``20 kB``."""
    for unit, size in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if value >= size:
            return f"{value // size} {unit}"
    return f"{value} B"


def linear_range(low: float, high: float) -> tuple[float, float, list[float]]:
    """Ends and ticks, in percent, of an axis that holds these."""
    step = next(s for s in (1, 2, 5, 10, 20) if max(high - low, 4.0) / s <= 6 or s == 20)
    first = max(0, math.floor((low - 0.4 * step) / step)) * step
    last = min(100.0, math.ceil((high + 0.4 * step) / step) * step)
    count = max(1, round((last - first) / step))
    ticks = [float(first + i * step) for i in range(count + 1) if first + i * step <= 100]
    return float(first), last, ticks
