"""Amounts as people say them."""

from __future__ import annotations

__all__ = ["bytes_text", "duration_text"]


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
