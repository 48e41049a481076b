"""WebDataset: tar shards in which files of one name, but for the suffix, are one sample."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from ddcodec.errors import SourceError, shown
from ddcodec.sources.archives.inside import Archive, InArchive
from ddcodec.sources.listed import ListedSource
from ddcodec.sources.paths import printable
from ddcodec.sources.picture_file import PictureFile
from ddcodec.sources.pictures import SUFFIXES
from ddcodec.sources.tables.rows import by_class

__all__ = ["is_shard", "shard_source"]

_MAX_LABEL, _MAX_NAMES = 1 << 20, 1 << 26
_NAME_FILES = ("classes.txt", "class_names.txt")
SIDECAR = "ddz.json"
"""The file beside the shards of an export that has the names of their classes."""

_INDEX_KEYS = ("class_index", "label", "cls", "class_id", "target")
_NAME_KEYS = ("class", "class_name", "label_name")


def is_shard(names: Collection[str]) -> bool:
    """Whether members of these names are samples: pictures with a ``.cls`` or, where they are in no
    folder, a ``.json``."""
    pictures = {_key(name) for name in names if _suffix(name) in SUFFIXES}
    return any(
        name.endswith(".cls") or (name.endswith(".json") and "/" not in name)
        for name in names
        if _key(name) in pictures
    )


def shard_source(
    archives: Sequence[Archive], place: str, beside: Mapping[str, Path] | None = None
) -> ListedSource:
    """The pictures of shards, in the order of the shards and, in each, of the keys.

    The class of a sample is its ``.cls``, an index or a name, or a field of its ``.json``. Names
    are in ``classes.txt``, one per line, beside the shards or in one; in the sidecar of an export;
    or in the samples' ``.json``.

    Args:
        archives: the shards.
        place: what all of them are, for people.
        beside: other files of their folder, by name.

    Raises:
        SourceError: a sample has no class, or more than one picture; or names do not fit.
    """
    found: dict[int | str, list[PictureFile]] = defaultdict(list)
    said: dict[int, str] = {}
    bare = 0
    for archive in archives:
        for key, members in sorted(_samples(archive).items()):
            picture = _picture(archive, key, members)
            if picture is None:
                bare += not members.keys().isdisjoint(("cls", "json"))
                continue
            label, name = _label(archive, key, members)
            found[label].append(picture)
            if isinstance(label, int) and name and said.setdefault(label, name) != name:
                raise SourceError(
                    f"{picture} calls class {label} {shown(name)}, and another sample "
                    f"{shown(said[label])}: give shards of one data set"
                )
    warnings = [line for archive in archives for line in archive.warnings]
    if bare:
        warnings.append(f"{bare:,} samples of {place} have no picture, and were left out")
    names = _names(archives, beside or {})
    if names is None and said.keys() == found.keys():
        order = sorted(said)
        return by_class(
            {number: found[index] for number, index in enumerate(order)},
            [said[index] for index in order],
            place,
            warnings,
        )
    if names is None and any(isinstance(label, int) for label in found):
        warnings.append(
            "nothing says what the classes are called, so they are called by their numbers: put "
            "classes.txt beside the shards, with one name per line"
        )
    return by_class(found, names, place, warnings)


def _samples(archive: Archive) -> dict[str, dict[str, str]]:
    """Key -> extension in small letters -> member."""
    samples: dict[str, dict[str, str]] = defaultdict(dict)
    for name in archive.sizes:
        key, own = _key(name), name.rpartition("/")[2]
        samples[key][own.partition(".")[2].lower()] = name
    return samples


def _key(name: str) -> str:
    """The name up to the first dot of its last part, as WebDataset takes it."""
    folder, slash, own = name.rpartition("/")
    return f"{folder}{slash}{own.partition('.')[0]}"


def _suffix(name: str) -> str:
    dot = name.rfind(".")
    return name[dot:].lower() if dot >= 0 else ""


def _picture(archive: Archive, key: str, members: Mapping[str, str]) -> InArchive | None:
    """The picture of a sample; None of one without, such as a list of classes."""
    pictures = [one for one in members if f".{one.rpartition('.')[2]}" in SUFFIXES]
    if len(pictures) > 1:
        raise SourceError(
            f"sample {shown(key)} of {archive.place} has several pictures ({', '.join(pictures)}), "
            "and which one is meant is not said: leave one of each in the shards"
        )
    return InArchive(archive, members[pictures[0]]) if pictures else None


def _label(archive: Archive, key: str, members: Mapping[str, str]) -> tuple[int | str, str | None]:
    """The class of a sample, and its name if that is said apart."""
    values = _json(archive, members["json"]) if "json" in members else {}
    name = next((values[key] for key in _NAME_KEYS if isinstance(values.get(key), str)), None)
    if "cls" in members:
        text = _text(archive, members["cls"]).strip()
        if text:
            return (int(text) if text.lstrip("-").isdecimal() else text), name
    index = next((values[key] for key in _INDEX_KEYS if type(values.get(key)) in (int, str)), None)
    if index is None:
        index = name
    if index is None:
        raise SourceError(
            f"sample {shown(key)} of {archive.place} has no class: neither a .cls, nor a .json "
            f"with one of {', '.join((*_INDEX_KEYS, *_NAME_KEYS))}"
        )
    return index, name


def _names(archives: Sequence[Archive], beside: Mapping[str, Path]) -> list[str] | None:
    for name in _NAME_FILES:
        if name in beside:
            return _lines(_file_text(beside[name]))
    if SIDECAR in beside:
        names = _values(_file_text(beside[SIDECAR]), str(beside[SIDECAR])).get("classes")
        if isinstance(names, list) and all(isinstance(one, str) for one in names):
            return names
    held = ((one, name) for one in archives for name in _NAME_FILES if name in one.sizes)
    return next((_lines(_text(archive, name)) for archive, name in held), None)


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _file_text(path: Path) -> str:
    try:
        if path.stat().st_size > _MAX_NAMES:
            raise SourceError(f"{printable(path)} is too large for a list of class names")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SourceError(
            f"cannot read {printable(path)} ({error.strerror}): check the file"
        ) from error
    except UnicodeDecodeError as error:
        raise SourceError(f"{printable(path)} is not UTF-8 text; save it as UTF-8") from error


def _text(archive: Archive, name: str) -> str:
    place = InArchive(archive, name)
    if archive.sizes[name] > _MAX_LABEL:
        raise SourceError(f"{printable(place)} is too large for the label of a sample")
    try:
        return archive.read(name).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(
            f"{printable(place)} is no text ({error}): get the shard again"
        ) from error


def _json(archive: Archive, name: str) -> dict[str, Any]:
    return _values(_text(archive, name), str(InArchive(archive, name)))


def _values(text: str, place: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{printable(place)} is no JSON ({error}): get it again") from error
    return found if isinstance(found, dict) else {}
