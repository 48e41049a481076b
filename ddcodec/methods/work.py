"""The work folder of an encode: finished pieces, so that an interrupted run resumes.

One process holds a folder at a time. ``job.json`` says which job it is of, and every piece is
bound to that job and to its own content: a piece of another job, or a damaged one, is made again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ddcodec.arrays import Array
from ddcodec.errors import EncodeError, RequestError
from ddcodec.files import LOCK, locked, parse_json, remove_leftovers, write_whole
from ddcodec.files.sealed import Checkpoint, read_sealed, sealed, unsealed, write_sealed
from ddcodec.methods.remote_folder import RemoteFolder
from ddcodec.workers import Pool

__all__ = ["Pieces", "WorkFolder"]

Pieces = dict[str, Array]

_SCHEMAS = "ddcodec.work/"
SCHEMA = f"{_SCHEMAS}3"
DRAFT = "draft.ddz"
_RECORD = "job.json"
_PIECE, _CHECKPOINT = ".piece", ".checkpoint"
_SUFFIXES = (_PIECE, _CHECKPOINT, ".piece.npz")  # the last one of older versions
_SAID = 40  # characters of a value that a message names


class WorkFolder:
    """Memoised pieces of one job; use :meth:`held`.

    Args:
        path: the folder; None to keep nothing, for a look at what would be done.
        job: everything that determines the pieces, as plain JSON values.
        remote: where pieces are kept, in place of the folder.
    """

    def __init__(
        self,
        path: Path | None = None,
        job: Mapping[str, Any] | None = None,
        remote: RemoteFolder | None = None,
    ) -> None:
        self._path, self._remote = path, remote
        plain = json.dumps({"schema": SCHEMA, "job": dict(job or {})})
        self._job: dict[str, Any] = json.loads(plain)

    @classmethod
    @contextmanager
    def held(
        cls,
        path: Path,
        job: Mapping[str, Any],
        *,
        wait: Callable[[], None] | None = None,
        remote: RemoteFolder | None = None,
    ) -> Iterator[WorkFolder]:
        """The work folder of a job, made if absent and held until the block ends.

        Args:
            path, job, remote: as for the class.
            wait: called before waiting for another process that holds it; without one that is
                an error.

        Raises:
            RequestError: another process holds it, it is of another job, or it holds files of
                somebody else, which are left as they are.
            EncodeError: it cannot be written.
        """
        work = cls(path, job, remote)
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

        A piece that is damaged (a full disk, a killed machine) or that belongs to another job is
        computed again.
        """
        if self._path is None:
            return _as_arrays(compute())
        found = self._found(name)
        return self._keep(name, compute()) if found is None else found

    def pieces(
        self,
        names: Mapping[int, str],
        compute: Callable[[int], Mapping[str, Array]],
        pool: Pool | None = None,
        tell: Callable[[int], None] = lambda done: None,
    ) -> Iterator[Pieces]:
        """Named pieces in order, computed by the workers of a pool if there is one.

        Args:
            names: key -> name of its piece.
            compute: what is kept of a key; with a pool, a function that can be sent to others.
            pool: who computes what is not there; this process without one.
            tell: called with how many are there.
        """
        if pool is None or self._path is None:
            for done, (key, name) in enumerate(names.items(), start=1):
                yield self.piece(name, partial(compute, key))
                tell(done)
            return
        missing = [key for key, name in names.items() if not self._is_there(name)]
        done = len(names) - len(missing)
        for key, arrays in pool.map(compute, missing):
            self._keep(names[key], arrays)
            tell(done := done + 1)
        for key, name in names.items():
            yield self.piece(name, partial(compute, key))  # computed again if it is damaged

    def checkpoint(self, name: str) -> Checkpoint | None:
        """Where the computing of a piece is saved meanwhile; None where nothing is kept."""
        if self._path is None:
            return None
        return Checkpoint(self._path / f"{name}{_CHECKPOINT}", self._key(f"{name} to be"))

    def remove(self) -> None:
        """Delete what this module wrote, and the folder unless somebody else put files there."""
        for path in self.path.iterdir():
            if _is_ours(path.name):
                path.unlink(missing_ok=True)
        # The lock's file goes while it is held: whoever waits for it finds that out.
        with suppress(OSError):
            self.path.rmdir()

    def _place(self, name: str) -> Path:
        return self.path / f"{name}{_PIECE}"

    def _is_there(self, name: str) -> bool:
        return self._place(name).exists() if self._remote is None else self._found(name) is not None

    def _found(self, name: str) -> Pieces | None:
        """A piece that is there, undamaged and of this job."""
        if self._remote is None:
            return read_sealed(self._place(name), self._key(name))
        content = self._remote.read(f"{name}{_PIECE}")
        return None if content is None else unsealed(content, self._key(name))

    def _keep(self, name: str, found: Mapping[str, Array]) -> Pieces:
        """Write a piece, which makes its checkpoint needless."""
        arrays, target = _as_arrays(found), self._place(name)
        if self._remote is not None:
            self._remote.write(f"{name}{_PIECE}", b"".join(sealed(self._key(name), arrays)))
            return arrays
        try:
            write_sealed(target, self._key(name), arrays)
        except OSError as error:
            raise EncodeError(
                f"cannot write {target}: {error.strerror}; free some space and run the same "
                "command again, finished pieces are kept"
            ) from error
        target.with_name(f"{name}{_CHECKPOINT}").unlink(missing_ok=True)
        return arrays

    def _key(self, name: str) -> bytes:
        """All that a piece follows from, and its name: none is taken for another."""
        return json.dumps([self._job, name], sort_keys=True).encode()

    def _check_ours(self) -> None:
        """Refuse a folder with somebody else's files before anything is put into it."""
        if not self.path.exists():
            return
        foreign = sorted(p.name for p in self.path.iterdir() if not _is_ours(p.name))
        record = self._record()
        ours = (self.path / LOCK).exists() or self._pieces()
        unknown = record is None and (self.path / _RECORD).exists() and not ours
        if unknown or (foreign and record is None):
            name = foreign[0] if foreign else _RECORD
            raise RequestError(
                f"{self.path} holds files that are no work of ddcodec's ({name}): choose another "
                "work folder"
            )

    def _claim(self) -> None:
        """Make the folder this job's, or check that it is."""
        record, text = self._record(), json.dumps(self._job, sort_keys=True, indent=1).encode()
        if record is not None and record != self._job and self._pieces():
            raise self._of_another(record, self.path)
        if record != self._job:
            write_whole(self.path / _RECORD, text)
        if self._remote is not None:
            there = _parsed(self._remote.read(_RECORD) or b"")
            if there is not None and there != self._job:
                raise self._of_another(there, self._remote.name)
            self._remote.write(_RECORD, text)

    def _of_another(self, record: Mapping[str, Any], place: object) -> RequestError:
        what = ", ".join(_changes(record.get("job"), self._job["job"]))
        return RequestError(
            f"{place} holds the work of another job ({what or 'another version made it'}): "
            "choose another work folder, or remove this one"
        )

    def _record(self) -> dict[str, Any] | None:
        """What ``job.json`` says, if it is ours."""
        try:
            return _parsed((self.path / _RECORD).read_bytes())
        except OSError:
            return None

    def _pieces(self) -> bool:
        return any(path.name.endswith(_SUFFIXES) for path in self.path.iterdir())


def _parsed(content: bytes) -> dict[str, Any] | None:
    """What a ``job.json`` says, if it is ours."""
    try:
        found = parse_json(content)
    except ValueError:
        return None
    return found if str(found.get("schema")).startswith(_SCHEMAS) else None


def _as_arrays(found: Mapping[str, Array]) -> Pieces:
    return {key: np.asarray(value) for key, value in found.items()}


def _changes(old: Any, new: Any, name: str = "") -> Iterator[str]:
    """What differs between two jobs, as parts of a sentence: names, and values that are short."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            if old.get(key) != new.get(key):
                yield from _changes(old.get(key), new.get(key), key)
    elif name:
        before, after = (json.dumps(value, ensure_ascii=False) for value in (old, new))
        said = old is not None and new is not None and max(len(before), len(after)) <= _SAID
        yield f"{name} changed" + (f" from {before} to {after}" if said else "")


def _is_ours(name: str) -> bool:
    """Whether this package gives files such a name in a work folder."""
    if name.startswith(".") and name.endswith(".tmp"):  # left by a process that was killed
        name = name[1:-4].rpartition(".")[0]
    return name in (_RECORD, DRAFT, LOCK) or name.endswith(_SUFFIXES)
