"""A scratch file for pictures that cannot be read in any order where they are."""

from __future__ import annotations

import errno
import shutil
import threading
import weakref
from pathlib import Path
from typing import IO

from ddcodec.errors import SourceError
from ddcodec.files import opened_cache, scratch_file
from ddcodec.sources.picture_file import DamagedFileError

__all__ = ["ByteRanges", "Spool"]

_SPARE = 256 << 20
_CHECKED = 64 << 20


class ByteRanges:
    """Parts of a file, read in any order, from several threads, and by workers on this machine.

    Args:
        path: of the file.
        place: what it is a part of, for people.
        file: the same, open, where it is.

    Raises:
        SourceError: it cannot be opened.
    """

    def __init__(self, path: Path, place: str, file: IO[bytes] | None = None) -> None:
        self.path, self.place = path, place
        try:
            self._file = path.open("rb") if file is None else file
        except OSError as error:
            raise SourceError(
                f"{place} cannot be read by this worker ({error.strerror}: {path}): of a cluster, "
                "workers read folders, zip archives and plain tar archives that all machines have "
                "at one path; give one of these, or do without the cluster"
            ) from error
        self._lock = threading.Lock()
        self._closing = weakref.finalize(self, self._file.close)

    def __reduce__(self) -> tuple[object, ...]:
        return ByteRanges, (self.path, self.place)

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
        self.size, self._room = 0, 0
        try:
            path, file = scratch_file(opened_cache("sources"))
        except OSError as error:
            raise SourceError(
                f"{place} has to be copied to the cache to be read, and that cannot be written "
                f"({error.strerror}): set DDCODEC_CACHE to a folder of yours"
            ) from error
        super().__init__(path, place, file)
        self._removing = weakref.finalize(self, path.unlink, missing_ok=True)

    def __reduce__(self) -> tuple[object, ...]:
        with self._lock:
            self._file.flush()  # workers read it by a handle of their own
        return super().__reduce__()

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
            free = shutil.disk_usage(self.path.parent).free - _SPARE
            if size > free:
                raise self._full()
            self._room = min(free, max(_CHECKED, size))
        self._room -= size

    def _full(self) -> SourceError:
        folder = self.path.parent
        return SourceError(
            f"{self.place} has to be copied to the cache to be read, and {folder} has no room for "
            f"more than the {self.size:,} bytes that are there: free some, or set DDCODEC_CACHE to "
            "a folder on another disk"
        )
