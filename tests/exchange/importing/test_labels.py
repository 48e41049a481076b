"""Labels of tensors: as many of each class, logits or probabilities, and traps in both."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import ddcodec
from ddcodec.errors import RequestError, SourceError
from tests.exchange.importing.neighbours import class_major, mtt, normalised, pixels
from tests.exchange.importing.test_matching import shown

IMAGES, LABELS = pixels(20), class_major(10, 2)
LOGITS = 5.0 * torch.nn.functional.one_hot(LABELS, 10)


def imported(tmp_path: Path, labels: torch.Tensor, **options: object) -> ddcodec.ImportResult:
    source = mtt(tmp_path / "run", normalised(pixels(len(labels))), labels)
    options = {"classes": "cifar10", **options}
    return ddcodec.import_artifact(source, tmp_path / "a.ddz", **options)  # type: ignore[arg-type]


def test_pictures_of_any_order_are_put_to_their_class(tmp_path: Path) -> None:
    order = torch.randperm(20, generator=torch.Generator().manual_seed(1))
    imported(tmp_path, LABELS[order])
    rows = np.argsort(LABELS[order].numpy(), kind="stable")
    np.testing.assert_array_equal(shown(tmp_path / "a.ddz"), IMAGES[rows])


def test_labels_of_more_classes_than_an_order_has_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="has 10 classes, and the labels 11"):
        imported(tmp_path, torch.cat([LABELS, torch.tensor([10, 10])]))
    with pytest.raises(SourceError, match=r"1 labels outside 0..9, -1 first"):
        imported(tmp_path, torch.cat([torch.tensor([-1]), LABELS[1:]]))


def test_classes_of_different_size_are_refused_or_cut(tmp_path: Path) -> None:
    labels = torch.cat([LABELS, torch.tensor([3])])
    with pytest.raises(RequestError, match=r"class 'cat' has 3 images and .*'airplane' 2.*ipc=2"):
        imported(tmp_path, labels)
    assert imported(tmp_path, labels, ipc=2).ipc == 2
    with pytest.raises(RequestError, match="ipc=3 is more than the 2 images"):
        imported(tmp_path, labels, ipc=3)


def test_the_first_images_of_each_class_can_be_taken(tmp_path: Path) -> None:
    made = imported(tmp_path, LABELS, ipc=1)
    assert made.ipc == 1 and made.values == 10 * 3 * 64
    np.testing.assert_array_equal(shown(tmp_path / "a.ddz"), IMAGES[::2])


def test_rows_that_do_not_divide_by_classes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="19 pictures with labels over 10 classes are not as man"):
        imported(tmp_path, LOGITS[:19])


def test_rows_of_another_order_than_their_pictures_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="18 of 20 labels are highest for another class"):
        imported(tmp_path, LOGITS.reshape(10, 2, 10).transpose(0, 1).reshape(20, 10))


def test_a_few_rows_that_are_highest_elsewhere_are_said(tmp_path: Path) -> None:
    rows = LOGITS.clone()
    rows[3] = rows[7]
    assert "1 of 20 labels are highest for another class" in imported(tmp_path, rows).warnings[0]


def test_probabilities_are_asked_about_and_then_logarithms_taken(tmp_path: Path) -> None:
    rows = torch.softmax(LOGITS, dim=1)
    with pytest.raises(RequestError, match="label_values='probabilities' or label_values='logits'"):
        imported(tmp_path, rows)
    imported(tmp_path, rows, label_values="probabilities", label_layers="lossless")
    with ddcodec.open(tmp_path / "a.ddz") as artifact:
        found = np.asarray(artifact.dataset().probabilities(range(20)))
    np.testing.assert_allclose(found, rows.numpy(), atol=0.01)


def test_logits_are_no_probabilities(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="or do not add up to 1: they are logits"):
        imported(tmp_path, LOGITS, label_values="probabilities")


def test_labels_that_are_no_numbers_or_far_apart_are_refused(tmp_path: Path) -> None:
    rows = LOGITS.clone()
    rows[4, 2] = float("nan")
    with pytest.raises(SourceError, match="the label of picture 4 holds values that are no numb"):
        imported(tmp_path, rows)
    rows[4, 2] = 2000
    with pytest.raises(SourceError, match="1800 nats from their mean"):
        imported(tmp_path, rows)


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([0, 1], r"labels_best\.pt is a list"),
        (torch.zeros(20, 10, dtype=torch.long), "labels are whole numbers"),
        (torch.zeros(20).to_sparse(), "no plain tensor"),
        (torch.zeros(1, dtype=torch.long).expand(1 << 40), "claims more values than its file"),
    ],
)
def test_labels_of_another_form_are_refused(labels: object, said: str, tmp_path: Path) -> None:
    source = mtt(tmp_path / "run", normalised(IMAGES), LABELS)
    torch.save(labels, source / "labels_best.pt")
    with pytest.raises(SourceError, match=said):
        ddcodec.import_artifact(source, tmp_path / "a.ddz", classes="cifar10")


def test_pictures_that_claim_more_than_their_file_holds_are_not_allocated(tmp_path: Path) -> None:
    source = mtt(tmp_path / "run", torch.zeros(1).expand(1 << 30, 3, 64, 64), LABELS)
    with pytest.raises(SourceError, match="claims more values than its file holds"):
        ddcodec.import_artifact(source, tmp_path / "a.ddz", classes="cifar10")
