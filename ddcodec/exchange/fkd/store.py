"""The labels of a tree on the disk: two arrays, and a record of finished epochs.

An array is mapped, not read, so that a tree of any size takes the memory of a batch. Its room is
taken at once: a disk that is full says so at the beginning.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from ddcodec.codecs.view_draws import NUMBERS
from ddcodec.errors import EncodeError, RequestError, SourceError
from ddcodec.files import locked, read_json, write_whole
from ddcodec.sources.paths import printable

__all__ = ["Store"]

_SCHEMA = "ddcodec.fkd/1"
_RECORD, _LOGITS, _DRAWS = "read.json", "logits.i16", "draws.i32"


class Store:
    """The work folder of one tree; use :meth:`held`.

    Args:
        path: the folder.
        job: everything that determines the arrays, as plain JSON values.
        shape: (images, views, K).

    Attributes:
        logits: int16 [images, views, K].
        draws: int32 [images, views, 11].
        epochs: what is known of each finished epoch, as plain JSON values.

    Raises:
        RequestError: the folder holds the labels of another job.
    """

    def __init__(self, path: Path, job: Mapping[str, Any], shape: tuple[int, int, int]) -> None:
        self._path, self._job = path, json.loads(json.dumps(dict(job)))
        self._shape = shape
        self.epochs: list[dict[str, Any]] = self._finished()
        self._map()

    @classmethod
    @contextmanager
    def held(
        cls, path: Path, job: Mapping[str, Any], shape: tuple[int, int, int]
    ) -> Iterator[Store]:
        """The store of a job, its folder made if absent and held until the block ends.

        Where no epoch is finished then, nothing of it is left.

        Raises:
            RequestError: the folder holds the labels of another job.
            EncodeError: it cannot be written, or another process holds it.
        """
        try:
            with locked(path, remove=True):
                store = cls(path, job, shape)
                try:
                    yield store
                finally:
                    if not store.epochs:
                        store._remove()
        except SourceError:
            raise  # one of them is an OSError, too
        except OSError as error:
            raise EncodeError(
                f"cannot write into {printable(path)}: {error.strerror}; free some space and run "
                "it again, finished epochs are kept"
            ) from error

    def finish(self, epoch: Mapping[str, Any]) -> None:
        """Keep the epoch that has been written into the arrays."""
        self.epochs.append(dict(epoch))
        self.logits.flush()
        self.draws.flush()
        self._map()  # anew, so that what has been written does not stay in memory
        record = {"schema": _SCHEMA, "job": self._job, "epochs": self.epochs}
        write_whole(self._path / _RECORD, json.dumps(record).encode())

    def _map(self) -> None:
        self.logits = self._mapped(_LOGITS, np.int16, self._shape)
        self.draws = self._mapped(_DRAWS, np.int32, (*self._shape[:2], NUMBERS))

    def _remove(self) -> None:
        for name in (_LOGITS, _DRAWS, _RECORD):
            (self._path / name).unlink(missing_ok=True)

    def _finished(self) -> list[dict[str, Any]]:
        try:
            found = read_json(self._path / _RECORD)
        except (FileNotFoundError, ValueError):
            return []
        if found.get("schema") != _SCHEMA or found.get("job") != self._job:
            raise RequestError(
                f"{printable(self._path)} holds the labels of another tree or of other pictures: "
                "choose another work folder, or remove this one"
            )
        return list(found.get("epochs", []))

    def _mapped(
        self, name: str, dtype: type[np.generic], shape: tuple[int, ...]
    ) -> np.memmap[Any, Any]:
        """An array on the disk; where none of its size is, a new one, and nothing is finished."""
        path, size = self._path / name, prod(shape) * np.dtype(dtype).itemsize
        if not path.exists() or path.stat().st_size != size:
            self.epochs.clear()
            with path.open("wb") as stream:
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(stream.fileno(), 0, size)
                else:
                    stream.truncate(size)
        return np.memmap(path, dtype, "r+", shape=shape)
