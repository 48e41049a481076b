"""``ddz`` with artifacts whose labels a stored teacher computes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import ddcodec
from ddcodec.cli.app import run
from ddcodec.reporting.ablation import variants_of
from ddcodec.reporting.collect import sheet_of
from tests.cli.conftest import Ddz


@pytest.fixture(scope="module")
def stored(
    image_folder: Path, teacher_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    path = tmp_path_factory.mktemp("stored") / "teacher.ddz"
    words = ["encode", image_folder, "--method", "random", "--ipc", 2, "--views", 2, "-o", path]
    words += ["--labels", "teacher", "--teacher-bits", 4, "--teacher", teacher_folder]
    assert run([str(word) for word in words]) == 0
    return path


def test_inspect_says_where_the_labels_come_from(ddz: Ddz, stored: Path) -> None:
    told = ddz("inspect", stored).out
    assert "labels          computed by a stored teacher, convnet3 at 4 bits," in told
    assert "it pays from" in told and "this table has 12" in told
    assert "teacher (teacher-weights v1)" in told
    (found,) = json.loads(ddz("inspect", stored, "--json").out)["stored_teachers"]
    assert found["arch"] == "convnet3" and found["break_even_labels"] == found["stored"] + 1


def test_decode_writes_the_labels_it_computes(ddz: Ddz, stored: Path, tmp_path: Path) -> None:
    assert ddz("decode", stored, "-o", tmp_path / "out", "--views", "all").code == 0
    with np.load(tmp_path / "out" / "labels.npz") as written:
        labels = written["labels"]
    assert labels.shape == (12, 3)
    data = ddcodec.open(stored).dataset()
    assert np.array_equal(labels[::2], data.probabilities(range(6)))
    assert "teacher probabilities" in (tmp_path / "out" / "README.md").read_text()


def test_the_report_says_so_too(stored: Path) -> None:
    facts = {fact.name: fact.value for fact in sheet_of(ddcodec.open(stored)).facts}
    assert facts["labels"].startswith("computed by a stored teacher, convnet3 at 4 bits")
    assert "; for training at temperature 4, " in facts["labels"]
    assert facts["labels"].endswith(" nats from the teacher's")


def test_a_report_can_leave_the_stored_teacher_out(stored: Path, tmp_path: Path) -> None:
    with ddcodec.open(stored) as artifact:
        variants = list(variants_of(artifact, tmp_path))
        assert [one.without for one in variants] == [
            "stored teacher",
            "views",
            "stored teacher and views",
        ]
        with ddcodec.open(variants[0].path) as hard:
            hard.verify()
            assert hard.recipe.labels.kind == "hard"
            assert hard.file_len < artifact.file_len - 1000
