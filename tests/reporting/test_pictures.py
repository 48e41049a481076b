from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import ddcodec
from ddcodec.reporting.pictures import ShownRow, class_pictures, shown_rows


def shown(path: Path) -> tuple[ShownRow, ...]:
    with ddcodec.open(path) as artifact:
        return shown_rows(artifact, artifact.renderer(), prior=None, device="cpu")


def test_the_gallery_has_the_first_pictures_of_each_class(artifact_path: Path) -> None:
    with ddcodec.open(artifact_path) as artifact:
        found = class_pictures(artifact, artifact.renderer())
    assert [(row.name, len(row.uris)) for row in found] == [("blue", 3), ("green", 3), ("red", 3)]


def test_hard_labels_show_the_first_row_and_its_views(artifact_path: Path) -> None:
    (row,) = shown(artifact_path)
    assert row.name == "blue, slot 0"
    assert [view.number for view in row.views] == [0, 1]
    assert [(bar.name, bar.share) for bar in row.views[1].bars] == [("blue", 1.0)]


@pytest.fixture(scope="module")
def soft(folders: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Soft labels of a teacher that looks at mean colours, and views that mix."""
    module = torch.nn.Sequential(torch.nn.AvgPool2d(8), torch.nn.Flatten())
    teacher = ddcodec.Teacher.from_module(
        module, ["red", "green", "blue"], [0.0] * 3, [0.1] * 3, size=8
    )
    path = tmp_path_factory.mktemp("soft") / "soft.ddz"
    options = {"method": "random", "ipc": 3, "views": 4, "view": "cutmix"}
    ddcodec.encode(folders / "train", path, teacher=teacher, **options)
    return path


def test_soft_labels_show_the_most_and_the_least_certain(soft: Path) -> None:
    most, least = shown(soft)
    assert (most.why, least.why) == ("the most certain", "the least certain")
    with ddcodec.open(soft) as artifact:
        data = artifact.dataset(pixels="uint8")
        highest = data.probabilities(range(len(data))).max(axis=1)
    assert most.views[0].bars[0].share == pytest.approx(float(highest.max()))
    assert least.views[0].bars[0].share == pytest.approx(float(np.min(highest)))


def test_a_mixed_view_names_its_partner_and_the_partners_share(soft: Path) -> None:
    views = [view for row in shown(soft) for view in row.views]
    assert views[0].partner == ""
    mixed = [view for view in views if view.partner]
    assert mixed
    assert all(0 < view.share < 1 and ", slot " in view.partner for view in mixed)


def test_bars_are_the_likeliest_first(soft: Path) -> None:
    for row in shown(soft):
        for view in row.views:
            shares = [bar.share for bar in view.bars]
            assert shares == sorted(shares, reverse=True)
            assert sum(shares) == pytest.approx(1, abs=1e-5)


def test_stored_patches_are_shown_where_they_are_not_the_picture_itself(
    artifact_path: Path, folders: Path, tmp_path: Path
) -> None:
    (same,) = shown(artifact_path)
    assert (same.stored, same.stored_words) == ((), "")
    collage = tmp_path / "collage.ddz"
    module = torch.nn.Sequential(torch.nn.AvgPool2d(8), torch.nn.Flatten())
    teacher = ddcodec.Teacher.from_module(
        module, ["red", "green", "blue"], [0.0] * 3, [0.1] * 3, size=8
    )
    ddcodec.encode(
        folders / "train",
        collage,
        method="rded",
        ipc=1,
        views=1,
        labels="hard",
        teacher=teacher,
        options={"factor": 2},
    )
    (row,) = shown(collage)
    assert len(row.stored) == 4
    assert row.stored_words == "4 patches of 4 x 4 px, which the picture is laid out of"
