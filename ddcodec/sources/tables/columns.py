"""Columns of tables: pictures, classes and their names.

Hugging Face ``datasets`` says it by features, in a table's metadata or in Python; else names tell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ddcodec.errors import RequestError, SourceError

__all__ = ["PICTURES", "Column", "Columns", "columns_of"]

PICTURES = frozenset({"image", "img", "picture", "images", "jpg", "png", "webp"})
"""Names by which a column of bytes is known to hold pictures."""

_LABELS = frozenset({"label", "labels", "cls", "class", "target", "fine_label", "class_name"})


class Column(NamedTuple):
    """What is known of a column.

    Attributes:
        kind: ``picture``, ``class``, ``number``, ``text`` or ``other``.
        names: of the classes, by index, where the table has them.
    """

    kind: str
    names: tuple[str, ...] | None = None


class Columns(NamedTuple):
    """The columns of a source."""

    picture: str
    label: str
    names: tuple[str, ...] | None


def columns_of(
    found: Mapping[str, Column], place: str, asked: Mapping[str, str] | None = None
) -> Columns:
    """Choose the columns of pictures and classes.

    Args:
        found: columns by name.
        place: the table, for people.
        asked: ``image`` and ``label``: columns that the user named.

    Raises:
        RequestError: there is no column of a name that was given.
        SourceError: there is none, or none is clearly meant.

    >>> columns_of({"img": Column("picture"), "label": Column("number")}, "a.parquet")
    Columns(picture='img', label='label', names=None)
    """
    asked = asked or {}
    for name in asked.values():
        if name not in found:
            raise RequestError(f"{place} has no column {name!r}: it has {', '.join(found)}")
    pictures = [name for name, one in found.items() if one.kind == "picture"]
    labels = [name for name, one in found.items() if one.kind == "class"]
    if not labels:
        labels = [n for n, one in found.items() if one.kind in ("number", "text") and n in _LABELS]
    picture = asked.get("image") or _one(pictures, "image", found, place)
    label = asked.get("label") or _one(labels, "label", found, place)
    return Columns(picture, label, found[label].names)


def _one(candidates: Sequence[str], key: str, found: Mapping[str, Column], place: str) -> str:
    """The only candidate, or the one that is called as is usual."""
    what = "pictures" if key == "image" else "classes"
    if not candidates:
        raise SourceError(
            f"{place} has no column that is known to hold {what}, only "
            f"{', '.join(found) or 'none at all'}: name it, as {place}?{key}=COLUMN"
        )
    if len(candidates) > 1 and key not in candidates:
        raise SourceError(
            f"{place} has several columns of {what} ({', '.join(candidates)}): name one, as "
            f"{place}?{key}={candidates[0]}"
        )
    return key if len(candidates) > 1 else candidates[0]
