"""Accuracies of an artifact, from the JSON of a report."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any, NamedTuple

from ddcodec.errors import MissingFileError, RequestError
from ddcodec.files import read_json
from ddcodec.reporting.collect import SCHEMA

__all__ = ["Result", "results_of"]


class Result(NamedTuple):
    """What students learned of an artifact.

    Attributes:
        mean, std: of the share of test pictures that they get right, 0..1; one student alone has no
            standard deviation.
        students: how many.
    """

    student: str
    protocol: str
    test_images: int
    mean: float
    std: float | None
    students: int


def results_of(report: str | os.PathLike[str], digest: str) -> tuple[Result, ...]:
    """The accuracies of one artifact in a report.

    Args:
        report: its JSON.
        digest: the content digest of the artifact.

    Raises:
        MissingFileError: there is no such file.
        RequestError: it is no report, or of other artifacts.
    """
    path = Path(report)
    try:
        values = read_json(path)
    except FileNotFoundError as error:
        raise MissingFileError(f"no such report: {path}") from error
    except (OSError, ValueError) as error:
        raise RequestError(f"{path} cannot be read as JSON ({error}): give a report's") from error
    if values.get("schema") != SCHEMA:
        raise RequestError(f"{path} is no JSON of a report: give the one beside its page")
    evaluations = values.get("evaluations")
    try:
        found = tuple(
            _result(one)
            for one in (evaluations if isinstance(evaluations, list) else ())
            if one["role"] == "artifact" and one["digest"] == digest
        )
    except (KeyError, TypeError, ValueError) as error:
        raise RequestError(f"{path} is damaged ({error}): make the report again") from error
    if not found:
        raise RequestError(
            f"{path} is a report of other artifacts: none has the content digest {digest[:16]}..."
        )
    return found


def _result(one: dict[str, Any]) -> Result:
    mean = float(one["mean"])
    std = None if one["std"] is None else float(one["std"])
    if not 0 <= mean <= 1 or (std is not None and not math.isfinite(std)):
        raise ValueError("an accuracy that is no share")
    words = str(one["student"]), str(one["protocol"])
    return Result(*words, int(one["test_images"]), mean, std, len(one["accuracies"]))
