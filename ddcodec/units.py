"""Amounts as people say them."""

from __future__ import annotations

__all__ = ["duration_text"]


def duration_text(seconds: float) -> str:
    """A duration, as exact as a forecast can be.

    >>> [duration_text(s) for s in (0.2, 45, 200, 5400, 36_000)]
    ['1 s', '45 s', '3 min', '90 min', '10 hours']
    """
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes >= 100:
        return f"{seconds / 3600:.0f} hours"
    return f"{minutes} min"
