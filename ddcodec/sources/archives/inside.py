"""The tree of names in an archive, as if it were on the disk. Names are only names: no path."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Literal, NamedTuple

from ddcodec.errors import SourceError
from ddcodec.sources.picture_file import HasSize, HeldFile, Size

__all__ = ["SEPARATOR", "Archive", "Entry", "InArchive", "tidy"]

SEPARATOR = "::"
"""What stands between the place of an archive, or of a table, and what is meant in it."""


_Kind = Literal["folder", "file", "link", "other"]
_DEEPEST = 64


class Entry(NamedTuple):
    """One name in a folder of an archive; answers as ``os.DirEntry`` does."""

    name: str
    kind: _Kind

    def is_dir(self) -> bool:
        """Whether it is a folder."""
        return self.kind == "folder"

    def is_file(self) -> bool:
        """Whether it can be read."""
        return self.kind == "file"

    def is_symlink(self) -> bool:
        """Whether it is a link that leads to no member."""
        return self.kind == "link"


class Archive(ABC):
    """Members of an archive by name.

    Args:
        place: the archive, for people.
        sizes: of the members that can be read, in bytes.
        unreadable: of other members: ``link`` or ``other``.

    Attributes:
        warnings: what is odd about its names, one sentence each.

    Raises:
        SourceError: folders stand inside of each other beyond all measure.
    """

    def __init__(
        self,
        place: str,
        sizes: Mapping[str, int],
        unreadable: Mapping[str, Literal["link", "other"]],
        warnings: tuple[str, ...] = (),
    ) -> None:
        if any(name.count("/") > _DEEPEST for name in chain(sizes, unreadable)):
            raise SourceError(
                f"{place} has more than {_DEEPEST} folders inside of each other, which no set of "
                "pictures does: give another archive"
            )
        self.place, self.sizes, self.warnings = place, sizes, warnings
        self._unreadable = unreadable

    @abstractmethod
    def read(self, name: str) -> bytes:
        """The content of a member; safe to call from several threads.

        Raises:
            OSError: it cannot be read, or is damaged (:class:`DamagedFileError`).
        """

    @property
    def root(self) -> InArchive:
        """The folder that holds everything."""
        return InArchive(self, "")

    def entries(self, folder: str) -> list[Entry]:
        """The names in a folder, in order."""
        return self._folders.get(folder, [])

    def holds(self, folder: str) -> bool:
        """Whether there is such a folder."""
        return folder in self._folders

    @cached_property
    def _folders(self) -> dict[str, list[Entry]]:
        found: dict[str, set[Entry]] = {"": set()}
        kinds: dict[str, _Kind] = {**dict.fromkeys(self.sizes, "file"), **self._unreadable}
        for name, kind in kinds.items():
            folder, _, own = name.rpartition("/")
            made = list[str]()
            while folder not in found:
                found[folder] = set()
                made.append(folder)
                folder = folder.rpartition("/")[0]
            for folder in made:
                above, _, inner = folder.rpartition("/")
                found[above].add(Entry(inner, "folder"))
            found[name.rpartition("/")[0]].add(Entry(own, kind))
        return {folder: sorted(entries) for folder, entries in found.items()}


@dataclass(frozen=True, slots=True)
class InArchive(HeldFile):
    """A folder or a file in an archive; as much of ``pathlib.Path`` as sources ask of it.

    Attributes:
        archive: that holds it.
        inner: its name in there, "" for the archive itself.
    """

    archive: Archive
    inner: str

    def __str__(self) -> str:
        return f"{self.archive.place}{SEPARATOR}{self.inner}" if self.inner else self.archive.place

    def __truediv__(self, name: str) -> InArchive:
        return InArchive(self.archive, f"{self.inner}/{name}" if self.inner else name)

    @property
    def name(self) -> str:
        """Its own name."""
        return (self.inner or self.archive.place).rpartition("/")[2]

    def is_symlink(self) -> bool:
        """No link is followed, so there is none."""
        return False

    def entries(self) -> list[Entry]:
        """What is in it, of a folder."""
        return self.archive.entries(self.inner)

    def stat(self) -> HasSize:
        """The size, of a file."""
        return Size(self.archive.sizes[self.inner])

    def _read(self) -> bytes:
        return self.archive.read(self.inner)


def tidy(names: Iterable[str]) -> str:
    """The parts of a name, joined again without empty ones and dots.

    >>> tidy("./data//cat/1.png".split("/"))
    'data/cat/1.png'
    """
    return "/".join(part for part in names if part not in ("", "."))
