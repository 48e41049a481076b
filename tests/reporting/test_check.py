"""What is wrong with an input is said before the first student trains."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import ddcodec
from ddcodec.errors import DdcodecError, EncodeError, IntegrityError, RequestError, SourceError
from ddcodec.reporting import make_report


@pytest.fixture
def refused(
    artifact_path: Path, folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., DdcodecError]:
    """``refused(kind of error, artifact, **options)``: the error of a report."""

    def no_student(*_: object, **__: object) -> None:
        raise AssertionError("a student was trained")

    monkeypatch.setattr("ddcodec.reporting.students.evaluate", no_student)

    def report(
        error: type[DdcodecError], path: Path = artifact_path, test: Path = folders, **more: Any
    ) -> DdcodecError:
        out = tmp_path / "out" / "report.html"
        with pytest.raises(error) as caught:
            make_report([artifact_path, path], test, **{"out": out, "baseline": "none", **more})
        assert not list(tmp_path.glob("out/*"))
        return caught.value

    return report


Refused = Callable[..., DdcodecError]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"student": "convnet33"},
            "unknown student 'convnet33' (did you mean 'convnet3'?)",
        ),
        ({"protocol": "dzd"}, "unknown protocol 'dzd'"),
        ({"epochs": 0}, "0 epochs train nothing"),
        ({"device": "quantum"}, "device 'quantum' cannot be used here"),
        ({"baseline": "easy"}, "unknown baseline 'easy': use one of hard, soft, both, none"),
        ({"baseline": "soft"}, "needs the teacher that labelled the artifacts"),
        ({"teacher": "auto"}, "has no part in baseline='none'"),
        ({"json_path": "report.html", "out": "report.html"}, "cannot both be report.html"),
    ],
)
def test_what_makes_no_sense(refused: Refused, options: dict[str, Any], words: str) -> None:
    assert words in str(refused(RequestError, **options))


def test_a_page_that_cannot_be_written(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "file").write_text("")
    out = tmp_path / "file" / "report.html"
    assert f"cannot write {out}" in str(refused(EncodeError, out=out))
    out = tmp_path / "taken"
    assert f"{out} is a folder, which no file may replace" in str(refused(RequestError, out=out))
    assert list((tmp_path / "taken").iterdir()) == []


def test_figures_that_cannot_be_written(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "report.json").mkdir()
    assert "report.json is a folder" in str(refused(RequestError, out=tmp_path / "report.html"))


def test_a_damaged_artifact_is_named(refused: Refused, artifact_path: Path, tmp_path: Path) -> None:
    damaged = bytearray(artifact_path.read_bytes())
    damaged[-10] ^= 1
    (tmp_path / "damaged.ddz").write_bytes(damaged)
    error = refused(IntegrityError, tmp_path / "damaged.ddz")
    assert error.__notes__ == [f"The file is {tmp_path / 'damaged.ddz'}."]


def test_pictures_that_are_not_square(refused: Refused, folders: Path, tmp_path: Path) -> None:
    path = tmp_path / "wide.ddz"
    options = {"method": "random", "ipc": 1, "views": 1, "labels": "hard", "size": (16, 8)}
    ddcodec.encode(folders / "train", path, **options)
    assert "students need square pictures" in str(refused(RequestError, path))


def test_pictures_too_small_for_the_student(refused: Refused) -> None:
    assert "too small for convnet4" in str(refused(RequestError, student="convnet4"))


def test_test_pictures_of_other_classes(
    refused: Refused, tmp_path: Path, write_pictures: Callable[..., Path]
) -> None:
    other = write_pictures(tmp_path / "other", ("blue", "green"), 1, seed=1)
    assert "no test pictures of 'red'" in str(refused(SourceError, test=other))


def test_training_pictures_of_other_classes(
    refused: Refused, tmp_path: Path, write_pictures: Callable[..., Path]
) -> None:
    other = write_pictures(tmp_path / "other", ("blue", "green"), 1, seed=1)
    error = refused(SourceError, baseline="hard", train_dir=other)
    assert "lack 'red' of the artifact" in str(error)
