"""Every input of a report, checked before the first student trains."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from ddcodec.arrays import Progress
from ddcodec.artifact import Artifact
from ddcodec.classifiers.architectures import ARCHITECTURES, build
from ddcodec.errors import DdcodecError, EncodeError, RequestError, SourceError
from ddcodec.files import check_replaceable
from ddcodec.sources.listed import ListedSource
from ddcodec.suggestions import did_you_mean

__all__ = [
    "check_artifact",
    "check_student",
    "check_training_classes",
    "check_writable",
]


def check_writable(paths: Sequence[Path]) -> None:
    """Make the folders of files to write, and try to write beside them.

    Raises:
        RequestError: two of them are one, or one is of something that no file may replace.
        EncodeError: one cannot be written.
    """
    if len({path.absolute() for path in paths}) < len(paths):
        raise RequestError(
            f"page and figures cannot both be {paths[0]}: name the page *.html, and the JSON apart"
        )
    for path in paths:
        check_replaceable(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=path.parent):
                pass
        except OSError as error:
            raise EncodeError(
                f"cannot write {path} ({error.strerror}): choose another file"
            ) from error


def check_student(student: str | None) -> None:
    """Raises RequestError: an unknown architecture."""
    if student is not None and student not in ARCHITECTURES:
        near = did_you_mean(student, ARCHITECTURES)
        raise RequestError(
            f"unknown student {student!r}{near}: use one of {', '.join(ARCHITECTURES)}"
        )


def check_artifact(
    artifact: Artifact,
    student: str,
    *,
    prior: str | None = None,
    device: str = "cpu",
    progress: Progress | None = None,
) -> None:
    """Every stored byte, the size of the pictures, and the prior; errors name the file.

    Raises:
        FormatError, IntegrityError: a damaged file.
        RequestError: pictures that are not square.
        EncodeError: pictures too small for the student.
        DecodeError: a prior that is not here, or not the pinned one.
    """
    recipe = artifact.recipe
    try:
        if recipe.width != recipe.height:
            raise RequestError(
                "students need square pictures, and the artifact's are "
                f"{recipe.width}x{recipe.height}: make one of square pictures"
            )
        artifact.verify("digest")
        build(student, len(artifact.head.classes), recipe.width)
        artifact.fetch_prior(prior, progress)
        artifact.renderer(prior=prior, device=device).prepare()
    except DdcodecError as error:
        error.add_note(f"The file is {artifact.place}.")
        raise


def check_training_classes(source: ListedSource, artifact: Artifact) -> None:
    """Raises SourceError: the training pictures lack a class of the artifact."""
    missing = [name for name in artifact.classes if name not in source.classes]
    if missing:
        more = f" and {len(missing) - 1} more classes" if len(missing) > 1 else ""
        raise SourceError(
            f"the training pictures of {source.place} lack {missing[0]!r}{more} of the artifact: "
            "give those that it was made from, or leave the baselines out"
        )
