"""Statistics: named, spelled out, known by a format's code, or asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import ddcodec
from ddcodec.errors import RequestError, SourceError
from ddcodec.exchange.importing.normalisation import (
    KNOWN,
    NONE,
    out_of_range,
    parse_normalisation,
)
from ddcodec.exchange.importing.stack import stack_of
from tests.exchange.importing.neighbours import (
    class_major,
    mtt,
    normalised,
    pixels,
    planar,
)
from tests.exchange.importing.test_matching import shown

IMAGES, LABELS = pixels(20), class_major(10, 2)


@given(st.sampled_from(sorted(KNOWN)), st.integers(0, 255))
def test_what_is_normalised_comes_back(name: str, level: int) -> None:
    images = np.full((1, 2, 2, 3), level, np.uint8)
    one = KNOWN[name]
    values = normalised(images, one.mean, one.std).numpy()
    assert (
        np.rint(one.undo(values) * 255).astype(np.int64).tolist()
        == np.full((1, 3, 2, 2), level).tolist()
    )
    assert out_of_range(stack_of(torch.from_numpy(values), "images"), one) == (0, 12)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cifar-10", "did you mean 'cifar10'"),
        ("0.5/0.5", "three means and three deviations"),
        ("0,0,0/0,1,1", "deviations above 0"),
        ("125,122,113/63,62,66", "divide those of 0..255 by 255"),
        ("a,b,c/1,1,1", "three means"),
    ],
)
def test_statistics_of_another_form_are_refused(text: str, said: str) -> None:
    with pytest.raises(RequestError, match=said):
        parse_normalisation(text)


def test_statistics_that_are_named_are_used(tmp_path: Path) -> None:
    mean, std = (0.5, 0.25, 0.125), (0.5, 0.5, 0.25)
    source = mtt(tmp_path / "run", normalised(IMAGES, mean, std), LABELS)
    ddcodec.import_artifact(
        source,
        tmp_path / "a.ddz",
        classes="cifar10",
        normalisation="0.5,0.25,0.125/0.5,0.5,0.25",
    )
    np.testing.assert_array_equal(shown(tmp_path / "a.ddz"), IMAGES)


def test_wrong_statistics_are_doubted_with_figures(tmp_path: Path) -> None:
    source = mtt(tmp_path / "run", normalised(IMAGES), LABELS)
    made = ddcodec.import_artifact(
        source, tmp_path / "a.ddz", classes="cifar10", normalisation="none"
    )
    assert "is the normalisation none right? They are cifar10 0 of 3,840" in made.warnings[0]


def test_pixels_where_a_code_normalises_are_asked_about(tmp_path: Path) -> None:
    source = mtt(tmp_path / "run", planar(IMAGES), LABELS)
    with pytest.raises(RequestError, match="normalisation='none' or normalisation='cifar10'"):
        ddcodec.import_artifact(source, tmp_path / "a.ddz", classes="cifar10")
    ddcodec.import_artifact(source, tmp_path / "a.ddz", classes="cifar10", normalisation="none")
    np.testing.assert_array_equal(shown(tmp_path / "a.ddz"), IMAGES)


def test_both_ways_back_at_once_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="both say how to come back to pixels"):
        ddcodec.import_artifact(tmp_path, tmp_path / "a", normalisation="none", zca="zca.pt")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_that_are_no_numbers_are_refused(value: float, tmp_path: Path) -> None:
    images = normalised(IMAGES)
    images[7, 1, 2, 3] = value
    source = mtt(tmp_path / "run", images, LABELS)
    with pytest.raises(SourceError, match=r"picture 7 of images_best\.pt holds values that are no"):
        ddcodec.import_artifact(source, tmp_path / "a.ddz", classes="cifar10")
    assert not (tmp_path / "a.ddz").exists()


def test_a_whitening_of_other_pictures_is_refused(tmp_path: Path) -> None:
    source = mtt(tmp_path / "run", normalised(IMAGES), LABELS)
    np.savez(tmp_path / "zca.npz", mean=np.zeros(12), inverse=np.eye(12))
    with pytest.raises(SourceError, match="of 12 values, and pictures of 8x8 pixels have 192"):
        ddcodec.import_artifact(
            source, tmp_path / "a.ddz", classes="cifar10", zca=str(tmp_path / "zca.npz")
        )
    np.savez(tmp_path / "zca.npz", mean=np.zeros(12))
    with pytest.raises(SourceError, match="has no mean and inverse"):
        ddcodec.import_artifact(
            source, tmp_path / "a.ddz", classes="cifar10", zca=str(tmp_path / "zca.npz")
        )


def test_nothing_was_normalised_of_none() -> None:
    assert NONE.statistics is None and KNOWN["cifar10"].statistics is not None
