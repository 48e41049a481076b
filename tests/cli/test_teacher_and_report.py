"""``ddz teacher`` and ``ddz report`` on small data."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Ddz


def test_a_teacher_labels_an_encode(ddz: Ddz, image_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "teacher"
    done = ddz("teacher", image_folder, "-o", out, "--steps", 3)
    assert done.code == 0
    assert "3 classes, 36 pictures" in done.err and "blob 12" in done.err
    assert done.out.splitlines()[0] == f"{out}: convnet3 for 3 classes of 16x16 px"
    assert "of 3 pictures that it was not trained on" in done.out
    assert {p.name for p in out.iterdir()} == {"config.json", "model.safetensors"}
    again = ddz("teacher", image_folder, "-o", out, "--steps", 3)
    assert again.code == 2 and "exists already" in again.err
    words = ("--method", "random", "--teacher", out, "--ipc", 2, "--views", 2)
    made = ddz("encode", image_folder, *words, "-o", tmp_path / "x.ddz")
    assert made.code == 0
    assert "the teacher is right about" in made.out
    shown = ddz("inspect", tmp_path / "x.ddz")
    assert "labels          soft: " in shown.out
    assert "├─ labels" in shown.out and "means and basis (label-model v1)" in shown.out


def test_report_prints_a_table_and_writes_a_page(
    ddz: Ddz, artifact: Path, image_folder: Path, tmp_path: Path
) -> None:
    page = tmp_path / "report.html"
    words = ("report", artifact, "--test", image_folder / "test", "--seeds", 2, "--epochs", 1)
    words = (*words, "--baseline", "none", "--student", "convnet3", "-o", page)
    done = ddz(*words)
    assert done.code == 0
    assert artifact.name in done.out and "±" in done.out
    assert page.read_text(encoding="utf-8").lstrip().lower().startswith("<!doctype html>")
    assert json.loads(page.with_suffix(".json").read_text(encoding="utf-8"))["evaluations"]
    assert ddz(*words).code == 2  # never overwritten without --force
    page.unlink()
    assert "report.json exists" in ddz(*words).err
    values = json.loads(ddz(*words, "--force", "--json").out)
    assert values["schema"].startswith("ddcodec.report/")
    assert len(values["evaluations"][0]["accuracies"]) == 2


def test_report_measures_the_whole_set_and_the_parts(
    ddz: Ddz, artifact: Path, image_folder: Path, tmp_path: Path
) -> None:
    words = ("report", artifact, "--test", image_folder / "test", "--seeds", 1, "--epochs", 1)
    words = (*words, "--baseline", "none", "--whole-set", "equal", "--ablation", "--published")
    done = ddz(*words, "none", "-o", tmp_path / "r.html")
    assert done.code == 0
    assert "the whole training set, hard labels" in done.out
    assert f"bought by views of {artifact.name}" in done.out


def test_a_whole_set_of_no_epochs_is_refused(
    ddz: Ddz, artifact: Path, image_folder: Path, tmp_path: Path
) -> None:
    done = ddz("report", artifact, "--test", image_folder, "--whole-set", "some")
    assert done.code == 2
    assert "'some' is neither a number of epochs from 1 nor equal" in done.err


def test_no_test_folder_is_a_clear_error(ddz: Ddz, artifact: Path, tmp_path: Path) -> None:
    done = ddz("report", artifact, "--test", tmp_path / "none", "-o", tmp_path / "r.html")
    assert done.code == 2
    assert done.err.startswith("error[source]: no such folder")
