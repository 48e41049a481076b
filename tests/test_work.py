"""The work folder: finished pieces survive, damaged ones are made again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ddcodec.errors import EncodeError
from ddcodec.work import WorkFolder


def test_a_finished_piece_is_not_computed_again(tmp_path: Path) -> None:
    calls = []

    def compute() -> dict[str, np.ndarray]:
        calls.append(1)
        return {"x": np.arange(3)}

    first = WorkFolder(tmp_path / "work", {"job": 1}).piece("a", compute)
    second = WorkFolder(tmp_path / "work", {"job": 1}).piece("a", compute)
    assert calls == [1]
    assert (first["x"] == second["x"]).all()


def test_an_interrupted_piece_leaves_nothing(tmp_path: Path) -> None:
    work = WorkFolder(tmp_path / "work", {})

    def interrupted() -> dict[str, np.ndarray]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work.piece("a", interrupted)
    assert [p.name for p in work.path.iterdir()] == ["job.json"]


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 torn", b"\x80\x04pickle"])
def test_a_damaged_piece_is_computed_again(tmp_path: Path, damage: bytes) -> None:
    work = WorkFolder(tmp_path / "work", {})
    (work.path / "a.npz").write_bytes(damage)
    assert work.piece("a", lambda: {"x": np.ones(1)})["x"] == 1


def test_the_work_of_another_job_is_refused(tmp_path: Path) -> None:
    WorkFolder(tmp_path / "work", {"ipc": 1}).piece("a", lambda: {"x": np.ones(1)})
    with pytest.raises(EncodeError, match="another job"):
        WorkFolder(tmp_path / "work", {"ipc": 2})


def test_a_job_that_failed_before_its_first_piece_leaves_the_folder_free(tmp_path: Path) -> None:
    WorkFolder(tmp_path / "work", {"prior": "mistyped"})
    work = WorkFolder(tmp_path / "work", {"prior": "tiny"})
    assert work.piece("a", lambda: {"x": np.ones(1)})["x"] == 1


def test_a_folder_that_cannot_be_made_is_our_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(EncodeError, match="work folder"):
        WorkFolder(tmp_path / "file" / "work", {})
