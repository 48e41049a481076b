"""Pieces of a method: one per class or group, kept in the work folder, computed by workers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from ddcodec.arrays import Array
from ddcodec.methods.base import Job
from ddcodec.methods.work import Pieces
from ddcodec.sources.pictures import LoadReport

__all__ = ["each_piece"]

# The array of a piece that holds what was noted while it was computed, as JSON.
_NOTES = "notes"


def each_piece(
    job: Job,
    what: str,
    name: str,
    compute: Callable[[Job, int], Mapping[str, Array]],
    keys: Sequence[int] | None = None,
) -> Iterator[Pieces]:
    """Finished pieces of a job in order, kept in its work folder, by its workers if it has some.

    What had to be converted, skipped or warned of is kept with a piece, so that a job that goes on
    says it, too.

    Args:
        what: name of this stage, for its progress.
        name: of the pieces; each has its key after it.
        compute: what a piece holds: a method of the method, or a partial of one, so that it can
            be sent to workers.
        keys: of the pieces, classes by default.
    """
    keys = range(len(job.source.classes)) if keys is None else keys
    names = {key: f"{name}-{key:05d}" for key in keys}
    compute_noted = partial(_noted, compute, job)
    for piece in job.work.pieces(
        names, compute_noted, job.pool, lambda done: job.tell(what, done, len(names))
    ):
        notes = json.loads(piece.pop(_NOTES).tobytes())
        kinds = {picture: tuple(some) for picture, some in notes["kinds"].items()}
        job.report.update(LoadReport(kinds, notes["skipped"]))
        for sentence in notes["warnings"]:
            job.warn(sentence)
        yield piece


def _noted(
    compute: Callable[[Job, int], Mapping[str, Array]], job: Job, key: int
) -> dict[str, Array]:
    """A piece, and what was noted meanwhile."""
    report, said = LoadReport(), list[str]()
    found = compute(replace(job, report=report, warn=said.append), key)
    notes = {"kinds": report.kinds, "skipped": report.skipped, "warnings": said}
    return {**found, _NOTES: np.frombuffer(json.dumps(notes).encode(), np.uint8)}
