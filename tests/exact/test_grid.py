"""Grids: scales from the largest magnitude, integers rounded to even, digits of 8 bits."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ddcodec.exact.grid import SMALLEST, quantise, split, steps_a_unit, tile
from tests.exact import oracle

NUMBERS = st.floats(width=32, allow_nan=False, allow_infinity=False)
SMALL = st.integers(-(2**20), 2**20).map(lambda n: n / 64)
BLOCKS = st.lists(NUMBERS | SMALL, min_size=1, max_size=20)


@given(BLOCKS)
def test_two_digits_hold_the_nearest_integers(values: list[float]) -> None:
    grid = quantise(torch.tensor([values]), 2)
    integers, unit = oracle.grid15(values)
    high, low = grid.digits[:, 0].long()
    assert (256 * high + low).tolist() == integers
    assert Fraction(grid.scale.item()) == unit


@given(BLOCKS)
def test_one_digit_holds_the_nearest_integers(values: list[float]) -> None:
    grid = quantise(torch.tensor([values]), 1)
    integers, unit = oracle.grid8(values)
    assert grid.digits[0, 0].tolist() == integers
    assert grid.scale.item() == unit


@given(st.integers(-16384, 16384))
def test_digits_are_small_and_make_up_the_number(q: int) -> None:
    high, low = split(torch.tensor([q], dtype=torch.int16))[:, 0].tolist()
    assert (high, low) == oracle.digits(q)
    assert abs(high) <= 64


@given(NUMBERS.map(abs), st.sampled_from([SMALLEST, 2.0**-10]))
def test_the_grid_of_two_digits_is_finest_for_its_magnitude(amax: float, least: float) -> None:
    e = oracle.exponent(max(amax, least))
    assert steps_a_unit(torch.tensor([amax]), least).item() == 2.0 ** (14 - e)


@pytest.mark.parametrize("digits", [1, 2])
def test_blocks_do_not_touch_each_other(digits: int) -> None:
    blocks = torch.randn(5, 300, generator=torch.Generator().manual_seed(1))
    together = quantise(blocks, digits)
    for i, block in enumerate(blocks):
        alone = quantise(block[None], digits)
        assert torch.equal(together.digits[:, i : i + 1], alone.digits)
        assert torch.equal(together.scale[i : i + 1], alone.scale)


@pytest.mark.parametrize("digits", [1, 2])
def test_a_block_larger_than_a_tile_is_one_block(digits: int) -> None:
    block = torch.linspace(-1, 1, 2 * tile(torch.device("cpu")) + 5)[None]
    grid = quantise(block, digits)
    weights = torch.tensor([256.0, 1.0])[-digits:] if digits == 2 else torch.ones(1)
    found = (grid.digits.float() * weights[:, None, None]).sum(0) * grid.scale
    assert (found - block).abs().max() <= grid.scale.item()


@pytest.mark.parametrize("digits", [1, 2])
@pytest.mark.parametrize("odd", [float("nan"), float("inf"), -float("inf")])
def test_what_is_not_finite_spoils_its_own_block_only(digits: int, odd: float) -> None:
    grid = quantise(torch.tensor([[1.0, odd], [1.0, 2.0]]), digits)
    assert grid.scale.isnan().flatten().tolist() == [True, False]


def test_a_block_of_zeros_is_zeros() -> None:
    for digits in (1, 2):
        grid = quantise(torch.zeros(1, 3), digits)
        assert not grid.digits.any()
        assert 0 < grid.scale.item() < 1e-17
