"""Arrays on disk that are bound to a job and to themselves; nothing that is damaged is read.

A file is SHA-256 over a key and the rest, and the rest: an ``.npz``, which no library looks at
before the digest is right.
"""

from __future__ import annotations

import hashlib
import io
import time
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np

from ddcodec.arrays import Array
from ddcodec.errors import EncodeError
from ddcodec.files.whole import write_whole

__all__ = ["EVERY", "Checkpoint", "read_sealed", "sealed", "unsealed", "write_sealed"]

EVERY = 60.0
"""Seconds of work that an interrupt may cost, about."""


def write_sealed(path: Path, key: bytes, arrays: Mapping[str, Array]) -> None:
    """Write named arrays as a file that appears whole or not at all.

    Args:
        path: the file; one that exists is replaced.
        key: all that the arrays follow from, or a digest of that.
        arrays: of plain types; none is pickled.

    Raises:
        OSError: it cannot be written.
    """
    write_whole(path, sealed(key, arrays))


def sealed(key: bytes, arrays: Mapping[str, Array]) -> list[bytes | memoryview]:
    """The parts of such a file."""
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, **arrays)
    body = stream.getbuffer()
    return [_seal(key, body), body]


def read_sealed(path: Path, key: bytes) -> dict[str, Array] | None:
    """The arrays of a file; None where there is none, a damaged one, or one of another key."""
    try:
        return unsealed(path.read_bytes(), key)
    except OSError:
        return None


def unsealed(content: bytes, key: bytes) -> dict[str, Array] | None:
    """The arrays of a file's content; None of a damaged one, or one of another key."""
    body = memoryview(content)[_SEAL:]
    if content[:_SEAL] != _seal(key, body):
        return None
    with np.load(io.BytesIO(body), allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


_SEAL = hashlib.sha256().digest_size


def _seal(key: bytes, body: memoryview) -> bytes:
    state = hashlib.sha256(len(key).to_bytes(8, "little") + key)
    state.update(body)
    return state.digest()


class Checkpoint:
    """Where a long computation has come to, saved about every minute, so that it can go on.

    Args:
        path: the file.
        key: all that the computation follows from: a checkpoint of another is not taken up.
        every: seconds between two saves, at least.
    """

    def __init__(self, path: Path, key: bytes, *, every: float = EVERY) -> None:
        self.path, self.key, self.every = path, key, every
        self._saved = time.monotonic()

    def restore(self) -> dict[str, Array] | None:
        """What was saved last; None to begin at the beginning."""
        return read_sealed(self.path, self.key)

    def offer(self, state: Callable[[], Mapping[str, Array]]) -> None:
        """Save, if the last time is long enough ago; a full disk is a warning, and ends nothing."""
        if time.monotonic() - self._saved < self.every:
            return
        try:
            write_sealed(self.path, self.key, state())
        except (OSError, EncodeError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            warnings.warn(
                f"what is done so far cannot be saved in {self.path} ({why}): the work goes on, "
                "and begins anew if it is interrupted",
                stacklevel=2,
            )
        self._saved = time.monotonic()

    def remove(self) -> None:
        """Forget it: the computation has ended, and its result is kept."""
        with suppress(OSError):
            self.path.unlink(missing_ok=True)
