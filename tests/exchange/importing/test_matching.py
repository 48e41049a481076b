"""MTT's tensors and those of its kin: which set is taken, and what it becomes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import ddcodec
from ddcodec.arrays import UInt8s
from ddcodec.errors import RequestError, SourceError
from tests.exchange.importing.neighbours import (
    class_major,
    datm,
    ddif,
    mtt,
    normalised,
    pixels,
    planar,
)

IMAGES = pixels(20)
LABELS = class_major(10, 2)


def shown(path: Path) -> UInt8s:
    """uint8 [n, h, w, 3]: what a reader shows, by class and slot."""
    with ddcodec.open(path) as artifact:
        data = artifact.dataset(pixels="uint8")
        return data.images(range(len(data))).numpy().transpose(0, 2, 3, 1)


def test_pixels_of_mtt_are_as_before_normalisation(tmp_path: Path) -> None:
    source = mtt(tmp_path / "run", normalised(IMAGES), LABELS)
    made = ddcodec.import_artifact(source, tmp_path / "a.ddz", classes="cifar10")
    assert (made.format, made.ipc, made.labels) == ("mtt", 2, "hard")
    assert (made.normalisation, made.clipped, made.warnings) == ("cifar10", 0, ())
    np.testing.assert_array_equal(shown(tmp_path / "a.ddz"), IMAGES)


def test_the_header_says_where_pictures_come_from(tmp_path: Path) -> None:
    source = mtt(tmp_path / "run", normalised(IMAGES) * 1.2, LABELS)
    made = ddcodec.import_artifact(source, tmp_path / "a.ddz", classes="cifar10")
    with ddcodec.open(tmp_path / "a.ddz") as artifact:
        said = artifact.info["imported"]
        statistics = artifact.recipe.evaluation
    assert said["format"] == "mtt" and said["normalisation"] == "cifar10"
    assert said["clipped"] == made.clipped > 0
    assert said["psnr"] == f"{made.psnr:.2f}"
    assert "outside of a pixel's range" in made.warnings[0]
    assert statistics.std == (13258, 13068, 13173)


def test_students_are_given_the_statistics_of_mtt_for_cifar100(tmp_path: Path) -> None:
    source = mtt(tmp_path / "run", normalised(pixels(100)), class_major(100, 1))
    made = ddcodec.import_artifact(source, tmp_path / "a.ddz", classes="cifar100")
    assert made.normalisation == "cifar10"  # as its code has it


def test_best_is_taken_before_the_last_iteration(tmp_path: Path) -> None:
    others = normalised(pixels(20, seed=1))
    mtt(tmp_path / "run", others, LABELS, "5000")
    mtt(tmp_path / "run", others, LABELS, "10000")
    made = ddcodec.import_artifact(tmp_path / "run", tmp_path / "a.ddz", classes="cifar10")
    assert made.files == ("images_10000.pt", "labels_10000.pt")
    mtt(tmp_path / "run", normalised(IMAGES), LABELS)
    made = ddcodec.import_artifact(tmp_path / "run", tmp_path / "b.ddz", classes="cifar10")
    assert made.files == ("images_best.pt", "labels_best.pt")
    made = ddcodec.import_artifact(
        tmp_path / "run", tmp_path / "c.ddz", classes="cifar10", which="5000"
    )
    assert made.files == ("images_5000.pt", "labels_5000.pt")
    with pytest.raises(RequestError, match="it has 10000, 5000, best"):
        ddcodec.import_artifact(tmp_path / "run", tmp_path / "d.ddz", which="7")


def test_one_file_of_a_folder_can_be_given(tmp_path: Path) -> None:
    source = mtt(tmp_path / "run", normalised(IMAGES), LABELS, "300")
    mtt(tmp_path / "run", normalised(IMAGES), LABELS, "best")
    made = ddcodec.import_artifact(source / "images_300.pt", tmp_path / "a.ddz", classes="cifar10")
    assert made.files == ("images_300.pt", "labels_300.pt")


def test_of_whitened_pictures_those_in_pixels_are_taken(tmp_path: Path) -> None:
    source = mtt(tmp_path / "run", torch.randn(20, 3, 8, 8), LABELS)
    torch.save(planar(IMAGES), source / "images_zca_best.pt")
    made = ddcodec.import_artifact(source, tmp_path / "a.ddz", classes="cifar10")
    assert made.files[0] == "images_zca_best.pt" and made.normalisation == "none"
    np.testing.assert_array_equal(shown(tmp_path / "a.ddz"), IMAGES)


def test_whitened_pictures_without_what_undoes_it_are_refused(tmp_path: Path) -> None:
    source = mtt(tmp_path / "run", torch.randn(20, 3, 8, 8), LABELS, "50")
    torch.save(planar(IMAGES), source / "images_zca_100.pt")
    with pytest.raises(RequestError, match="ZCA-whitened, and what undoes it is not saved"):
        ddcodec.import_artifact(source, tmp_path / "a.ddz", classes="cifar10")
    assert not (tmp_path / "a.ddz").exists()


def test_a_whitening_is_undone_by_its_matrix(tmp_path: Path) -> None:
    flat = planar(IMAGES).reshape(20, -1)
    mean = flat.mean(dim=0)
    inverse = torch.eye(192) * 0.5
    source = mtt(tmp_path / "run", ((flat - mean) / 0.5).reshape(20, 3, 8, 8), LABELS)
    torch.save({"mean_vector": mean[None], "transform_inv": inverse}, tmp_path / "zca.pt")
    np.savez(tmp_path / "zca.npz", mean=mean.numpy(), inverse=inverse.numpy())
    for file in ("zca.pt", "zca.npz"):
        ddcodec.import_artifact(
            source, tmp_path / f"{file}.ddz", classes="cifar10", zca=str(tmp_path / file)
        )
        np.testing.assert_array_equal(shown(tmp_path / f"{file}.ddz"), IMAGES)


def test_labels_of_datm_come_back_within_the_stated_divergence(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    logits = torch.from_numpy(rng.normal(size=(20, 10)).astype(np.float32))
    logits += 6 * torch.nn.functional.one_hot(LABELS, 10)
    source = datm(tmp_path / "run", normalised(IMAGES), logits, 0.0123, "best")
    made = ddcodec.import_artifact(source, tmp_path / "a.ddz", classes="cifar10")
    assert (made.format, made.labels, made.recipe) == ("datm", "source", {"lr": "0.0123"})
    with ddcodec.open(tmp_path / "a.ddz") as artifact:
        found = np.asarray(artifact.dataset().probabilities(range(20)), np.float64)
        assert artifact.info["imported"]["lr"] == "0.0123"
        assert artifact.recipe.labels.temperature == (1, 1) and artifact.recipe.views == 1
    true = torch.softmax(logits.double(), dim=1).numpy()
    divergence = (true * np.log(true / found)).sum(axis=1).mean()
    assert made.divergence == pytest.approx(divergence, abs=2e-4)
    assert 0 < divergence < 0.05


def test_labels_of_datm_can_be_kept_without_loss(tmp_path: Path) -> None:
    logits = 4 * torch.nn.functional.one_hot(LABELS, 10) + torch.rand(20, 10)
    source = datm(tmp_path / "run", normalised(IMAGES), logits, 0.01, "best")
    made = ddcodec.import_artifact(
        source, tmp_path / "a.ddz", classes="cifar10", label_layers="lossless"
    )
    assert made.divergence == 0
    with ddcodec.open(tmp_path / "a.ddz") as artifact:
        found = np.asarray(artifact.dataset().probabilities(range(20)))
    np.testing.assert_allclose(found, torch.softmax(logits, dim=1).numpy(), atol=0.01)


def test_soft_labels_can_be_left_for_hard_ones(tmp_path: Path) -> None:
    logits = 4.0 * torch.nn.functional.one_hot(LABELS, 10)
    source = datm(tmp_path / "run", normalised(IMAGES), logits, 0.01, "best")
    made = ddcodec.import_artifact(source, tmp_path / "a.ddz", classes="cifar10", labels="hard")
    assert (made.labels, made.divergence) == ("hard", None)


def test_labels_of_the_source_are_of_one_view(tmp_path: Path) -> None:
    logits = 4.0 * torch.nn.functional.one_hot(LABELS, 10)
    source = datm(tmp_path / "run", normalised(IMAGES), logits, 0.01, "best")
    with pytest.raises(RequestError, match="views=30 is not possible with labels of the source"):
        ddcodec.import_artifact(source, tmp_path / "a.ddz", classes="cifar10", views=30)


def test_decoded_pictures_of_ddif_are_taken_and_labels_of_its_fields(tmp_path: Path) -> None:
    source = ddif(tmp_path / "run", normalised(IMAGES), LABELS, 0.5)
    made = ddcodec.import_artifact(source, tmp_path / "a.ddz", classes="cifar10")
    assert (made.format, made.recipe["lr"]) == ("ddif", "0.5")
    assert "DDiF's fields are left aside" in made.warnings[0]
    np.testing.assert_array_equal(shown(tmp_path / "a.ddz"), IMAGES)


def test_the_least_error_of_dd_ruo_is_taken_and_its_pool_is_not_read(tmp_path: Path) -> None:
    mtt(tmp_path / "run", normalised(pixels(20, seed=2)), LABELS, "0.0021")
    mtt(tmp_path / "run", normalised(IMAGES), LABELS, "0.0009")
    (tmp_path / "run" / "pool.pt").write_bytes(b"of classes of its own")
    made = ddcodec.import_artifact(tmp_path / "run", tmp_path / "a.ddz", classes="cifar10")
    assert (made.format, made.files[0]) == ("dd-ruo", "images_0.0009.pt")


def test_two_formats_that_fit_are_told_apart_by_the_user(tmp_path: Path) -> None:
    logits = 4.0 * torch.nn.functional.one_hot(LABELS, 10)
    source = datm(tmp_path / "run", normalised(pixels(20, seed=1)), logits, 0.01, "best")
    mtt(source, normalised(IMAGES), LABELS)
    with pytest.raises(RequestError, match=r"format='mtt' for images_best.*; format='datm' for N"):
        ddcodec.import_artifact(source, tmp_path / "a.ddz", classes="cifar10")
    ddcodec.import_artifact(source, tmp_path / "a.ddz", classes="cifar10", format="mtt")
    np.testing.assert_array_equal(shown(tmp_path / "a.ddz"), IMAGES)


def test_a_format_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    source = mtt(tmp_path / "run", normalised(IMAGES), LABELS)
    with pytest.raises(SourceError, match="is not of format idc"):
        ddcodec.import_artifact(source, tmp_path / "a.ddz", format="idc")


def test_an_export_of_ours_names_classes_and_statistics(tmp_path: Path) -> None:
    """Written as `ddz export --to mtt` does, with its sidecar."""
    mean, std = (0.5, 0.25, 0.125), (0.5, 0.5, 0.25)
    source = mtt(tmp_path / "run", normalised(IMAGES, mean, std), LABELS)
    values = {
        "schema": "ddcodec.exported/1",
        "digest": "ab",
        "classes": [*"jihgfedcba"],
        "label_kind": "hard",
        "temperature": 1.0,
        "statistics": "artifact",
        "mean": mean,
        "std": std,
    }
    (source / "ddz.json").write_text(json.dumps(values), "utf-8")
    made = ddcodec.import_artifact(source, tmp_path / "a.ddz")
    assert made.classes == (*"jihgfedcba",) and made.normalisation == "artifact"
    np.testing.assert_array_equal(shown(tmp_path / "a.ddz"), IMAGES)
