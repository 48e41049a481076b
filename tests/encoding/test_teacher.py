"""ddcodec.teacher: from a folder of pictures to a teacher, and back from its folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import ddcodec
from ddcodec.classifiers.store import load_teacher
from ddcodec.errors import RequestError
from ddcodec.files.sealed import Checkpoint


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


def test_an_interrupted_training_goes_on_and_refuses_to_be_another(
    image_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    defaults = Checkpoint.__init__.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "every", 0.0)

    def stop(what: str, done: int, total: int) -> None:
        if what == "teacher" and done == 3:
            raise KeyboardInterrupt

    out = tmp_path / "t"
    with pytest.raises(KeyboardInterrupt):
        ddcodec.teacher(image_folder, out, steps=4, progress=stop)
    with pytest.raises(
        RequestError, match=r"another job \(arch changed .*, seed changed from 0 to"
    ):
        ddcodec.teacher(image_folder, out, steps=4, seed=1, arch="convnet4", size=32)
    seen: list[int] = []
    made = ddcodec.teacher(
        image_folder, out, steps=4, progress=lambda w, d, _: w == "teacher" and seen.append(d)
    )
    assert seen == [4]
    assert made.digest == ddcodec.teacher(image_folder, steps=4).digest
    assert [p.name for p in tmp_path.iterdir()] == ["t"]


def test_a_teacher_that_cannot_be_built_leaves_nothing(image_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="convnet9"):
        ddcodec.teacher(image_folder, tmp_path / "t", arch="convnet9")
    assert list(tmp_path.iterdir()) == []
