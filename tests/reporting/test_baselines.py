from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import ddcodec
from ddcodec.errors import SourceError
from ddcodec.reporting.baselines import make_baselines


def test_baselines_are_artifacts_of_the_same_classes_and_views(
    artifact_path: Path, folders: Path, tmp_path: Path
) -> None:
    with ddcodec.open(artifact_path) as artifact:
        same_ipc, same_bytes = make_baselines(artifact, folders / "train", tmp_path)
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
        _, found = make_baselines(artifact, folders / "train", tmp_path)
        assert found.path is not None
        with ddcodec.open(found.path) as rival:
            assert rival.file_len <= artifact.file_len
            ipc = rival.recipe.ipc
            assert found.name.endswith(f"(IPC {ipc})")
        larger = tmp_path / "larger.ddz"
        ddcodec.encode(
            tmp_path / "pool",
            larger,
            method="random",
            ipc=ipc + 1,
            views=2,
            labels="hard",
            view="crop",
        )
        assert larger.stat().st_size > artifact.file_len


def test_baselines_that_cannot_be_made_say_why(
    folders: Path, tmp_path: Path, write_pictures: Callable[..., Path]
) -> None:
    few = write_pictures(tmp_path / "few", ("blue", "green", "red"), 2, seed=3)
    ddcodec.encode(
        folders / "train", tmp_path / "four.ddz", method="random", ipc=4, views=1, labels="hard"
    )
    with ddcodec.open(tmp_path / "four.ddz") as artifact:
        same_ipc, _ = make_baselines(artifact, few, tmp_path / "work")
    assert same_ipc.path is None
    assert same_ipc.why == "a class has only 2 training pictures"


def test_a_training_folder_of_other_classes_is_refused(
    artifact_path: Path, tmp_path: Path, write_pictures: Callable[..., Path]
) -> None:
    other = write_pictures(tmp_path / "other", ("blue", "pink"), 2, seed=3)
    with ddcodec.open(artifact_path) as artifact, pytest.raises(SourceError, match="lacks 'green'"):
        make_baselines(artifact, other, tmp_path / "work")
