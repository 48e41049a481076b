"""Files and folders that appear whole, locks, the cache on disk: each once, for all."""

from __future__ import annotations

import errno
import fcntl
import fnmatch
import glob
import json
import os
import secrets
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from platformdirs import user_cache_path

from ddcodec.errors import EncodeError, RequestError

__all__ = [
    "cache_folder",
    "check_replaceable",
    "is_leftover",
    "locked",
    "read_json",
    "remove_leftovers",
    "whole_folder",
    "write_whole",
]

LOCK = "lock"
"""Name of the file by which a folder is locked."""


def cache_folder(kind: str) -> Path:
    """``$DDCODEC_CACHE/<kind>``, or ``<kind>`` in the user's own cache folder; it need not exist.

    Only what can be made again is kept there: teachers, priors, integer weights.
    """
    root = os.environ.get("DDCODEC_CACHE")
    return (Path(root) if root else _own_cache()) / kind


def _own_cache() -> Path:
    try:
        folder = user_cache_path("ddcodec")
    except RuntimeError:  # no home: a container's user who has no name
        folder = Path("~")
    # Older versions of platformdirs return a path that starts with "~" there.
    if str(folder).startswith("~"):
        return Path(tempfile.gettempdir()) / f"ddcodec-{os.getuid()}"
    return folder


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no JSON, no object, or nested deeper than Python can follow.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def check_replaceable(path: Path) -> None:
    """Check that what is at a path, if anything, is a file, or a link to one or to nothing.

    A device, a pipe or a folder is no place for a file: to replace it would break the system.

    Raises:
        RequestError: it is something else; the message says what.
    """
    try:
        mode = path.stat().st_mode
    except OSError:
        return  # nothing is there, or writing will say why it cannot be looked at
    if not stat.S_ISREG(mode):
        what = next((name for is_it, name in _KINDS if is_it(mode)), "no regular file")
        raise RequestError(f"{path} is {what}, which no file may replace: choose another name")


_KINDS = [
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
]


def is_leftover(path: Path, name: str = "*") -> bool:
    """Whether a path is called as :func:`write_whole` calls what it has not finished yet.

    Args:
        path: of a file, which need not exist.
        name: of the file that was to be written; any by default.
    """
    return fnmatch.fnmatchcase(path.name, _leftovers(name))


def _leftovers(name: str) -> str:
    return f".{glob.escape(name) if name != '*' else name}.{_TOKEN}.tmp"


def remove_leftovers(folder: Path, name: str = "*") -> None:
    """Remove what processes that were killed left of :func:`write_whole`, in one folder.

    Args:
        folder: where they stand; it need not exist.
        name: of the file that was to be written; any by default.
    """
    for path in folder.glob(_leftovers(name)):
        with suppress(OSError), open(path, "rb") as file:
            # One that a process is still writing is locked by it, right after it was made.
            if time.time() - os.fstat(file.fileno()).st_mtime > _SURELY_LOCKED:
                _lock(file.fileno())
                path.unlink()


def _lock(handle: int) -> None:
    """Mark a file as this process's.

    Raises:
        BlockingIOError: it is another's.
    """
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


_TOKEN = "[0-9a-f]" * 8
_SURELY_LOCKED = 1  # second


def write_whole(
    path: Path, parts: bytes | Iterable[bytes], *, before: Callable[[], None] | None = None
) -> None:
    """Write a file that appears whole or not at all; the mode is what the umask allows.

    The bytes go to a new file in the same folder, which is synced and renamed; then the folder is
    synced.

    Args:
        path: the file; one that exists is replaced.
        parts: its content, in one piece or in several.
        before: called right before the file appears; what it raises leaves the path as it was.

    Raises:
        RequestError: as :func:`check_replaceable`.
        OSError: the file cannot be written; the path is as it was.
        EncodeError: it is written, but its folder cannot be synced.

    >>> folder = Path(tempfile.mkdtemp())
    >>> write_whole(folder / "a.txt", b"whole")
    >>> [p.name for p in folder.iterdir()], (folder / "a.txt").read_text()
    (['a.txt'], 'whole')
    """
    check_replaceable(path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    # O_EXCL: never through somebody else's link. The mode obeys the umask, unlike mkstemp's.
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        with open(handle, "wb") as file:
            # Where a disk knows no locks, leftovers are never removed.
            with suppress(OSError):
                _lock(file.fileno())
            for part in [parts] if isinstance(parts, bytes) else parts:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        if before is not None:
            before()
        os.replace(temporary, path)
    finally:
        # After success there is nothing left to remove; this also runs on an interrupt.
        with suppress(FileNotFoundError):
            os.unlink(temporary)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        # Some network file systems cannot sync a folder; they order renames themselves. A folder
        # that may be written but not read cannot be opened for it.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EACCES):
            raise EncodeError(
                f"the file is written, but its folder {folder} could not be synced"
                f" ({error.strerror}); check the disk"
            ) from error


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """A new folder to fill, which appears at ``path`` whole or not at all.

    Raises:
        OSError: it cannot be written, or ``path`` holds something by then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    temporary.mkdir()  # the mode obeys the umask, unlike mkdtemp's
    try:
        yield temporary
        temporary.replace(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def locked(
    folder: Path, *, wait: Callable[[], None] | None = None, remove: bool = False
) -> Iterator[None]:
    """Hold a folder, made if absent, for this process alone.

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
    try:
        yield
    finally:
        if remove:
            # While it is held: whoever waits for it finds that out, and makes another.
            with suppress(OSError):
                (folder / LOCK).unlink()
                folder.rmdir()
        lock.release()
