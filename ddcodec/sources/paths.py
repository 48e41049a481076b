"""Paths as messages say them, whatever bytes their names hold."""

from __future__ import annotations

import os

__all__ = ["printable"]


def printable(path: str | os.PathLike[str]) -> str:
    r"""A path as messages say it, with escapes for bytes that are not UTF-8 and for control codes.

    >>> print(printable("caf\udce9"), printable("a\nb"))
    caf\xe9 a\nb
    """
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
