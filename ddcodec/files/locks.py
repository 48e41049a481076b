"""Folders that one process holds at a time."""

from __future__ import annotations

import errno
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from ddcodec.errors import EncodeError

__all__ = ["LOCK", "locked"]

LOCK = "lock"
"""Name of the file by which a folder is locked."""

# What disks say that know no locks, as some of a network do.
_NO_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}


@contextmanager
def locked(
    folder: Path, *, wait: Callable[[], None] | None = None, remove: bool = False
) -> Iterator[None]:
    """Hold a folder, made if absent, for this process alone.

    Where the disk knows no locks, a warning says so, and nothing keeps two processes apart.

    Args:
        folder: where the lock file stands.
        wait: called before waiting for whoever holds it; without one a held folder is an error.
        remove: afterwards remove the lock, and the folder if nothing else is in it.

    Raises:
        EncodeError: another process holds it.
        OSError: the folder cannot be made.
    """
    lock, timeout = FileLock(folder / LOCK), 0
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=timeout)
            break
        except FileNotFoundError:
            continue  # whoever held it has just removed the folder
        except Timeout as error:
            if wait is None:
                raise EncodeError(
                    f"another process is at work in {folder}: wait until it has finished, or "
                    "choose another folder"
                ) from error
            wait()
            timeout = -1
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            warnings.warn(
                f"the disk of {folder} knows no locks: let no other process work there meanwhile",
                stacklevel=3,
            )
            break
    try:
        yield
    finally:
        if remove:
            # While it is held: whoever waits for it finds that out, and makes another.
            with suppress(OSError):
                (folder / LOCK).unlink()
                folder.rmdir()
        lock.release()
        if remove and sys.platform == "win32":  # where a file that is open stays
            with suppress(OSError):
                folder.rmdir()
