"""``ddz decode``: the folder, and going on after an interruption."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Ddz


def test_decode_twice_keeps_the_pictures(ddz: Ddz, artifact: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = ("decode", artifact, "-o", out, "--classes", "blob", "--ipc", 2, "--batch-size", 1)
    first = ddz(*words)
    assert first.code == 0
    assert first.out == f"{out}: 4 pictures, labels.npz, README.md\n"
    second = ddz(*words)
    assert second.out == f"{out}: 4 pictures (4 were there already), labels.npz, README.md\n"


def test_a_folder_with_other_things_is_left_alone(ddz: Ddz, artifact: Path, tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("mine")
    done = ddz("decode", artifact, "-o", tmp_path)
    assert done.code == 1
    assert "choose a new folder" in done.err
    assert [p.name for p in tmp_path.iterdir()] == ["x.txt"]


def test_generated_pictures_say_how_they_were_made(
    ddz: Ddz, generating: Path, tmp_path: Path
) -> None:
    words = ("decode", generating, "-o", tmp_path / "out", "--views", 1)
    assert "README.md, profile w8a15 on back end " in ddz(*words).out
    # Nothing had to be made the second time.
    assert ddz(*words).out.endswith("README.md\n")
