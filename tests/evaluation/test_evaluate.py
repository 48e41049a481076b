from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import ddcodec
from ddcodec.errors import RequestError, SourceError
from ddcodec.evaluation.evaluate import Evaluation, evaluate
from ddcodec.evaluation.protocols import Protocol, get_protocol
from ddcodec.evaluation.testset import TestPictures, find_training
from ddcodec.sources.folder import scan

WritePictures = Callable[..., Path]
QUICK = get_protocol("ddz").with_epochs(12)


def run(
    path: Path, folders: Path, *, seeds: tuple[int, ...] = (0, 1), protocol: Protocol = QUICK
) -> Evaluation:
    with ddcodec.open(path) as artifact:
        test = TestPictures.open(folders / "test").for_artifact(artifact)
        return evaluate(artifact, test, "convnet3", seeds, protocol)


def test_students_learn_from_an_artifact(artifact_path: Path, folders: Path) -> None:
    found = run(artifact_path, folders)
    assert found.mean > 0.8
    assert len(found.accuracies) == 2
    assert found.std == pytest.approx(float(np.std(found.accuracies, ddof=1)))
    assert (found.ipc, found.views, found.classes, found.test_images) == (3, 2, 3, 15)
    assert found.file_len == artifact_path.stat().st_size
    assert found.method == "random"
    assert found.chance == pytest.approx(1 / 3)


def test_every_test_picture_of_every_student_is_counted(artifact_path: Path, folders: Path) -> None:
    found = run(artifact_path, folders)
    assert found.class_names == ("blue", "green", "red")
    assert [sum(row) for row in found.confusion] == [10, 10, 10]
    right = sum(row[c] for c, row in enumerate(found.confusion))
    assert right / 30 == pytest.approx(found.mean)
    assert found.class_accuracies == tuple(row[c] / 10 for c, row in enumerate(found.confusion))
    assert found.to_map()["class_accuracies"] == found.class_accuracies


def test_pictures_of_the_artifact_s_own_source_are_no_test(
    artifact_path: Path, folders: Path
) -> None:
    with ddcodec.open(artifact_path) as artifact:
        own = TestPictures.open(folders / "train").for_artifact(artifact)
        other = TestPictures.open(folders / "test").for_artifact(artifact)
    assert any("those that the artifact was made from" in note for note in own.notes)
    assert other.notes == ()


def test_a_student_that_is_kept_is_not_trained(artifact_path: Path, folders: Path) -> None:
    half = {"confusion": np.array([[5, 0, 0], [5, 0, 0], [0, 2, 3]]), "seconds": np.array(2.5)}
    with ddcodec.open(artifact_path) as artifact:
        test = TestPictures.open(folders / "test").for_artifact(artifact)
        found = evaluate(artifact, test, "convnet3", (0, 1), QUICK, keep=lambda seed, train: half)
    assert found.accuracies == (8 / 15, 8 / 15)
    assert found.seconds == 5


def test_a_subset_counts_its_own_classes(
    artifact_path: Path, folders: Path, tmp_path: Path
) -> None:
    with ddcodec.open(artifact_path) as whole:
        whole.subset(tmp_path / "two.ddz", classes=["blue", "red"]).close()
    found = run(tmp_path / "two.ddz", folders, seeds=(0,), protocol=QUICK.with_epochs(40))
    assert found.class_names == ("blue", "red")
    assert min(found.class_accuracies) > 0.8


def test_the_same_seed_gives_the_same_student(artifact_path: Path, folders: Path) -> None:
    first, again = (run(artifact_path, folders, seeds=(3,)) for _ in range(2))
    assert first.accuracies == again.accuracies
    assert first.std is None


def test_a_subset_is_tested_on_its_own_classes(
    artifact_path: Path, folders: Path, tmp_path: Path
) -> None:
    with ddcodec.open(artifact_path) as whole:
        whole.subset(tmp_path / "two.ddz", classes=["green", "red"]).close()
    found = run(tmp_path / "two.ddz", folders, protocol=QUICK.with_epochs(40))
    assert (found.classes, found.test_images) == (2, 10)
    assert found.mean > 0.8
    assert any("2 of 3 classes" in note for note in found.notes)


def test_test_labels_are_matched_by_name(
    artifact_path: Path, folders: Path, tmp_path: Path
) -> None:
    with ddcodec.open(artifact_path) as whole:
        whole.subset(tmp_path / "one.ddz", classes=["red"]).close()
    with ddcodec.open(tmp_path / "one.ddz") as artifact:
        test = TestPictures.open(folders / "test").for_artifact(artifact)
    assert test.labels.tolist() == [2] * 5
    assert (test.images[..., 0] >= 150).all()


def test_a_class_without_test_pictures_is_refused(
    artifact_path: Path, tmp_path: Path, write_pictures: WritePictures
) -> None:
    folder = TestPictures.open(write_pictures(tmp_path, ("blue", "green"), 1, seed=0))
    with ddcodec.open(artifact_path) as artifact, pytest.raises(SourceError, match="of 'red'"):
        folder.for_artifact(artifact)


def test_a_foreign_test_class_is_refused(
    artifact_path: Path, tmp_path: Path, write_pictures: WritePictures
) -> None:
    folder = TestPictures.open(
        write_pictures(tmp_path, ("blue", "green", "pink", "red"), 1, seed=0)
    )
    with ddcodec.open(artifact_path) as artifact:
        with pytest.raises(RequestError, match="does not name: 'pink'"):
            folder.for_artifact(artifact)
        assert len(folder.for_artifact(artifact, within=("pink",)).labels) == 3


def test_the_test_split_is_found_and_the_training_split_never_taken(
    folders: Path, tmp_path: Path, write_pictures: WritePictures
) -> None:
    assert len(TestPictures.open(folders).source) == 15
    write_pictures(tmp_path / "train", ("blue",), 1, seed=0)
    with pytest.raises(SourceError, match="holds a training split but no test"):
        TestPictures.open(tmp_path)


def test_the_training_folder_beside_the_test_folder_is_found(folders: Path, tmp_path: Path) -> None:
    for test in (folders / "test", folders):
        found = find_training(None, test)
        assert found is not None and found.fingerprint == scan(folders / "train").fingerprint
    assert find_training(None, shutil.copytree(folders / "test", tmp_path / "alone")) is None
    with pytest.raises(SourceError, match="no such folder"):
        find_training(tmp_path / "missing", folders)


def test_no_seed_is_refused(artifact_path: Path, folders: Path) -> None:
    with pytest.raises(RequestError, match="no seeds"):
        run(artifact_path, folders, seeds=())
