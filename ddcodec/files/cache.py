"""The cache on disk: what can be made again, for the eyes and hands of one user alone."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from platformdirs import user_cache_path

from ddcodec.files.whole import remove_leftovers

__all__ = ["cache_folder", "discard", "opened_cache", "private"]

_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


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
    return _temporary_cache() if str(folder).startswith("~") else folder


def _temporary_cache() -> Path:
    name = "ddcodec" if _user() is None else f"ddcodec-{_user()}"
    return Path(tempfile.gettempdir(), name)


def _user() -> int | None:
    """The number of this user; None on Windows, where a profile's folders are its user's alone."""
    if sys.platform == "win32":
        return None
    return os.getuid()


def opened_cache(kind: str) -> Path:
    """The cache folder of a kind, ready to be written, and freed of what killed processes left.

    It is made if absent, and closed to all other users, whose files in there would be taken for
    one's own.

    Raises:
        OSError: it cannot be made, belongs to another user, or cannot be written.
    """
    folder = cache_folder(kind)
    for path in (folder.parent, folder):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if _user() is not None:
        _check_own_parent(folder.parent)
        state = folder.stat()
        if state.st_uid != _user():
            raise PermissionError(errno.EACCES, "it belongs to another user", os.fspath(folder))
        if stat.S_IMODE(state.st_mode) & 0o077:
            folder.chmod(0o700)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(folder))
    remove_leftovers(folder)
    return folder


def _check_own_parent(parent: Path) -> None:
    """Others could lay a link to any folder of this user where they may write.

    Raises:
        OSError: the folder that caches stand in is another user's, among temporary ones.
    """
    if parent == _temporary_cache() and (
        parent.is_symlink() or parent.stat().st_uid not in (0, _user())
    ):
        raise PermissionError(errno.EACCES, "it belongs to another user", os.fspath(parent))


def private(path: Path) -> bool:
    """Whether nobody but this user and the system's administrator can have written what is here.

    Args:
        path: a file or folder of the cache; the folder it stands in is looked at, too.

    Raises:
        OSError: it cannot be looked at.
    """
    states = path.lstat(), path.parent.stat()
    return _user() is None or all(
        state.st_uid in (0, _user()) and not state.st_mode & _OTHERS_MAY_WRITE for state in states
    )


def discard(path: Path) -> None:
    """Remove a damaged entry of the cache, be it a folder, a file or a link; as far as possible."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink(missing_ok=True)
