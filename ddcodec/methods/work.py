"""The work folder of an encode: finished pieces, so that an interrupted run resumes.

One process holds a folder at a time. ``job.json`` says which job it is of, and every piece is
bound to that job and to its own content: a piece of another job, or a damaged one, is made again.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from ddcodec.arrays import Array
from ddcodec.errors import EncodeError, RequestError
from ddcodec.files import LOCK, locked, read_json, remove_leftovers, write_whole

__all__ = ["Pieces", "WorkFolder"]

Pieces = dict[str, Array]

SCHEMA = "ddcodec.work/1"
DRAFT = "draft.ddz"
_RECORD = "job.json"
_PIECE = ".piece.npz"
_SEAL = "seal"  # the array of a piece that binds it to its job and content
# What numpy and zipfile are known to raise on a file that is no whole piece.
_DAMAGE = (
    OSError,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    BadZipFile,
    NotImplementedError,
    RuntimeError,
)


class WorkFolder:
    """Memoised pieces of one job; use :meth:`held`.

    Args:
        path: the folder; None to keep nothing, for a look at what would be done.
        job: everything that determines the pieces, as plain JSON values.
    """

    def __init__(self, path: Path | None = None, job: Mapping[str, Any] | None = None) -> None:
        self._path = path
        self._job = {"schema": SCHEMA, "job": dict(job or {})}
        self._key = hashlib.sha256(json.dumps(self._job, sort_keys=True).encode()).digest()

    @classmethod
    @contextmanager
    def held(
        cls, path: Path, job: Mapping[str, Any], *, wait: Callable[[], None] | None = None
    ) -> Iterator[WorkFolder]:
        """The work folder of a job, made if absent and held until the block ends.

        Args:
            path, job: as for the class.
            wait: called before waiting for another process that holds it; without one that is
                an error.

        Raises:
            RequestError: another process holds it, it is of another job, or it holds files of
                somebody else, which are left as they are.
            EncodeError: it cannot be written.
        """
        work = cls(path, job)
        with ExitStack() as stack:
            try:
                work._check_ours()
                stack.enter_context(locked(path, wait=wait))
                work._claim()
                remove_leftovers(path)
            except OSError as error:
                raise EncodeError(f"cannot use the work folder {path}: {error.strerror}") from error
            yield work

    @property
    def path(self) -> Path:
        """The folder."""
        assert self._path is not None, "this work folder keeps nothing"
        return self._path

    @property
    def draft(self) -> Path:
        """Where the draft of the artifact goes."""
        return self.path / DRAFT

    def piece(self, name: str, compute: Callable[[], Mapping[str, Array]]) -> Pieces:
        """The named arrays from the folder, or computed now and kept there.

        A piece that cannot be read (a full disk, a killed machine) or that belongs to another job
        is computed again.
        """
        target = None if self._path is None else self._path / f"{name}{_PIECE}"
        found = None if target is None else self._read(target)
        if found is not None:
            return found
        arrays = {key: np.asarray(value) for key, value in compute().items()}
        if target is None:
            return arrays
        stream = io.BytesIO()
        seal = np.frombuffer(self._seal(arrays), np.uint8)
        np.savez(stream, allow_pickle=False, **arrays, **{_SEAL: seal})
        try:
            write_whole(target, stream.getvalue())
        except OSError as error:
            raise EncodeError(
                f"cannot write {target}: {error.strerror}; free some space and run the same "
                "command again, finished pieces are kept"
            ) from error
        return arrays

    def remove(self) -> None:
        """Delete what this module wrote, and the folder unless somebody else put files there."""
        for path in self.path.iterdir():
            if _is_ours(path.name):
                path.unlink(missing_ok=True)
        # The lock's file goes while it is held: whoever waits for it finds that out.
        with suppress(OSError):
            self.path.rmdir()

    def _read(self, path: Path) -> Pieces | None:
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                arrays: Pieces = {key: stored[key] for key in stored.files}
            seal = arrays.pop(_SEAL).tobytes()
        except _DAMAGE:
            return None
        return arrays if seal == self._seal(arrays) else None

    def _seal(self, arrays: Mapping[str, Array]) -> bytes:
        """SHA-256 over the job, and the names, types, shapes and values of a piece's arrays."""
        state = hashlib.sha256(self._key)
        for name, array in sorted(arrays.items()):
            state.update(f"{name}\0{array.dtype.str}{array.shape}\0".encode())
            state.update(np.ascontiguousarray(array).data)
        return state.digest()

    def _check_ours(self) -> None:
        """Refuse a folder with somebody else's files before anything is put into it."""
        if not self.path.exists():
            return
        foreign = sorted(p.name for p in self.path.iterdir() if not _is_ours(p.name))
        record = self._record()
        unknown = record is None and (self.path / _RECORD).exists() and not self._pieces()
        if unknown or (foreign and record is None):
            name = foreign[0] if foreign else _RECORD
            raise RequestError(
                f"{self.path} holds files that are no work of ddcodec's ({name}): choose another "
                "work folder"
            )

    def _claim(self) -> None:
        """Make the folder this job's, or check that it is."""
        record = self._record()
        if record is not None and record != self._plain() and self._pieces():
            old, new = record.get("job", {}), self._plain()["job"]
            names = sorted({*old, *new}) if isinstance(old, dict) else []
            changed = [name for name in names if old.get(name) != new.get(name)]
            what = f"{', '.join(changed)} changed" if changed else "another version made it"
            raise RequestError(
                f"{self.path} holds the work of another job ({what}): choose another work folder, "
                "or remove this one"
            )
        if record != self._plain():
            text = json.dumps(self._job, sort_keys=True, indent=1)
            write_whole(self.path / _RECORD, text.encode())

    def _plain(self) -> dict[str, Any]:
        plain: dict[str, Any] = json.loads(json.dumps(self._job))
        return plain

    def _record(self) -> dict[str, Any] | None:
        """What ``job.json`` says, if it is ours."""
        try:
            found = read_json(self.path / _RECORD)
        except (OSError, ValueError):
            return None
        return found if found.get("schema") == SCHEMA else None

    def _pieces(self) -> bool:
        return any(self.path.glob(f"*{_PIECE}"))


def _is_ours(name: str) -> bool:
    """Whether this package gives files such a name in a work folder."""
    if name.startswith(".") and name.endswith(".tmp"):  # left by a process that was killed
        name = name[1:-4].rpartition(".")[0]
    return name in (_RECORD, DRAFT, LOCK) or name.endswith(_PIECE)
