"""Rows of (class, picture) as a source: walked once, a picture at a time, and kept in a spool."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ddcodec.errors import SourceError, shown
from ddcodec.sources.findings import class_findings
from ddcodec.sources.listed import ListedSource
from ddcodec.sources.picture_file import HasSize, HeldFile, PictureFile, Size
from ddcodec.sources.spool import Spool

__all__ = ["Row", "by_class", "table_source"]

_SHOWN = 5


class Row(NamedTuple):
    """One picture of a table.

    Attributes:
        label: its class, as an index or a name.
        data: the picture file's bytes; empty where there is none.
        part: the file that it is of, for people.
        number: of the row in there, from 0.
    """

    label: Any
    data: bytes
    part: str
    number: int


class _SpooledRow(HeldFile):
    """A picture in a spool, as small as can be: there may be millions."""

    __slots__ = ("_number", "_offset", "_part", "_size", "_spool")

    def __init__(self, row: Row, spool: Spool) -> None:
        self._part, self._number, self._spool = row.part, row.number, spool
        self._size, self._offset = len(row.data), spool.append(row.data)

    def __str__(self) -> str:
        return f"row {self._number} of {self._part}"

    @property
    def name(self) -> str:
        """Its number."""
        return f"{self._number:08d}"

    def stat(self) -> HasSize:
        """Its size in bytes."""
        return Size(self._size)

    def _read(self) -> bytes:
        return self._spool.read(self._offset, self._size)


def table_source(rows: Iterable[Row], names: Sequence[str] | None, place: str) -> ListedSource:
    """Walk rows once, and keep their pictures in a spool.

    Args:
        rows: in the order of the table, which becomes that within each class.
        names: of the classes, by index; None where rows name their classes themselves.
        place: the table, for people.

    Raises:
        SourceError: no rows, a class that is none, or names that cannot be told apart.
    """
    spool, found = Spool(place), dict[Any, list[PictureFile]]()
    for row in rows:
        found.setdefault(_class_of(row), []).append(_SpooledRow(row, spool))
    return by_class(found, names, place)


def by_class(
    found: Mapping[int | str, Sequence[PictureFile]],
    names: Sequence[str] | None,
    place: str,
    warnings: Sequence[str] = (),
) -> ListedSource:
    """Pictures by the class that each was found to have.

    Args:
        found: index or name of a class -> its pictures, in order.
        names: of the classes, by index; without them, classes are in the order of their numbers,
            or else of their names.
        place: where they are, for people.
        warnings: what is to be said besides.

    Raises:
        SourceError: nothing was found, a class is none of the names, or numbers and names are
            mixed.
    """
    if not found:
        raise SourceError(f"{place} holds no pictures: give another table, or another part of it")
    if names is None:
        if len({type(label) for label in found}) > 1:
            raise SourceError(
                f"some classes of {place} are numbers and some are names: let all be of one kind"
            )
        order = sorted(found)
        names = [str(label) for label in order]
        files = [found[label] for label in order]
    else:
        indexed = {name: index for index, name in enumerate(names)}
        known = dict[int, list[PictureFile]]()
        for label, pictures in found.items():
            index = indexed.get(label, -1) if isinstance(label, str) else label
            if not 0 <= index < len(names):
                raise SourceError(_no_class(label, names, place))
            known.setdefault(index, []).extend(pictures)
        files = [known.get(index, []) for index in range(len(names))]
    empty = [name for name, pictures in zip(names, files, strict=True) if not pictures]
    kept = {
        name: tuple(pictures)
        for name, pictures in zip(_told_apart(names, place), files, strict=True)
        if pictures
    }
    left_out = [f"{_some(empty)} of {place} have no pictures, and were left out"] if empty else []
    counts = {name: len(pictures) for name, pictures in kept.items()}
    return ListedSource(
        classes=tuple(kept),
        files=tuple(kept.values()),
        place=place,
        warnings=(*warnings, *left_out, *class_findings(counts)),
    )


def _class_of(row: Row) -> int | str:
    label = row.label
    if isinstance(label, str):
        return label
    if isinstance(label, int | np.integer) and not isinstance(label, bool):
        return int(label)
    raise SourceError(
        f"row {row.number} of {row.part} has {shown(label)} for a class: classes are whole numbers "
        "or names"
    )


def _no_class(label: int | str, names: Sequence[str], place: str) -> str:
    if label == -1:
        return (
            f"pictures of {place} have the label -1, as those have whose classes are kept secret: "
            "give a part of the data set with labels"
        )
    what = f"the numbers 0 to {len(names) - 1}" if isinstance(label, int) else _some(names)
    return (
        f"a picture of {place} has the class {shown(label)}, and the classes are {what}: give the "
        "names of all classes"
    )


def _told_apart(names: Sequence[str], place: str) -> list[str]:
    """Names as they are stored: in Unicode's form NFC, each once.

    Raises:
        SourceError: they cannot be stored so.
    """
    composed = list[str]()
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError as error:
            raise SourceError(
                f"the class name {shown(name)} of {place} is no whole Unicode text: rename it"
            ) from error
        if not name:
            raise SourceError(f"a class of {place} has an empty name: name it")
        composed.append(unicodedata.normalize("NFC", name))
    if len({*composed}) < len(composed):
        twice = next(name for name, count in Counter(composed).items() if count > 1)
        raise SourceError(f"two classes of {place} are called {shown(twice)}: rename one")
    return composed


def _some(names: Sequence[str]) -> str:
    listed = ", ".join(repr(name) for name in names[:_SHOWN])
    more = len(names) - _SHOWN
    one = "class" if len(names) == 1 else "classes"
    return f"{one} {listed}" + (f" and {more} more" if more > 0 else "")
