"""Lists of tensors: DC's experiments, IDC's tiles, the contest's bare tensors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import ddcodec
from ddcodec.errors import RequestError, SourceError
from ddcodec.exchange.importing.orders import known_orders
from tests.exchange.importing.neighbours import (
    class_major,
    dc,
    idc,
    normalised,
    pixels,
    planar,
)
from tests.exchange.importing.test_matching import shown

FIRST, LAST = pixels(20, seed=1), pixels(20, seed=2)
LABELS = class_major(10, 2)


def test_the_last_experiment_of_dc_is_taken_and_others_are_said(tmp_path: Path) -> None:
    runs = [(normalised(FIRST), LABELS), (normalised(LAST), LABELS)]
    made = ddcodec.import_artifact(
        dc(tmp_path / "run", runs).parent, tmp_path / "a.ddz", classes="cifar10"
    )
    assert (made.format, made.recipe["experiment"]) == ("dc", "1")
    assert "experiment 1 of 0..1 is taken" in made.warnings[0]
    np.testing.assert_array_equal(shown(tmp_path / "a.ddz"), LAST)


def test_another_experiment_can_be_chosen(tmp_path: Path) -> None:
    runs = [(normalised(FIRST), LABELS), (normalised(LAST), LABELS)]
    path = dc(tmp_path / "run", runs)
    ddcodec.import_artifact(path, tmp_path / "a.ddz", classes="cifar10", which="0")
    np.testing.assert_array_equal(shown(tmp_path / "a.ddz"), FIRST)
    with pytest.raises(RequestError, match=r"which='2' is not in .* it has 0, 1"):
        ddcodec.import_artifact(path, tmp_path / "b.ddz", classes="cifar10", which="2")


def test_two_sets_of_statistics_that_may_both_be_right_are_asked_for(tmp_path: Path) -> None:
    names = tmp_path / "names.txt"
    names.write_text("\n".join("abcdefghij"), "utf-8")
    path = dc(tmp_path / "run", [(normalised(FIRST), LABELS)])
    with pytest.raises(RequestError, match=r"cifar10 0 of 3,840, cifar100 [\d,]+ of 3,840"):
        ddcodec.import_artifact(path, tmp_path / "a.ddz", classes=str(names))
    assert not (tmp_path / "a.ddz").exists()


@pytest.mark.parametrize(
    ("saved", "said"),
    [
        ({"data": []}, "has no data"),
        ({"data": [[torch.zeros(2, 3, 4, 4)]]}, "not a list of two tensors"),
        ({"data": [[torch.zeros(2, 3, 4, 4), torch.zeros(3, dtype=torch.long)]]}, "3 labels"),
    ],
)
def test_results_of_another_form_are_refused(saved: object, said: str, tmp_path: Path) -> None:
    torch.save(saved, tmp_path / "res_DM.pt")
    with pytest.raises(SourceError, match=said):
        ddcodec.import_artifact(tmp_path, tmp_path / "a.ddz", classes="cifar10")


def tiles(images: torch.Tensor, factor: int) -> torch.Tensor:
    """What IDC cuts of a padded picture, written with loops as it does."""
    side = -(-images.shape[-1] // factor)
    found = [
        images[:, :, i * side : (i + 1) * side, j * side : (j + 1) * side]
        for i in range(factor)
        for j in range(factor)
    ]
    return torch.stack(found, dim=1)


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_tiles_of_idc_are_images_of_their_own(factor: int, tmp_path: Path) -> None:
    source = idc(tmp_path / f"run_factor{factor}_lr", planar(FIRST), LABELS)
    made = ddcodec.import_artifact(source, tmp_path / "a.ddz", classes="cifar10")
    assert (made.format, made.ipc, made.size) == ("idc", 2 * factor**2, (8, 8))
    assert made.recipe["factor"] == str(factor)
    padded = torch.nn.functional.pad(planar(FIRST), (0, -8 % factor, 0, -8 % factor), value=0.5)
    cut = tiles(padded, factor).reshape(20 * factor**2, 3, *2 * (-(-8 // factor),))
    large = torch.nn.functional.interpolate(cut, (8, 8), mode="bilinear") * 255
    difference = shown(tmp_path / "a.ddz") - large.numpy().transpose(0, 2, 3, 1)
    assert np.abs(difference).max() <= 1


def test_a_factor_that_nobody_says_is_asked_for(tmp_path: Path) -> None:
    source = idc(tmp_path / "run", planar(FIRST), LABELS)
    with pytest.raises(RequestError, match="this one's name has no factor"):
        ddcodec.import_artifact(source, tmp_path / "a.ddz", classes="cifar10")
    made = ddcodec.import_artifact(source, tmp_path / "a.ddz", classes="cifar10", factor=2)
    assert made.ipc == 8
    with pytest.raises(RequestError, match="more than a picture's pixels"):
        ddcodec.import_artifact(source, tmp_path / "b.ddz", classes="cifar10", factor=9)


def test_values_of_idc_outside_of_a_pixels_range_are_cut(tmp_path: Path) -> None:
    source = idc(tmp_path / "run", planar(FIRST) * 1.5, LABELS)
    made = ddcodec.import_artifact(source, tmp_path / "a.ddz", classes="cifar10", factor=1)
    assert made.clipped == int((planar(FIRST) * 1.5 > 1 + 0.5 / 255).sum())
    assert made.warnings == (
        f"{made.clipped:,} of 3,840 values ({100 * made.clipped / 3840:.2g} %) were outside of a "
        "pixel's range and are cut to it",
    )


def test_the_contest_says_order_and_statistics_by_itself(tmp_path: Path) -> None:
    images = pixels(1000, 32)
    mean, std = (0.5071, 0.4866, 0.4409), (0.2673, 0.2564, 0.2762)
    torch.save(normalised(images, mean, std), tmp_path / "cifar100.pt")
    made = ddcodec.import_artifact(tmp_path / "cifar100.pt", tmp_path / "a.ddz")
    assert (made.format, made.ipc, made.normalisation) == ("contest", 10, "cifar100")
    assert made.classes == known_orders()["cifar100"].classes
    np.testing.assert_array_equal(shown(tmp_path / "a.ddz"), images)


def test_a_tensor_of_another_shape_is_not_the_contests(tmp_path: Path) -> None:
    torch.save(torch.zeros(10, 3, 32, 32), tmp_path / "cifar100.pt")
    with pytest.raises(SourceError, match="needs its labels beside it"):
        ddcodec.import_artifact(tmp_path / "cifar100.pt", tmp_path / "a.ddz")
