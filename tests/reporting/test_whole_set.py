from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import ddcodec
from ddcodec.errors import RequestError
from ddcodec.reporting.whole_set import check_whole_set, epochs_on, write_whole_set
from ddcodec.sources.folder import scan


def test_the_whole_set_has_every_pixel_and_the_bytes_of_its_files(
    artifact_path: Path, folders: Path, tmp_path: Path
) -> None:
    source = scan(folders / "train")
    with ddcodec.open(artifact_path) as artifact:
        made = write_whole_set(artifact, source, tmp_path)
    assert made.pictures == 36
    assert made.file_len == sum(path.stat().st_size for path in folders.glob("train/*/*"))
    with ddcodec.open(made.path) as whole:
        assert (whole.recipe.ipc, whole.recipe.views, whole.recipe.labels.kind) == (12, 2, "hard")
        stored = {picture.tobytes() for picture in whole.renderer().pictures(whole.dataset().rows)}
    assert stored == {source.read(c, i, None)[0].tobytes() for c in range(3) for i in range(12)}


def test_classes_of_unequal_size_are_said_to_be_cut(
    artifact_path: Path, tmp_path: Path, write_pictures: Callable[..., Path]
) -> None:
    write_pictures(tmp_path / "train", ("blue", "green"), 5, seed=1)
    write_pictures(tmp_path / "train", ("red",), 4, seed=2)
    with ddcodec.open(artifact_path) as artifact:
        made = write_whole_set(artifact, scan(tmp_path / "train"), tmp_path / "out")
    assert made.pictures == 12
    assert "of the whole training set's 14 pictures students are shown 12" in made.notes[-1]


def test_epochs_show_as_many_pictures_as_the_largest_artifact_and_at_least_all_once() -> None:
    assert epochs_on(50_000, "equal", [30_000, 149_000]) == 3
    assert epochs_on(50_000, "equal", [300]) == 1
    assert epochs_on(50_000, 10, [300]) == 10


@pytest.mark.parametrize("asked", [0, -1, True, "all"])
def test_what_is_no_number_of_epochs_is_refused(asked: object) -> None:
    with pytest.raises(RequestError, match="give a number of epochs from 1, or equal"):
        check_whole_set(asked)
