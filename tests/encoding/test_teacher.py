"""ddcodec.teacher: from a folder of pictures to a teacher, and back from its folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import ddcodec
from ddcodec.classifiers.store import load_teacher
from ddcodec.errors import RequestError


def test_it_is_returned_and_saved(image_folder: Path, tmp_path: Path) -> None:
    seen: set[str] = set()
    made = ddcodec.teacher(
        image_folder, tmp_path / "t", steps=2, progress=lambda what, *_: seen.add(what)
    )
    assert load_teacher(tmp_path / "t", made.classes).digest == made.digest
    assert {"pictures", "teacher"} <= seen
    with pytest.raises(RequestError, match="exists already"):
        ddcodec.teacher(image_folder, tmp_path / "t", steps=2)


def test_what_of_the_pictures_was_left_out_is_a_warning(image_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(image_folder / "train", tmp_path / "photos")
    (tmp_path / "photos" / "blob" / "notes.txt").write_text("not a picture")
    with pytest.warns(UserWarning, match="1 file ignored"):
        ddcodec.teacher(tmp_path / "photos", steps=2)
