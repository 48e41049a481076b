"""Amounts as people say them."""

from __future__ import annotations

import re

from ddcodec.errors import RequestError

__all__ = ["duration_text", "parse_bytes"]

_UNITS = {"": 1, "kb": 1000, "mb": 1000**2, "gb": 1000**3}
_UNITS |= {"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30}


def parse_bytes(text: str) -> int:
    """A number of bytes such as ``300KB``, ``1.5 MB`` or ``64KiB``.

    Raises:
        RequestError: the text is none.

    >>> parse_bytes("300KB"), parse_bytes("1.5 MB"), parse_bytes("64KiB"), parse_bytes("812")
    (300000, 1500000, 65536, 812)
    """
    found = re.fullmatch(r"([0-9]{1,12}(?:\.[0-9]{1,6})?) ?([kmg]i?b|b|)", text.strip().lower())
    if found is None or not float(found[1]):
        raise RequestError(f"{text!r} is no number of bytes: write it as 300KB, 1.5MB or 64KiB")
    return round(float(found[1]) * _UNITS["" if found[2] == "b" else found[2]])


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
