"""Tensors of MTT, DATM, DD-Ranking and the contest, read back with torch."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import ddcodec
from ddcodec.artifact import Artifact
from ddcodec.codecs.mosaic_png import MosaicPng
from ddcodec.container import Box, NewSection, write_container
from ddcodec.encoding.plain_sections import hard_label_sections, seed_sections
from ddcodec.errors import RequestError
from ddcodec.exchange.exporting.datm import learned_rate
from ddcodec.exchange.exporting.statistics import CIFAR, normalisation
from ddcodec.exchange.exporting.tensors import check_has_logits
from ddcodec.recipe.parts import LabelRecipe
from tests.artifacts import encode_small, stored_head
from tests.exchange.exporting.conftest import denormalised, loaded, nats, pictures, shares


@pytest.mark.parametrize("statistics", ["auto", "artifact", "cifar", "imagenet"])
def test_tensors_of_mtt_are_the_normalised_pictures(
    artifact: Artifact, tmp_path: Path, statistics: str
) -> None:
    ddcodec.export(artifact, tmp_path / "out", to="mtt", statistics=statistics)
    images, labels = (loaded(tmp_path / "out" / f"{n}_best.pt") for n in ("images", "labels"))
    assert images.dtype == torch.float32 and images.shape == (12, 3, 16, 16)
    assert labels.dtype == torch.int64 and labels.tolist() == [c for c in range(3) for _ in "1234"]
    said = json.loads((tmp_path / "out" / "ddz.json").read_text())
    assert np.array_equal(denormalised(images, said["mean"], said["std"]), pictures(artifact))


def test_normalisation_has_the_bits_of_torchvision() -> None:
    pixels = np.arange(256, dtype=np.uint8).repeat(3).reshape(1, 16, 16, 3)
    found = torch.from_numpy(CIFAR.apply(pixels))
    # ToTensor, then Normalize, as torchvision.transforms.functional does them.
    tensor = torch.from_numpy(pixels[0].transpose(2, 0, 1)).contiguous().to(torch.float32).div(255)
    mean, std = (
        torch.as_tensor(v, dtype=torch.float32)[:, None, None] for v in (CIFAR.mean, CIFAR.std)
    )
    assert torch.equal(found[0], tensor.sub_(mean).div_(std))


def test_the_statistics_follow_from_the_size_unless_named(artifact: Artifact) -> None:
    recipe = artifact.recipe
    assert normalisation(None, recipe).name == "imagenet"
    assert normalisation("cifar100", recipe).mean == (0.5071, 0.4866, 0.4409)
    with pytest.raises(RequestError, match=r"no statistics 'cifr' \(did you mean 'cifar'"):
        normalisation("cifr", recipe)


@pytest.mark.parametrize(
    ("format", "file"), [("datm", "labels_best.pt"), ("dd-ranking", "soft_labels.pt")]
)
def test_soft_labels_are_the_logits_of_the_images_themselves(
    artifact: Artifact, tmp_path: Path, format: str, file: str
) -> None:
    ddcodec.export(artifact, tmp_path / "out", to=format)
    logits = loaded(tmp_path / "out" / file)
    assert logits.dtype == torch.float32 and np.array_equal(logits, nats(artifact))
    soft = torch.softmax(logits.double() / artifact.recipe.labels.at, dim=1)
    np.testing.assert_allclose(soft, shares(artifact), atol=1e-6)


def test_datm_has_a_learning_rate_and_dd_ranking_hard_labels(
    artifact: Artifact, tmp_path: Path
) -> None:
    ddcodec.export(artifact, tmp_path / "a", to="datm")
    rate = loaded(tmp_path / "a" / "lr_best.pt")
    assert rate.ndim == 0 and float(rate) == pytest.approx(0.01)
    ddcodec.export(artifact, tmp_path / "b", to="dd-ranking")
    assert loaded(tmp_path / "b" / "hard_labels.pt").tolist() == artifact.dataset().targets


@pytest.mark.parametrize(
    ("info", "rate"),
    [
        ({"imported": {"lr": "0.0123"}}, 0.0123),
        ({"imported": {"lr": "nan"}}, None),
        ({"imported": {"lr": "1e99"}}, None),
        ({"imported": {"lr": "-1"}}, None),
        ({"imported": {"lr": "fast"}}, None),
        ({"imported": {"lr": [1]}}, None),
        ({"imported": "lr"}, None),
        ({}, None),
    ],
)
def test_a_rate_that_was_imported_is_given_back(info: dict[str, Any], rate: float | None) -> None:
    assert learned_rate(info) == rate


def test_the_contest_takes_its_sizes_classes_and_ipc_only(tmp_path: Path) -> None:
    made = stored(tmp_path / "a.ddz", [f"c{c:03d}" for c in range(100)], 11)
    with pytest.raises(RequestError, match="takes 10 images per class, not 11"):
        ddcodec.export(made, tmp_path / "out", to="contest")
    ddcodec.export(made, tmp_path / "out", to="contest", ipc=10)
    tensor = loaded(tmp_path / "out" / "cifar100.pt")
    assert tensor.dtype == torch.float32 and tensor.shape == (1000, 3, 32, 32)
    found = denormalised(tensor, [0.5071, 0.4866, 0.4409], [0.2673, 0.2564, 0.2762])
    expected = made.dataset(pixels="uint8", ipc=10).images(range(1000)).numpy()
    assert np.array_equal(found, expected.transpose(0, 2, 3, 1))
    for names, why in (
        ([f"c{c}" for c in range(100)], "in the order of their names, and this artifact has"),
        (
            [f"c{c}" for c in range(10)],
            "cifar100.pt has 100 classes, and this artifact 10: export to mtt",
        ),
    ):
        other = stored(tmp_path / f"{len(names)}.ddz", names)
        with pytest.raises(RequestError, match=why):
            ddcodec.export(other, tmp_path / "new", to="contest")
    assert not (tmp_path / "new").exists()


def stored(out: Path, names: list[str], ipc: int = 1) -> Artifact:
    """Classes of these names x ``ipc`` random pictures of 32 x 32, stored without loss."""
    head = stored_head(len(names), ipc=ipc, views=1)
    head = replace(head, classes=tuple(names), recipe=replace(head.recipe, size=(32, 32)))
    shape = (len(names), ipc, 1, 32, 32, 3)
    patches = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    codec = MosaicPng(32, 32)
    stored = NewSection("patches", codec.spec(), Box(0, len(names), 0, ipc), codec.encode(patches))
    sections = [stored, *seed_sections(head, 7), *hard_label_sections(head)]
    write_container(out, head=head.to_map(), sections=sections)
    return ddcodec.open(out)


def test_layouts_of_logits_refuse_labels_that_have_none(image_folder: Path, tmp_path: Path) -> None:
    with encode_small(image_folder, tmp_path / "hard.ddz", view="none") as hard:
        for format in ("datm", "fkd"):
            with pytest.raises(RequestError, match="labels of this artifact are hard"):
                ddcodec.export(hard, tmp_path / "out", to=format)
        made = ddcodec.export(hard, tmp_path / "out", to="dd-ranking")
        assert "soft_labels.pt" not in made.files


def test_layouts_of_logits_refuse_labels_over_parts_of_the_classes() -> None:
    head = stored_head(3, ipc=1, views=1, origins=((0, 1), (1, 2)))
    soft = replace(head, recipe=replace(head.recipe, labels=LabelRecipe("soft", (4, 1))))
    with pytest.raises(RequestError, match="merged of 2 whose labels range over their own"):
        check_has_logits("datm", soft)


def test_a_tensor_that_is_too_large_is_refused_before_it_is_made(
    artifact: Artifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ddcodec.exchange.exporting.tensors.LARGEST", 4 * 3 * 16 * 16 * 12 - 1)
    with pytest.raises(RequestError, match="export to webdataset or numpy"):
        ddcodec.export(artifact, tmp_path / "out", to="mtt")
    assert list(tmp_path.iterdir()) == []
