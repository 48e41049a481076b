"""Paths as messages say them, whatever bytes their names hold."""

from __future__ import annotations

import os

from ddcodec.sources.picture_file import PictureFile

__all__ = ["printable"]


def printable(place: str | os.PathLike[str] | PictureFile) -> str:
    r"""A path, or a place in an archive or a table, as messages say it.

    Bytes that are not UTF-8 and control codes are escaped.

    >>> print(printable("caf\udce9"), printable("a\nb"))
    caf\xe9 a\nb
    """
    text = os.fsencode(str(place)).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
