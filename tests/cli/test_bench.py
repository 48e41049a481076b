"""``ddz bench`` on small data."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from ddcodec.benchmark.picture_codings import PictureFiles, StoredPictures
from tests.cli.conftest import Ddz


@pytest.fixture(autouse=True)
def few_codings(monkeypatch: pytest.MonkeyPatch) -> None:
    """AV1 takes seconds."""
    codings = [
        PictureFiles("JPEG files", (15, 90), "JPEG"),
        PictureFiles("PNG files", (), "PNG"),
        StoredPictures("ddz, webp", (15, 90), "webp"),
    ]
    monkeypatch.setattr("ddcodec.benchmark.bench.picture_codings", lambda: codings)


def test_bench_prints_two_tables_that_fit_a_terminal(
    ddz: Ddz, image_folder: Path, teacher_folder: Path
) -> None:
    done = ddz("bench", image_folder, "--ipc", 2, "--views", 3, "--teacher", teacher_folder)
    assert done.code == 0
    assert "3 classes, 36 pictures" in done.err
    lines = done.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0] == "6 pictures of 16x16 pixels, 2 per class; 1 bit per pixel is 32 bytes"
    assert lines[1].split("  ")[-1].strip() == "read/s"
    assert "18 soft labels of teacher: 3 views (crop+flip+cutmix) at temperature 4" in lines
    names = [line[:28].strip() for line in lines]
    for name in ("JPEG files", "ddz, webp", "PNG files", "fp16", "ddz, default"):
        assert name in names


def test_bench_as_json_without_labels(ddz: Ddz, image_folder: Path) -> None:
    done = ddz("bench", image_folder, "--ipc", 1, "--teacher", "none", "--json")
    values = json.loads(done.out)
    assert values["schema"] == "ddcodec.bench/1"
    assert values["labels"] == [] and values["teacher"] is None
    png = next(one for one in values["pictures"] if one["name"] == "PNG files")
    assert png["points"][0]["psnr"] is None and not png["ours"]


def test_too_many_pictures_are_a_clear_error(ddz: Ddz, image_folder: Path) -> None:
    done = ddz("bench", image_folder, "--ipc", 13, "--teacher", "none")
    assert done.code == 1
    assert "12 images, fewer than --ipc 13" in done.err


def test_a_teacher_of_other_classes_is_refused_before_anything_is_measured(
    ddz: Ddz, image_folder: Path, teacher_folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(image_folder / "train" / "blob", tmp_path / "cat")
    shutil.copytree(image_folder / "train" / "cross", tmp_path / "dog")
    done = ddz("bench", tmp_path, "--ipc", 1, "--teacher", teacher_folder)
    assert done.code == 1 and done.out == ""
    assert "does not know 'cat', 'dog'" in done.err
