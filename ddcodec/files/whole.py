"""Files and folders that appear whole or not at all, and what killed processes leave of them."""

from __future__ import annotations

import errno
import fnmatch
import glob
import os
import secrets
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from ddcodec.errors import EncodeError, RequestError
from ddcodec.files.handles import NEW, lock, opened, sync

__all__ = [
    "check_replaceable",
    "is_leftover",
    "remove_leftovers",
    "scratch_file",
    "scratch_folder",
    "whole_folder",
    "write_text",
    "write_whole",
]


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


def remove_leftovers(folder: Path, name: str = "*") -> None:
    """Remove what killed processes left of :func:`write_whole` and :func:`whole_folder`.

    Args:
        folder: where they stand; it need not exist.
        name: of the file or folder that was to be written; any by default.
    """
    for path in folder.glob(_leftovers(name)):
        # One that a process is still writing is locked by it.
        with suppress(OSError), opened(path) as handle:
            lock(handle)
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def is_leftover(path: Path, name: str = "*") -> bool:
    """Whether a path is called as what :func:`write_whole` has not finished yet.

    Args:
        path: of a file or folder, which need not exist.
        name: of what was to be written; any by default.
    """
    return fnmatch.fnmatchcase(path.name, _leftovers(name))


def _leftovers(name: str) -> str:
    return f".{glob.escape(name) if name != '*' else name}.{_TOKEN}.tmp"


def _ours(handle: int) -> bool:
    """Lock what was just made; False if another process took it for a leftover before that."""
    try:
        lock(handle)
    except BlockingIOError:
        return False
    except OSError:
        return True  # nor can anybody else lock it: such leftovers are never removed
    return os.fstat(handle).st_nlink > 0


_TOKEN = "[0-9a-f]" * 8


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")


def _new_file(path: Path) -> tuple[Path, int]:
    """A new file in the folder of a path, locked, and the handle to write it."""
    while True:
        temporary = _temporary(path)
        handle = os.open(temporary, NEW, 0o666)  # the mode obeys the umask, unlike mkstemp's
        if _ours(handle):
            return temporary, handle
        os.close(handle)


def scratch_file(folder: Path) -> tuple[Path, BinaryIO]:
    """A new file to write and read for as long as this process lives, and then to remove.

    What a killed process leaves, :func:`remove_leftovers` removes.

    Raises:
        OSError: it cannot be made.
    """
    path, handle = _new_file(folder / "scratch")
    return path, open(handle, "w+b")


def write_whole(
    path: Path,
    parts: bytes | Iterable[bytes | memoryview],
    *,
    before: Callable[[], None] | None = None,
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

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> write_whole(folder / "a.txt", b"whole")
    >>> [p.name for p in folder.iterdir()], (folder / "a.txt").read_text()
    (['a.txt'], 'whole')
    """
    check_replaceable(path)
    temporary, handle = _new_file(path)
    try:
        with open(handle, "wb") as file:
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


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all; what no text can hold, as of a path, is escaped.

    What a killed process left of the same file is removed first.

    Raises:
        RequestError: as :func:`check_replaceable`.
        EncodeError: it cannot be written.
    """
    remove_leftovers(path.parent, path.name)
    try:
        write_whole(path, text.encode(errors="backslashreplace"))
    except OSError as error:
        raise EncodeError(
            f"cannot write {path} ({error.strerror}): free space or choose another file"
        ) from error


def _sync_folder(folder: Path) -> None:
    try:
        sync(folder.resolve())
    except OSError as error:
        # Some network file systems cannot sync a folder; they order renames themselves. A folder
        # that may be written but not read cannot be opened for it.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EACCES):
            raise EncodeError(
                f"the file is written, but its folder {folder} could not be synced"
                f" ({error.strerror}); check the disk"
            ) from error


def _appear(new: Path, path: Path) -> None:
    """Rename a folder, and say so where another process was faster."""
    try:
        new.replace(path)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            said = "it exists by now: another process has written it"
            raise FileExistsError(errno.EEXIST, said, os.fspath(path)) from error
        raise


def _exchange(new: Path, path: Path) -> None:
    """Put a folder in the place of another, which is removed."""
    # Not called as a leftover: until the new folder stands there, it is all that its owner has.
    old = _temporary(path).with_suffix(_ASIDE)
    path.rename(old)
    try:
        new.rename(path)
    except OSError:
        old.rename(path)
        raise
    shutil.rmtree(old, ignore_errors=True)


_ASIDE = ".old"


def _put_back(path: Path) -> bool:
    """Undo what a killed :func:`_exchange` began, or end it; returns whether the old is back."""
    back = False
    for old in path.parent.glob(f".{glob.escape(path.name)}.{_TOKEN}{_ASIDE}"):
        with suppress(OSError):
            if os.path.lexists(path):
                shutil.rmtree(old)
            else:
                old.rename(path)
                back = True
    return back


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Mark a folder that was just made as this process's; Windows has no marks for folders.

    Raises:
        OSError: another process took it for a leftover before that.
    """
    if sys.platform == "win32":
        yield
        return
    with opened(folder) as handle:
        if not _ours(handle):  # next to impossible, and the next try will do
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN), os.fspath(folder))
        yield


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder among the temporary ones, of this user alone, which is removed at the end.

    What killed processes left of theirs is removed first.

    Raises:
        OSError: it cannot be made.
    """
    place = Path(tempfile.gettempdir(), "ddcodec")
    remove_leftovers(place.parent, place.name)
    folder = _temporary(place)
    folder.mkdir(0o700)
    try:
        with _held(folder):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def whole_folder(path: Path, *, replace: bool = False) -> Iterator[Path]:
    """A new folder to fill, which appears at ``path`` whole or not at all, synced as files are.

    What killed processes left of it is removed first; a folder that one of them was about to
    replace is at its place again.

    Args:
        path: the folder.
        replace: a folder that is there by the end is removed, once the new one is whole.

    Raises:
        OSError: it cannot be written, or ``path`` holds something by then.
        EncodeError: it is written, but the folder it stands in cannot be synced.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if _put_back(path) and not replace:
        said = "it is back, from where a killed process had put it aside to replace it"
        raise FileExistsError(errno.EEXIST, said, os.fspath(path))
    remove_leftovers(path.parent, path.name)
    temporary = _temporary(path)
    temporary.mkdir()  # the mode obeys the umask, unlike mkdtemp's
    try:
        with _held(temporary):
            yield temporary
            for written in [*temporary.rglob("*"), temporary]:
                sync(written)
            if replace and path.is_dir():
                _exchange(temporary, path)
            else:
                _appear(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    _sync_folder(path.parent)
