"""``ddz decode``: the folder, and going on after an interruption."""

from __future__ import annotations

import re
from pathlib import Path

import ddcodec
from tests.artifacts import rewritten
from tests.cli.conftest import Ddz


def test_decode_twice_keeps_the_pictures(ddz: Ddz, artifact: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = ("decode", artifact, "-o", out, "--classes", "blob", "--ipc", 2, "--batch-size", 1)
    words += ("--views", "all")
    first = ddz(*words)
    assert first.code == 0
    assert "4 pictures to write\n" in first.err
    assert first.out == f"{out}: 4 pictures, labels.npz, README.md\n"
    second = ddz(*words)
    assert second.out == f"{out}: 4 pictures (4 were there already), labels.npz, README.md\n"


def test_images_are_written_and_their_views_when_asked_for(
    ddz: Ddz, artifact: Path, tmp_path: Path
) -> None:
    few = ("--classes", "blob", "--ipc", 1)
    plain = ddz("decode", artifact, "-o", tmp_path / "plain", *few)
    said = "1 picture to write: of each, the image itself; --views all writes all 2 views\n"
    assert said in plain.err
    assert [p.name for p in (tmp_path / "plain" / "blob").iterdir()] == ["00000_00000.png"]
    ddz("decode", artifact, "-o", tmp_path / "all", *few, "--views", "all")
    assert len(list((tmp_path / "all" / "blob").iterdir())) == 2
    wrong = ddz("decode", artifact, "-o", tmp_path / "no", "--views", "none")
    assert (wrong.code, "'none' is neither a number from 1 nor all" in wrong.err) == (2, True)


def test_a_folder_with_other_things_is_left_alone(ddz: Ddz, artifact: Path, tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("mine")
    done = ddz("decode", artifact, "-o", tmp_path)
    assert done.code == 2
    assert "choose a new folder" in done.err
    assert [p.name for p in tmp_path.iterdir()] == ["x.txt"]


def test_generated_pictures_say_how_they_were_made(
    ddz: Ddz, generating: Path, tmp_path: Path
) -> None:
    words = ("decode", generating, "-o", tmp_path / "out")
    assert "README.md, profile w8a15 on back end " in ddz(*words).out
    # Nothing had to be made the second time.
    assert ddz(*words).out.endswith("README.md\n")


def test_a_dry_run_says_what_would_be_written_and_writes_nothing(
    ddz: Ddz, artifact: Path, generating: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    done = ddz("decode", artifact, "-o", out, "--dry-run")
    assert done.code == 0
    assert re.match(rf"{out}: \d+ pictures, about \d+ kB\nlabels.npz of at most ", done.out)
    assert "prior" not in done.out
    generated = ddz("decode", generating, "-o", out, "--dry-run").out
    assert "prior tiny: in /" in generated
    assert generated.endswith("nothing was written (--dry-run)\n")
    assert not out.exists()


def test_a_dry_run_sees_what_is_there_already(ddz: Ddz, artifact: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = ("decode", artifact, "-o", out, "--classes", "blob", "--ipc", 2, "--views", 2)
    ddz(*words)
    next(out.glob("blob/*.png")).unlink()
    assert f"{out}: 1 picture, about 1 kB, 3 are there already" in ddz(*words, "--dry-run").out
    other = ddz(*words[:4], "--dry-run")
    assert (other.code, "another selection" in other.err) == (2, True)


def test_a_dry_run_says_how_to_come_by_a_prior_that_is_not_here(
    ddz: Ddz, generating: Path, tmp_path: Path
) -> None:
    opened = ddcodec.open(generating)
    head = opened.head.to_map()
    head["prior"] |= {"source": "owner/name", "revision": "0" * 40}
    path = rewritten(opened, tmp_path / "far.ddz", head)
    done = ddz("decode", path, "-o", tmp_path / "out", "--dry-run")
    assert done.code == 0
    assert f"pass --prior owner/name@{'0' * 40} to fetch it" in done.out
