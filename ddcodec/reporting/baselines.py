"""Baselines of random real pictures: of the same IPC, of the same bytes, with soft labels."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from ddcodec.arrays import Progress
from ddcodec.artifact import Artifact
from ddcodec.encoding.inputs import Inputs
from ddcodec.encoding.options import EncodeOptions
from ddcodec.errors import RequestError
from ddcodec.methods.work import WorkFolder
from ddcodec.reporting.pool import Pool
from ddcodec.sources.listed import ListedSource

if TYPE_CHECKING:
    from ddcodec.classifiers.teacher import Teacher

__all__ = ["BASELINES", "Baseline", "BaselineKind", "check_baselines", "make_baselines"]

BaselineKind = Literal["hard", "soft", "both", "none"]
BASELINES: tuple[BaselineKind, ...] = get_args(BaselineKind)

# No coded picture takes fewer bits per pixel than this, so a budget bounds how many can fit.
_LEAST_BITS_PER_PIXEL = 0.25


@dataclass(frozen=True)
class Baseline:
    """A real artifact to compare with; ``path`` is None where it cannot be made, see ``why``.

    Attributes:
        name: what it is.
        for_bytes: it fills the bytes of one artifact, so no other artifact shares it.
        notes: what a reader of its figures should know.
    """

    name: str
    path: Path | None
    why: str = ""
    for_bytes: bool = False
    notes: tuple[str, ...] = ()


def check_baselines(kind: str, teacher: object) -> None:
    """Raises RequestError: an unknown kind, or one that needs a teacher and has none."""
    if kind not in BASELINES:
        raise RequestError(f"unknown baseline {kind!r}: use one of {', '.join(BASELINES)}")
    if kind in ("soft", "both") and teacher is None:
        # An artifact seldom holds its teacher, and labels of a worse one would make its choice of
        # pictures look better than it is.
        raise RequestError(
            f"baseline={kind!r} needs the teacher that labelled the artifacts: give teacher= what "
            "they were encoded with (a folder, a hub id, or auto for one trained on the training "
            "folder)"
        )
    if kind in ("hard", "none") and teacher is not None:
        raise RequestError(
            f"teacher= has no part in baseline={kind!r}: leave it out, or use baseline='soft'"
        )


def make_baselines(
    artifact: Artifact,
    train: ListedSource,
    folder: Path,
    work: WorkFolder,
    *,
    kind: BaselineKind = "hard",
    teacher: str | os.PathLike[str] | Teacher | None = None,
    same_ipc: bool = True,
    seed: int = 0,
    device: str = "cpu",
    progress: Progress | None = None,
) -> list[Baseline]:
    """Artifacts of random real pictures with the same views, written to ``folder``.

    What a search found is kept in ``work``.

    With hard labels, one has the artifact's IPC, and one the largest IPC whose file is no larger
    than the artifact, found by bisection on files really encoded. With soft labels, one has the
    artifact's IPC and temperature. What has the same IPC can be left out (``same_ipc``), where
    another artifact of the report shares it.

    Raises:
        SourceError: the training pictures lack a class of the artifact.
        EncodeError, DecodeError: a teacher that cannot be used.
    """
    pool = _pool(artifact, train, seed)
    folder.mkdir(parents=True, exist_ok=True)
    found: list[Baseline] = []
    if kind in ("hard", "both"):
        if same_ipc:
            found.append(_same_ipc(pool, folder / "same-ipc.ddz", labels="hard"))
        found.append(_same_bytes(pool, folder, work, progress))
    if kind in ("soft", "both") and same_ipc:
        assert teacher is not None, "check_baselines"
        found.append(_soft(pool, train, folder / "soft.ddz", teacher, device, progress))
    return found


def _pool(artifact: Artifact, train: ListedSource, seed: int) -> Pool:
    """As many pictures as the same IPC or the same bytes can need."""
    recipe = artifact.recipe
    least = recipe.width * recipe.height * _LEAST_BITS_PER_PIXEL / 8
    fit = int(artifact.file_len / len(artifact.classes) / least) + 1
    return Pool(artifact, train, most=max(recipe.ipc, fit), seed=seed)


def _same_ipc(pool: Pool, path: Path, *, notes: Sequence[str] = (), **labels: Any) -> Baseline:
    ipc = pool.artifact.recipe.ipc
    name = f"random real pictures, {labels['labels']} labels, same IPC ({ipc})"
    if pool.smallest < ipc:
        return Baseline(name, None, f"a class has only {pool.smallest} training pictures")
    pool.encode(ipc, path, **labels)
    return Baseline(name, path, notes=tuple(notes))


def _same_bytes(pool: Pool, folder: Path, work: WorkFolder, progress: Progress | None) -> Baseline:
    budget, path = pool.artifact.file_len, folder / "same-bytes.ddz"
    name = "random real pictures, hard labels, same bytes"
    # The search is remembered, so that a report that goes on encodes the answer alone.
    known = {
        "pictures": pool.source.fingerprint,
        "options": pool.options(0),
        "budget": budget,
    }
    key = hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()
    found = work.piece(
        f"same-bytes-{key[:32]}",
        lambda: {"ipc": np.array(_largest(pool, folder / "trial.ddz", progress))},
    )
    fits = int(found["ipc"])
    size = pool.encode(max(fits, 1), path, labels="hard")
    if fits == 0:
        why = f"one picture per class takes {size} bytes, more than the artifact's {budget}"
        return Baseline(name, None, why, for_bytes=True)
    return Baseline(f"{name} (IPC {fits})", path, for_bytes=True)


def _largest(pool: Pool, trial: Path, progress: Progress | None) -> int:
    """The largest IPC whose file is no larger than the artifact; 0 where none is."""
    fits, fails = 0, pool.limit + 1
    while fits + 1 < fails:
        # Doubling first: a small trial is quick, and most answers are far below the limit.
        middle = min(2 * fits or 1, pool.limit) if fails > pool.limit else (fits + fails) // 2
        if pool.encode(middle, trial, labels="hard") <= pool.artifact.file_len:
            fits = middle
        else:
            fails = middle
        if progress is not None:
            progress("pictures that fit the same bytes", fits, fails - 1)
    return fits


def _soft(
    pool: Pool,
    train: ListedSource,
    path: Path,
    given: str | os.PathLike[str] | Teacher,
    device: str,
    progress: Progress | None,
) -> Baseline:
    """With soft labels of a teacher; it is said where that is not the artifact's own."""
    labels: dict[str, Any] = {"labels": "soft", "device": device}
    recipe = pool.artifact.recipe.labels
    if recipe.soft:
        labels["label_temperature"] = recipe.temperature
    options = pool.options(pool.artifact.recipe.ipc, teacher=given, progress=progress, **labels)
    # Of all training pictures, and not of the few pictures chosen of it.
    teacher = Inputs(train, EncodeOptions(**options)).teacher()
    notes: tuple[str, ...] = ()
    if pool.artifact.info.get("teacher_digest") != bytes.fromhex(teacher.digest):
        notes = (
            f"the soft labels of random real pictures are of {teacher.arch}, which is not known "
            "to be the teacher of the artifact's own labels: do not take the difference for that "
            "of the pictures",
        )
    return _same_ipc(pool, path, notes=notes, teacher=teacher, **labels)
