"""The work folder of an encode: finished pieces, so that an interrupted run resumes.

Each piece is an ``.npz`` written under a temporary name and then renamed, so a piece that
exists is whole. ``job.json`` ties the folder to one job.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from ddcodec.errors import EncodeError

__all__ = ["Pieces", "WorkFolder"]

Pieces = dict[str, NDArray[Any]]


class WorkFolder:
    """Memoised pieces of one job.

    Args:
        path: the folder; made if absent.
        job: everything that determines the result, as plain JSON values.

    Raises:
        EncodeError: the folder holds pieces of another job, or cannot be written.
    """

    def __init__(self, path: Path, job: Mapping[str, Any]) -> None:
        self.path = path
        text = json.dumps(job, sort_keys=True, indent=1)
        record = path / "job.json"
        try:
            path.mkdir(parents=True, exist_ok=True)
            finished = any(path.glob("*.npz"))
            if finished and record.exists() and record.read_text() != text:
                raise EncodeError(
                    f"{path} holds the work of another job: give --work another folder, "
                    "or remove this one"
                )
            record.write_text(text)
        except OSError as error:
            raise EncodeError(f"cannot use the work folder {path}: {error.strerror}") from error

    def piece(self, name: str, compute: Callable[[], Mapping[str, NDArray[Any]]]) -> Pieces:
        """The named arrays from the folder, or computed now and kept there.

        A piece that cannot be read (a full disk, a killed machine) is computed again.
        """
        target = self.path / f"{name}.npz"
        if target.exists():
            try:
                with target.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                    return {key: stored[key] for key in stored.files}
            except (OSError, EOFError, ValueError, KeyError, BadZipFile):
                target.unlink()
        arrays = dict(compute())
        temporary = target.with_suffix(f".{os.getpid()}.tmp")
        try:
            with temporary.open("wb") as out:
                np.savez(out, allow_pickle=False, **arrays)
            temporary.replace(target)
        except OSError as error:
            raise EncodeError(
                f"cannot write {target}: {error.strerror}; free some space and run the same "
                "command again, finished pieces are kept"
            ) from error
        finally:
            temporary.unlink(missing_ok=True)
        return arrays

    def remove(self) -> None:
        """Delete the folder, after the artifact has been written."""
        shutil.rmtree(self.path, ignore_errors=True)
