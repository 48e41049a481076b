"""Errors are caught by the names that Python programmers know, and travel between processes."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

import ddcodec
from ddcodec.errors import (
    DecodeError,
    MissingArtifactError,
    MissingFileError,
    MissingSourceError,
    RequestError,
    SourceError,
)
from ddcodec.evaluation.testset import TestPictures, find_training

MISSING = "missing"


def encode_missing(_: Path) -> object:
    return ddcodec.encode(MISSING, "out.ddz", method="random")


def open_test_folder(_: Path) -> object:
    return TestPictures.open(MISSING)


def open_train_folder(_: Path) -> object:
    return find_training(MISSING, ".")


def missing_names(images: Path) -> object:
    return ddcodec.encode(images, "out.ddz", method="random", class_names="missing.csv")


def open_missing(_: Path) -> object:
    return ddcodec.open("missing.ddz")


def verify_missing(_: Path) -> object:
    return ddcodec.verify("missing.ddz")


WHERE: list[tuple[Callable[[Path], object], type[Exception]]] = [
    (encode_missing, SourceError),
    (open_test_folder, SourceError),
    (open_train_folder, SourceError),
    (missing_names, RequestError),
    (open_missing, DecodeError),
    (verify_missing, DecodeError),
]


@pytest.mark.parametrize(("ask", "kind"), WHERE)
def test_what_is_not_there_is_not_found(
    ask: Callable[[Path], object],
    kind: type[Exception],
    image_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match="missing") as caught:
        ask(image_folder)
    assert isinstance(caught.value, kind)


@pytest.mark.parametrize("kind", [MissingArtifactError, MissingFileError, MissingSourceError])
def test_they_come_back_from_a_worker(kind: type[ddcodec.DdcodecError]) -> None:
    error = pickle.loads(pickle.dumps(kind("no such file", section="labels[0]")))
    assert type(error) is kind and str(error) == "no such file (section labels[0])"
