"""The interface of one picture's bytes: a file on the disk, in an archive, or a row of a table."""

from __future__ import annotations

import hashlib
import io
import posixpath
from abc import ABC, abstractmethod
from typing import IO, Literal, NamedTuple, Protocol

__all__ = [
    "MAX_FILE_BYTES",
    "DamagedFileError",
    "HasSize",
    "HeldFile",
    "PictureFile",
    "Size",
    "sha256_of",
]

MAX_FILE_BYTES = 1 << 29
"""The largest picture file that is taken out of an archive or a table; 80 million pixels of two
bytes per colour fit."""

_DAMAGED, _PART = bytes(32), 1 << 20


class DamagedFileError(OSError):
    """The bytes cannot be had, as the archive around them is damaged there."""


class HasSize(Protocol):
    """What is asked of ``os.stat_result``."""

    @property
    def st_size(self) -> int: ...


class PictureFile(Protocol):
    """As much of ``pathlib.Path`` as reading a picture takes; ``str()`` is its place, for people.

    Attributes:
        name: its own name.
        suffix: of the name, with the dot.
    """

    @property
    def name(self) -> str: ...
    @property
    def suffix(self) -> str: ...

    def open(self, mode: Literal["rb"], /) -> IO[bytes]:
        """The content as a seekable stream.

        Raises:
            OSError: it cannot be read.
        """
        ...

    def stat(self) -> HasSize:
        """Its size in bytes."""
        ...


class Size(NamedTuple):
    """A size as ``os.stat_result`` says it."""

    st_size: int


class HeldFile(ABC):
    """A picture that something larger holds, an archive or a table; its bytes are read at once."""

    __slots__ = ()

    @property
    @abstractmethod
    def name(self) -> str:
        """Its own name; that of a row of a table is its number."""

    @abstractmethod
    def stat(self) -> HasSize:
        """Its size in bytes."""

    @abstractmethod
    def _read(self) -> bytes:
        """The bytes; safe to call from several threads."""

    @property
    def suffix(self) -> str:
        """Of the name, with the dot."""
        return posixpath.splitext(self.name)[1]

    def open(self, mode: Literal["rb"], /) -> IO[bytes]:
        """The content, whole in memory."""
        size = self.stat().st_size
        if size > MAX_FILE_BYTES:
            raise DamagedFileError(
                f"{size:,} bytes, more than the {MAX_FILE_BYTES:,} that a picture may have"
            )
        return io.BytesIO(self._read())


def sha256_of(file: PictureFile) -> bytes:
    """The digest of a file's content; zeros where an archive is damaged there.

    Raises:
        OSError: it cannot be read, which may be otherwise at another time.
    """
    try:
        with file.open("rb") as stream:
            digest = hashlib.sha256()
            while part := stream.read(_PART):
                digest.update(part)
            return digest.digest()
    except DamagedFileError:
        return _DAMAGED
