"""A nameless file for pictures that cannot be read in any order where they are."""

from __future__ import annotations

import errno
import shutil
import tempfile
import threading
import weakref
from pathlib import Path
from typing import IO

from ddcodec.errors import SourceError
from ddcodec.files import opened_cache
from ddcodec.sources.picture_file import DamagedFileError

__all__ = ["ByteRanges", "Spool"]

_SPARE = 256 << 20
_CHECKED = 64 << 20


class ByteRanges:
    """Parts of a file, read in any order and from several threads."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._lock = file, threading.Lock()
        weakref.finalize(self, file.close)

    def read(self, offset: int, size: int) -> bytes:
        """So many bytes from there on.

        Raises:
            OSError: the file ends before (:class:`DamagedFileError`), or cannot be read.
        """
        with self._lock:
            self._file.seek(offset)
            data = self._file.read(size)
        if len(data) < size:
            raise DamagedFileError("the file around it ends too early")
        return data


class Spool(ByteRanges):
    """What is written once and read often, in the cache folder; it goes with the process.

    Compressed archives, Parquet and iterables give their pictures in one order only, and an encode
    asks for them class by class, more than once.

    Args:
        place: what is read, for people.

    Raises:
        SourceError: the cache cannot be written.
    """

    def __init__(self, place: str) -> None:
        self.place, self.size = place, 0
        try:
            self._folder = opened_cache("sources")
            file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115
        except OSError as error:
            raise SourceError(
                f"{place} has to be copied to the cache to be read, and that cannot be written "
                f"({error.strerror}): set DDCODEC_CACHE to a folder of yours"
            ) from error
        super().__init__(file)
        self._room = 0

    def append(self, data: bytes) -> int:
        """Keep some bytes; returns where they begin.

        Raises:
            SourceError: the disk is full.
        """
        offset = self.size
        try:
            self._check_disk(len(data))
            with self._lock:
                self._file.seek(offset)
                self._file.write(data)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise self._full() from error
        self.size += len(data)
        return offset

    def _check_disk(self, size: int) -> None:
        """Now and then: is there room?"""
        if size > self._room:
            free = shutil.disk_usage(self._folder).free - _SPARE
            if size > free:
                raise self._full()
            self._room = min(free, max(_CHECKED, size))
        self._room -= size

    def _full(self) -> SourceError:
        folder: Path = self._folder
        return SourceError(
            f"{self.place} has to be copied to the cache to be read, and {folder} has no room for "
            f"more than the {self.size:,} bytes that are there: free some, or set DDCODEC_CACHE to "
            "a folder on another disk"
        )
