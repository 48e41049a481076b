"""From what a user gives to a source of pictures: the one place where that is decided.

What is there on the disk is read by what it holds. What could be read in two ways is refused, and
the message lists them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from ddcodec.errors import MissingSourceError, RequestError, SourceError
from ddcodec.sources.archives.inside import SEPARATOR
from ddcodec.sources.folder import scan
from ddcodec.sources.hub_sets import PREFIX, hub_source, hub_training
from ddcodec.sources.listed import ListedSource
from ddcodec.sources.mistaken import no_folder
from ddcodec.sources.paths import printable
from ddcodec.sources.readings import Reading, file_readings, folder_readings, list_reading
from ddcodec.sources.splits import Role
from ddcodec.sources.tables.pairs import dataset_source, is_dataset, pair_source

__all__ = ["AnySource", "open_source", "training_source"]

AnySource: TypeAlias = str | os.PathLike[str] | ListedSource | Iterable[Any]
"""What is opened as a source: a path, an address, a source, a dataset, or pairs."""

_GIVEN = re.compile(
    rf"(?P<place>.+?)(?:{SEPARATOR}(?P<inner>[^?]+))?(?:\?(?P<query>(?:image|label)=.*))?",
    re.DOTALL,
)
_RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")
_MOST_FILES = 100_000


class _Given(NamedTuple):
    """What a user wrote.

    Attributes:
        place: a path, or an address.
        inner: what is meant in it.
        asked: columns by what they hold: image, label.
    """

    place: str
    inner: str | None
    asked: Mapping[str, str]


def open_source(
    src: AnySource, split: Role = "train", *, classes: Sequence[str] | None = None
) -> ListedSource:
    """Labelled pictures, wherever they come from.

    Args:
        src: a folder of pictures with a subfolder per class; a zip or tar archive of one; shards of
            WebDataset, as a folder or ``shard-{000..003}.tar``; CIFAR's files or their archive; an
            NPZ file; Parquet files; ``hf://datasets/owner/name``; a ``datasets.Dataset``; an
            iterable of (image, class); or a source, which is returned. ``PLACE::PART`` names a
            folder in an archive or a split of a table.
        split: the one to take where there are several: train; or test, for which a validation split
            stands in.
        classes: names of the classes that pairs give as numbers, in order.

    Raises:
        RequestError: what was given makes no sense, or can be read in several ways.
        SourceError: the pictures are not usable as they are.
        MissingDependencyError: what this kind of source needs is not installed.
        DecodeError: the hub cannot be reached.

    >>> source = ddcodec.open_source("photos")
    >>> source.classes
    ('blob', 'cross', 'stripes')
    """
    named = isinstance(src, str | os.PathLike | ListedSource) or is_dataset(src)
    if classes is not None and named:
        raise RequestError(
            "classes= names the numbers of pairs (image, class); this source has names of its own"
        )
    if isinstance(src, ListedSource):
        return src
    if isinstance(src, str | os.PathLike):
        return replace(_opened(os.fspath(src), split), origin=os.fspath(src))
    if named:
        return dataset_source(src, split)
    if not isinstance(src, Iterable) or isinstance(src, bytes | Mapping):
        raise RequestError(
            f"a {type(src).__name__} is no source: give a path, an address, or pairs (image, class)"
        )
    return pair_source(src, classes)


def training_source(test: AnySource) -> ListedSource | None:
    """The training pictures in the place of test pictures, or beside a folder of them; else None.

    Raises: as :func:`open_source`.
    """
    if not isinstance(test, str | os.PathLike):
        return None
    given = _given(os.fspath(test))
    if given.place.startswith(PREFIX):
        address = hub_training(given.place)
        return None if address is None else hub_source(address, "train", given.asked)
    reading = _reading(given.place)
    part = reading.training()
    if part is None or part == given.inner:
        return None
    return scan(part) if isinstance(part, Path) else reading.open("train", part, given.asked)


def _opened(text: str, split: Role) -> ListedSource:
    given = _given(text)
    if given.place.startswith(PREFIX):
        if given.inner is not None:
            raise RequestError(
                f"{text!r}: a split of a data set of the hub is written with a slash, as "
                f"{given.place}/{given.inner}"
            )
        return hub_source(given.place, split, given.asked)
    return _reading(given.place).open(split, given.inner, given.asked)


def _given(text: str) -> _Given:
    """What a user wrote, by its parts; all of it is a path if there is one."""
    found = None if Path(text).exists() else _GIVEN.fullmatch(text)
    if found is None:
        return _Given(text, None, {})
    return _Given(found["place"], found["inner"], dict(_asked(found["query"] or "")))


def _asked(query: str) -> Iterator[tuple[str, str]]:
    for part in filter(None, query.split("&")):
        key, _, name = part.partition("=")
        if key not in ("image", "label") or not name:
            raise RequestError(
                f"{part!r} names no column: write ?image=COLUMN or ?label=COLUMN, or both "
                "joined by &"
            )
        yield key, name


def _reading(place: str) -> Reading:
    """The one way to read a place.

    Raises:
        MissingSourceError: there is nothing.
        RequestError: it cannot be read as pictures, or in several ways.
        SourceError: it is damaged.
    """
    path = Path(place)
    if not path.exists() and _RANGE.search(place):
        return list_reading(_expanded(place), place)
    if not path.exists():
        raise MissingSourceError(no_folder(path))
    try:
        found = folder_readings(path) if path.is_dir() else _of_file(path)
    except OSError as error:
        raise SourceError(
            f"cannot read {printable(path)} ({error.strerror}): check the permissions"
        ) from error
    if len(found) > 1:
        raise RequestError(
            f"{printable(path)} can be read in several ways: as "
            + ", or as ".join(reading.text for reading in found)
            + ". Give the folder or the file that you mean, or move the others elsewhere"
        )
    return found[0]


def _of_file(path: Path) -> list[Reading]:
    found = file_readings(path) if path.is_file() else []
    if not found:
        raise RequestError(no_folder(path))
    return found


def _expanded(pattern: str) -> list[Path]:
    """The files of a pattern such as ``shard-{000..003}.tar``, which must all be there.

    Raises:
        MissingSourceError: one is not.
        RequestError: it stands for too many.
    """
    names = [pattern]
    while found := _RANGE.search(names[0]):
        first, last = int(found[1]), int(found[2])
        width = len(found[1]) if found[1].startswith("0") else 1
        if not 0 <= last - first < _MOST_FILES // len(names):
            raise RequestError(f"{pattern!r} stands for no files, or for more than {_MOST_FILES:,}")
        names = [
            _RANGE.sub(f"{number:0{width}}", name, count=1)
            for name in names
            for number in range(first, last + 1)
        ]
    missing = [name for name in names if not Path(name).is_file()]
    if missing:
        raise MissingSourceError(
            f"{len(missing):,} of the {len(names):,} files of {pattern} are not there, "
            f"{printable(missing[0])} first: get them, or write the numbers that there are"
        )
    return [Path(name) for name in names]
