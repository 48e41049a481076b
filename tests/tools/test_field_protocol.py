"""Differentiable siamese augmentation, as the bench of the field's protocol has it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from tools.bench import field_protocol

ONES = torch.ones(64, 3, 16, 16)


def lots() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture
def noise() -> Iterator[Tensor]:
    yield torch.randn(8, 3, 16, 16, generator=lots())


def test_each_batch_is_augmented_in_one_of_six_ways(noise: Tensor) -> None:
    generator = lots()
    shown = [field_protocol.augmented(noise, generator) for _ in range(20)]
    assert {tuple(one.shape) for one in shown} == {(8, 3, 16, 16)}
    assert all(one.isfinite().all() for one in shown)
    assert not all(torch.equal(shown[0], one) for one in shown[1:])


def test_about_half_of_the_pictures_are_mirrored(noise: Tensor) -> None:
    shown = field_protocol._flip(noise, lots())
    kept = [torch.equal(a, b) for a, b in zip(shown, noise, strict=True)]
    mirrored = [torch.equal(a, b.flip(2)) for a, b in zip(shown, noise, strict=True)]
    assert sum(kept) + sum(mirrored) == 8
    assert 0 < sum(kept) < 8


def test_holes_and_shifts_leave_zeros() -> None:
    holes = (field_protocol._cutout(ONES, lots()) == 0).float().mean((1, 2, 3))
    assert holes.max() == 0.25  # half of each side
    assert holes.min() < 0.25  # some reach over an edge
    shifted = (field_protocol._crop(ONES, lots()) == 0).float().mean((1, 2, 3))
    assert shifted.max() <= 1 - (14 / 16) ** 2
    assert shifted.max() > 0


def test_warps_leave_the_middle_where_it_is() -> None:
    picture = torch.zeros(64, 1, 17, 17)
    picture[:, :, 7:10, 7:10] = 1
    for warp in (field_protocol._scale, field_protocol._rotate):
        shown = warp(picture, lots())
        assert torch.allclose(shown[:, 0, 8, 8], torch.ones(64), atol=1e-4)
        assert not torch.equal(shown, picture)


def test_colours_keep_a_grey_picture_grey() -> None:
    shown = field_protocol._colour(ONES * 0.25, lots())
    assert torch.allclose(shown, shown[:, :1].expand_as(shown), atol=1e-6)
    assert shown[:, 0, 0, 0].std() > 0.1  # lighter and darker
