"""Handles of files: opening, reading, locking and syncing, on Windows as on POSIX systems."""

from __future__ import annotations

import errno
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["ADD", "NEW", "READ", "lock", "opened", "read_at", "sync"]

if sys.platform == "win32":
    _PLAIN = os.O_BINARY | os.O_NOINHERIT
    _NO_LINK = 0
    READ = os.O_RDONLY | _PLAIN
else:
    _PLAIN = os.O_CLOEXEC
    _NO_LINK = os.O_NOFOLLOW
    # Without O_NONBLOCK, opening a named pipe would wait for a writer.
    READ = os.O_RDONLY | os.O_NONBLOCK | _PLAIN

NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | _PLAIN
"""Flags of ``os.open`` to write a new file, and read it; never through somebody else's link."""

ADD = os.O_WRONLY | os.O_CREAT | os.O_APPEND | _PLAIN
"""Flags of ``os.open`` to write behind what a file holds."""

_seeking = threading.Lock()


@contextmanager
def opened(path: Path) -> Iterator[int]:
    """A handle of a file, or of a folder where the system has such; a link is not followed.

    Raises:
        OSError: it cannot be opened; on Windows, no folder can.
    """
    handle = os.open(path, READ | _NO_LINK)
    try:
        yield handle
    finally:
        os.close(handle)


def read_at(handle: int, length: int, offset: int) -> bytes:
    """At most ``length`` bytes of an open file from ``offset``, in any number of threads.

    Raises:
        OSError: they cannot be read.
    """
    if sys.platform != "win32":
        return os.pread(handle, length, offset)
    with _seeking:  # a handle has one position, for all threads
        os.lseek(handle, offset, os.SEEK_SET)
        return os.read(handle, length)


def lock(handle: int) -> None:
    """Mark a file or folder as this process's, until its handle is closed.

    Raises:
        BlockingIOError: it is another's.
        OSError: the disk, or the system, knows no such locks.
    """
    if sys.platform == "win32":
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))
    import fcntl

    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def sync(path: Path) -> None:
    """Have the content of a file, or the names in a folder, on the disk.

    Raises:
        OSError: it cannot be synced.
    """
    if sys.platform != "win32":
        with opened(path) as handle:
            os.fsync(handle)
    elif not path.is_dir():  # whose names Windows writes by itself
        handle = os.open(path, os.O_RDWR | _PLAIN)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
