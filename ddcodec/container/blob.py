"""Sources of the bytes of a .ddz file: a path, memory, or an open file."""

from __future__ import annotations

import os
import stat
import threading
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, BinaryIO

from ddcodec.errors import DecodeError, MissingArtifactError, TruncatedError
from ddcodec.files.handles import READ, read_at

__all__ = ["Blob", "FileBlob", "MemoryBlob", "StreamBlob", "ends_early", "read_fully"]


class Blob(ABC):
    """Random access to a fixed number of bytes, without a shared position."""

    @property
    @abstractmethod
    def size(self) -> int:
        """Length in bytes."""

    @abstractmethod
    def read_at(self, offset: int, length: int) -> bytes:
        """Exactly ``length`` bytes from ``offset``; TruncatedError if there are fewer."""

    @abstractmethod
    def close(self) -> None:
        """Let go of what is held; a later read opens it again where that is possible."""


class MemoryBlob(Blob):
    """Bytes at hand."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    @property
    def size(self) -> int:
        return len(self._data)

    def read_at(self, offset: int, length: int) -> bytes:
        data = self._data[offset : offset + length]
        if len(data) < length:
            raise ends_early(offset + len(data))
        return data

    def close(self) -> None:
        pass


class FileBlob(Blob):
    """A file read at any place; opened on first use, and again after pickling or ``close``."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    def _open(self) -> int:
        if self._handle is not None:
            return self._handle
        try:
            handle = os.open(self._path, READ)
        except (OSError, ValueError) as error:
            raise _unreadable(self._path, error) from error
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise DecodeError(f"{self._path} is not a regular file; pass the path of a .ddz file")
        self._handle = handle
        return handle

    @property
    def size(self) -> int:
        return os.fstat(self._open()).st_size

    def read_at(self, offset: int, length: int) -> bytes:
        try:
            return read_fully(self._open(), offset, length)
        except OSError as error:
            raise _unreadable(self._path, error) from error

    def close(self) -> None:
        handle, self._handle = self._handle, None
        if handle is not None:
            os.close(handle)

    def __del__(self) -> None:
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        return {"_path": self._path, "_handle": None}


class StreamBlob(Blob):
    """An open binary file that can seek, such as what a library hands out.

    Args:
        file: with ``read`` and ``seek``; who opened it closes it.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._lock = file, threading.Lock()

    @property
    def size(self) -> int:
        with self._lock:
            return self._file.seek(0, os.SEEK_END)

    def read_at(self, offset: int, length: int) -> bytes:
        with self._lock:
            self._file.seek(offset)
            data = self._file.read(length)
        if len(data) < length:
            raise ends_early(offset + len(data))
        return data

    def close(self) -> None:
        pass

    def __getstate__(self) -> dict[str, Any]:
        raise TypeError(
            "an artifact over an open file cannot be handed to another process: open it by its "
            "path, its URL or its bytes"
        )


def read_fully(handle: int, offset: int, length: int) -> bytes:
    """Exactly ``length`` bytes of an open file from ``offset``.

    Raises:
        TruncatedError: there are fewer.
        OSError: they cannot be read.
    """
    parts: list[bytes] = []
    while length:
        part = read_at(handle, length, offset)
        if not part:
            raise ends_early(offset)
        parts.append(part)
        offset += len(part)
        length -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _unreadable(path: Path, error: Exception) -> DecodeError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    kind = MissingArtifactError if isinstance(error, FileNotFoundError) else DecodeError
    return kind(f"cannot read {path}: {reason}; check the path and its permissions")


def ends_early(offset: int) -> TruncatedError:
    """The error where a file has fewer bytes than were asked for."""
    return TruncatedError(
        "the file ends too early, or became shorter while it was read; fetch or write it again",
        offset=offset,
    )
