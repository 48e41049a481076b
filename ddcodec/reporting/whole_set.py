"""The whole training set with hard labels: what artifacts fall short of, and what it takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ddcodec.arrays import Progress
from ddcodec.artifact import Artifact
from ddcodec.errors import RequestError
from ddcodec.reporting.pool import Pool
from ddcodec.sources.listed import ListedSource

__all__ = ["WholeSet", "WholeSetEpochs", "check_whole_set", "epochs_on", "write_whole_set"]

WholeSetEpochs = int | Literal["equal"]


@dataclass(frozen=True)
class WholeSet:
    """The training set as an artifact of its own pixels, for students to be trained on.

    Attributes:
        path: the artifact.
        pictures: in it.
        file_len: bytes of the training set's own files.
        name: what it is.
        notes: what a reader of its figures should know.
    """

    path: Path
    pictures: int
    file_len: int
    name: str
    notes: tuple[str, ...]


def check_whole_set(asked: object) -> None:
    """Raises RequestError: neither a number of epochs, nor ``equal``, nor nothing."""
    count = type(asked) is int and asked >= 1
    if asked is not None and asked != "equal" and not count:
        raise RequestError(
            f"whole_set={asked!r} is not allowed: give a number of epochs from 1, or equal for as "
            "many pictures shown as the artifact that shows the most"
        )


def write_whole_set(
    artifact: Artifact, train: ListedSource, folder: Path, progress: Progress | None = None
) -> WholeSet:
    """The training pictures of an artifact's classes, without loss, with its views and size.

    Raises:
        SourceError: the training pictures lack a class, or a picture of it cannot be read.
    """
    pool = Pool(artifact, train)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "whole.ddz"
    pool.encode(pool.limit, path, labels="hard", patch_codec="png", progress=progress)
    whole = train.with_classes([train.classes.index(name) for name in artifact.classes])
    pictures = pool.limit * len(artifact.classes)
    notes = ["the bytes of the whole training set are those of its files as they are"]
    if pictures < len(whole):
        notes.append(
            f"of the whole training set's {len(whole):,} pictures students are shown {pictures:,}: "
            f"{pool.limit:,} per class, as many as the smallest class has"
        )
    name = f"the whole training set, hard labels ({pictures:,} pictures)"
    return WholeSet(path, pictures, whole.stored_len, name, tuple(notes))


def epochs_on(pictures: int, asked: WholeSetEpochs, shown: Sequence[int]) -> int:
    """Epochs of so many pictures, where students of the artifacts are shown so many.

    >>> epochs_on(1000, "equal", [3000, 600]), epochs_on(1000, "equal", [30])
    (3, 1)
    """
    return asked if asked != "equal" else max(1, round(max(shown) / pictures))
