"""Fresh views with smoothed hard labels: what HALD shows between two phases of soft labels."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import ddcodec
from ddcodec.evaluation.evaluate import evaluate
from ddcodec.evaluation.protocols import get_protocol
from ddcodec.evaluation.shown import FreeViews
from ddcodec.evaluation.testset import TestPictures


@pytest.fixture
def free(artifact_path: Path) -> FreeViews:
    return FreeViews(ddcodec.open(artifact_path).dataset(pixels="uint8"), smoothing=0.75)


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_labels_are_smoothed_classes(free: FreeViews) -> None:
    images, labels = free.epoch(0, generator())
    assert images.shape == (9, 3, 8, 8)
    assert images.dtype == torch.uint8
    assert labels[::3].tolist() == [[0.5, 0.25, 0.25], [0.25, 0.5, 0.25], [0.25, 0.25, 0.5]]


def test_every_epoch_crops_anew(free: FreeViews, artifact_path: Path) -> None:
    draws = generator()
    first, second = (free.epoch(0, draws)[0] for _ in range(2))
    assert not torch.equal(first, second)
    assert torch.equal(first, free.epoch(0, generator())[0])
    # No colour is new: a crop shows pixels of its own picture.
    plain = ddcodec.open(artifact_path).dataset(pixels="uint8").images(range(9))
    for crop, picture in zip(first, plain, strict=True):
        known = {tuple(p) for p in picture.flatten(1).T.tolist()}
        assert {tuple(p) for p in crop.flatten(1).T.tolist()} <= known


def test_a_label_is_mixed_as_its_picture_is() -> None:
    images = torch.arange(4, dtype=torch.uint8).view(4, 1, 1, 1).expand(4, 3, 10, 10)
    mixed = 0
    draws = generator()
    for _ in range(8):
        shown, labels = FreeViews.mixed(images, torch.eye(4), draws)
        for picture, label in zip(shown, labels, strict=True):
            shares = torch.bincount(picture[0].flatten().long(), minlength=4) / 100
            torch.testing.assert_close(shares, label)
            mixed += int(len(picture.unique()) > 1)
    assert mixed > 8


def test_students_learn_by_protocol_hald(artifact_path: Path, folders: Path) -> None:
    protocol = get_protocol("hald").with_epochs(24)
    with ddcodec.open(artifact_path) as artifact:
        test = TestPictures.open(folders / "test").for_artifact(artifact)
        found = evaluate(artifact, test, "convnet3", [0], protocol)
    assert found.mean > 0.8
    assert found.protocol == "hald"
