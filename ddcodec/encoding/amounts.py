"""Amounts that a request names: numbers of bytes."""

from __future__ import annotations

import re

from ddcodec.errors import RequestError

__all__ = ["parse_bytes"]

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
