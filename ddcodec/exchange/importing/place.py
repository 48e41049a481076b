"""The place that an import reads: a file, or a folder and the files in it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from ddcodec.errors import MissingSourceError, RequestError, SourceError
from ddcodec.exchange.pickles import load_pickle
from ddcodec.sources.folder import ImageFolder, scan
from ddcodec.sources.paths import printable

__all__ = ["Place", "number_of"]

_PICKLES = (".pt", ".pth")


class Place:
    """A file or a folder, looked at once.

    Attributes:
        path: as it was given.
        folder: itself, or what the file stands in.
        file: the name of the file that was given; None of a folder.
        names: names of the files that may be read: those of the folder, or that one.

    Raises:
        MissingSourceError: nothing is there.
        SourceError: it cannot be read.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        if not self.path.exists():
            raise MissingSourceError(f"no such file or folder: {printable(self.path)}")
        self.file = None if self.path.is_dir() else self.path.name
        self.folder = self.path if self.file is None else self.path.absolute().parent
        try:
            names = sorted(one.name for one in self.folder.iterdir() if one.is_file())
        except OSError as error:
            raise SourceError(
                f"cannot read {printable(self.folder)} ({error.strerror}): check the permissions"
            ) from error
        self.beside = frozenset(names)
        self.names = tuple(names) if self.file is None else (self.file,)
        self._loaded: dict[str, Any] = {}

    @property
    def pickles(self) -> list[str]:
        """Files that torch may have written."""
        return [name for name in self.names if name.endswith(_PICKLES)]

    def at(self, name: str) -> Path:
        """The path of a file in the folder."""
        return self.folder / name

    def load(self, name: str) -> Any:
        """What torch saved in a file of the folder, read once."""
        if name not in self._loaded:
            self._loaded[name] = load_pickle(self.at(name))
        return self._loaded[name]

    @cached_property
    def pictures(self) -> ImageFolder:
        """The folder's subfolders of pictures, one per class.

        Raises:
            SourceError: there are none, or they make no set.
        """
        return scan(self.path)

    def holds_pictures(self) -> bool:
        """Whether this is a folder with subfolders of pictures."""
        if self.file is not None:
            return False
        try:
            return len(self.pictures) > 0
        except SourceError:
            return False

    def within(self, folder: str) -> Place | None:
        """The same of a folder in this one, if it is there."""
        inside = self.path / folder
        return Place(inside) if self.file is None and inside.is_dir() else None

    def chosen(self, found: Sequence[str], which: str | None, default: str | None) -> str:
        """One of several sets that are in the place.

        Args:
            found: what they are called.
            which: the one that the user named; None for the default.
            default: the one to take; None where nothing speaks for one of several.

        Raises:
            RequestError: there is none of that name, or one must be named.
        """
        listed = ", ".join(found[:12]) + (", ..." if len(found) > 12 else "")
        if which is not None and which not in found:
            raise RequestError(f"which={which!r} is not in {printable(self.path)}: it has {listed}")
        if which is None and default is None and len(found) > 1:
            raise RequestError(
                f"{printable(self.path)} holds several sets ({listed}): choose one, as "
                f"which={found[0]!r}"
            )
        return which or default or found[0]


def number_of(text: str) -> float | None:
    """The number that a part of a file's name is, such as an iteration; None of a word.

    >>> number_of("5000"), number_of("best")
    (5000.0, None)
    """
    try:
        return float(text)
    except ValueError:
        return None
