"""Readable names of classes: from a file of the user's, or of the WordNet ids of ImageNet."""

from __future__ import annotations

import csv
import io
import json
import os
import unicodedata
from collections.abc import Iterable, Iterator, Sequence, Set
from pathlib import Path
from typing import Any

from ddcodec.errors import MissingFileError, RequestError, shown
from ddcodec.imagenet import classes as imagenet_classes
from ddcodec.imagenet import is_wordnet_id

__all__ = ["imagenet_names", "names_from_file", "texts_from_file", "unnamed_ids"]

MAX_BYTES = 1 << 26
"""Largest file of names that is read."""

_SHOWN = 5
_HEADINGS = frozenset({"class", "folder", "id", "wnid", "synset"})


def imagenet_names(classes: Sequence[str]) -> tuple[str, ...]:
    """The readable name of each class: WordNet ids of ImageNet-1k are replaced.

    >>> imagenet_names(["n01440764", "cat"])
    ('tench', 'cat')
    """
    known = imagenet_classes()
    return tuple(known[c].name if c in known else c for c in classes)


def unnamed_ids(names: Sequence[str]) -> tuple[str, ...]:
    """Those names that are WordNet ids still, which no text encoder understands."""
    return tuple(name for name in names if is_wordnet_id(name))


def names_from_file(path: str | os.PathLike[str], classes: Sequence[str]) -> tuple[str, ...]:
    """The readable name of each class, as a file gives them; it may name further classes.

    Args:
        path: JSON, an object of class -> name; or else CSV of the two, with or without a heading.
        classes: the classes that must be named.

    Raises:
        RequestError: the file cannot be read, is not of that form, names a class twice or two of
            ``classes`` alike, or does not name them all.
    """
    file = Path(path)
    given = dict(_once(file, _pairs(file, {*classes})))
    missing = [c for c in classes if c not in given]
    if missing:
        raise RequestError(
            f"{file} names {len(classes) - len(missing)} of {len(classes)} classes; it lacks "
            f"{_some(missing)}. Class folders stand on the left, names on the right"
        )
    names = tuple(given[c] for c in classes)
    seen: dict[str, str] = {}
    for name, one in zip(names, classes, strict=True):
        if seen.setdefault(name, one) != one:
            raise RequestError(
                f"{file} calls both {seen[name]!r} and {one!r} {shown(name)}; give each a name of "
                "its own"
            )
    return names


def texts_from_file(path: str | os.PathLike[str], classes: Sequence[str]) -> tuple[str, ...]:
    """A text for some of the classes, in a file as that of names; "" for the others.

    Args:
        path: as in :func:`names_from_file`.
        classes: those that the file may name.

    Raises:
        RequestError: the file cannot be read, is not of that form, or names a class twice or one
            that is not there.
    """
    file = Path(path)
    given = dict(_once(file, _pairs(file, {*classes})))
    unknown = sorted(given.keys() - {*classes})
    if unknown:
        raise RequestError(
            f"{file} has texts for {_some(unknown)}, which are no classes of the source; class "
            "folders stand on the left, texts on the right"
        )
    return tuple(given.get(c, "") for c in classes)


def _once(file: Path, pairs: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, str]]:
    """The pairs, tidied and checked one by one."""
    seen: set[str] = set()
    for key, value in pairs:
        if not isinstance(value, str) or not value.strip() or not _encodable(key + value):
            raise RequestError(f"{file} gives class {shown(key)} no name, but {shown(value)}")
        name = " ".join(unicodedata.normalize("NFC", value).split())
        if any(c < " " or c == "\x7f" for c in name):
            raise RequestError(
                f"the name of class {shown(key)} in {file} holds a control character; remove it"
            )
        # As class folders are read, so that both match however they are composed.
        one = unicodedata.normalize("NFC", key)
        if one in seen:
            raise RequestError(f"{file} names class {shown(one)} twice; keep one line of it")
        seen.add(one)
        yield one, name


def _pairs(file: Path, classes: Set[str]) -> Iterator[tuple[str, Any]]:
    try:
        if file.stat().st_size > MAX_BYTES:
            raise RequestError(f"{file} is too large for a list of class names; give another file")
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        kind = MissingFileError if isinstance(error, FileNotFoundError) else RequestError
        raise kind(f"cannot read {file} ({error.strerror}): check the path") from error
    except UnicodeDecodeError as error:
        raise RequestError(f"{file} is not UTF-8 text; save it as UTF-8") from error
    if file.suffix.lower() == ".json":
        yield from _json_pairs(file, text)
    else:
        yield from _csv_pairs(file, text, classes)


class _Pairs(list[tuple[str, Any]]):
    """A JSON object with the keys that it names twice, which a dict would lose."""


def _json_pairs(file: Path, text: str) -> _Pairs:
    try:
        found = json.loads(text, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError) as error:
        raise RequestError(f"{file} is not JSON ({error}); correct it, or give CSV") from error
    if not isinstance(found, _Pairs):
        raise RequestError(f"{file} is no JSON object of class -> name; write it as one")
    return found


def _csv_pairs(file: Path, text: str, classes: Set[str]) -> Iterator[tuple[str, str]]:
    rows = csv.reader(io.StringIO(text, newline=""), strict=True, skipinitialspace=True)
    try:
        for number, row in enumerate(filter(None, rows)):
            if len(row) != 2:
                raise RequestError(
                    f"{file}, line {rows.line_num}, has not two columns but {len(row)}; a class "
                    "folder and a name are needed. A name with a comma stands in double quotes"
                )
            key = row[0].strip()
            if number or key in classes or key.casefold() not in _HEADINGS:
                yield key, row[1]
    except csv.Error as error:
        raise RequestError(
            f"{file}, line {rows.line_num}, is not CSV ({error}); correct it"
        ) from error


def _encodable(text: str) -> bool:
    """Whether the text is whole Unicode; JSON can spell halves of characters."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _some(names: Sequence[str]) -> str:
    text = ", ".join(repr(name) for name in names[:_SHOWN])
    return text if len(names) <= _SHOWN else f"{text} and {len(names) - _SHOWN} more"
