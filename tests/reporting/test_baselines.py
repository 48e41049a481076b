from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import ddcodec
from ddcodec.errors import SourceError
from ddcodec.methods.work import WorkFolder
from ddcodec.reporting import baselines
from ddcodec.reporting.baselines import make_baselines
from ddcodec.reporting.pool import Pool
from ddcodec.sources.folder import scan


def test_baselines_are_artifacts_of_the_same_classes_and_views(
    artifact_path: Path, folders: Path, tmp_path: Path
) -> None:
    with ddcodec.open(artifact_path) as artifact:
        same_ipc, same_bytes = make_baselines(
            artifact, scan(folders / "train"), tmp_path, WorkFolder()
        )
        assert same_ipc.path is not None
        assert same_bytes.path is not None
        with ddcodec.open(same_ipc.path) as rival:
            assert (rival.classes, rival.recipe.ipc) == (artifact.classes, 3)
            assert rival.recipe.view == artifact.recipe.view
            assert rival.recipe.labels.kind == "hard"


def test_the_same_bytes_baseline_is_the_largest_that_fits(
    artifact_path: Path, folders: Path, tmp_path: Path
) -> None:
    with ddcodec.open(artifact_path) as artifact:
        _, found = make_baselines(artifact, scan(folders / "train"), tmp_path, WorkFolder())
        assert found.path is not None
        with ddcodec.open(found.path) as rival:
            assert rival.file_len <= artifact.file_len
            ipc = rival.recipe.ipc
            assert found.name.endswith(f"(IPC {ipc})")
        larger = tmp_path / "larger.ddz"
        pool = Pool(artifact, scan(folders / "train"))
        pool.encode(ipc + 1, larger, labels="hard")
        assert larger.stat().st_size > artifact.file_len


def test_what_fits_the_same_bytes_is_searched_once(
    artifact_path: Path, folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = scan(folders / "train")
    with ddcodec.open(artifact_path) as artifact, WorkFolder.held(tmp_path / "kept", {}) as kept:
        _, first = make_baselines(artifact, source, tmp_path / "first", kept)
        monkeypatch.setattr(baselines, "_largest", lambda *_: pytest.fail("searched again"))
        _, again = make_baselines(artifact, source, tmp_path / "again", kept)
    assert first.name == again.name
    assert first.path is not None and again.path is not None
    assert first.path.read_bytes() == again.path.read_bytes()


def test_baselines_that_cannot_be_made_say_why(
    folders: Path, tmp_path: Path, write_pictures: Callable[..., Path]
) -> None:
    few = write_pictures(tmp_path / "few", ("blue", "green", "red"), 2, seed=3)
    ddcodec.encode(
        folders / "train", tmp_path / "four.ddz", method="random", ipc=4, views=1, labels="hard"
    )
    with ddcodec.open(tmp_path / "four.ddz") as artifact:
        same_ipc, _ = make_baselines(artifact, scan(few), tmp_path / "work", WorkFolder())
    assert same_ipc.path is None
    assert same_ipc.why == "a class has only 2 training pictures"


def test_a_training_folder_of_other_classes_is_refused(
    artifact_path: Path, tmp_path: Path, write_pictures: Callable[..., Path]
) -> None:
    other = write_pictures(tmp_path / "other", ("blue", "pink"), 2, seed=3)
    with ddcodec.open(artifact_path) as artifact, pytest.raises(SourceError, match="lack 'green'"):
        make_baselines(artifact, scan(other), tmp_path / "work", WorkFolder())
