"""Activations by table: their definition in plain arithmetic, their error, every memory layout."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from ddcodec import tables
from ddcodec.errors import UnsupportedFeatureError
from ddcodec.exact import grid
from ddcodec.exact.activations import gelu, sigmoid, silu, tanh

FUNCTIONS = [sigmoid, silu, gelu, tanh]
FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)
NEAR = st.floats(-20, 20, width=32)
# Halfway between two entries, where the direction of rounding shows.
TIES = st.integers(-2 * 32768 - 3, 2 * 32768 + 3).map(lambda n: n / 4096)

Function = Callable[[Tensor], Tensor]


def entry(table: np.ndarray, x: Fraction) -> np.float32:
    """A distribution function at ``x`` by its table."""
    i = min(max(round(2048 * x), -32768), 32767)  # round() of a fraction takes ties to even
    units = int(table[i]) if i >= 0 else 2**24 - int(table[-i])
    units = {-32768: 0, 32767: 2**24}.get(i, units)  # the clamp's ends are exact
    assert 0 <= units <= 2**24
    return np.float32(units) / np.float32(2**24)


def defined(function: Function, x: float) -> np.float32:
    """One value from the definition, by single binary32 operations."""
    exact, single = Fraction(x), np.float32(x)
    if function is sigmoid:
        return entry(tables.sigmoid(), exact)
    if function is silu:
        return single * entry(tables.sigmoid(), exact)
    if function is gelu:
        return single * entry(tables.gaussian(), exact)
    return np.float32(2) * entry(tables.sigmoid(), 2 * exact) - np.float32(1)


def same_bits(a: Tensor, b: Tensor) -> bool:
    return torch.equal(a.contiguous().view(torch.int32), b.contiguous().view(torch.int32))


@pytest.mark.parametrize("function", FUNCTIONS)
@given(values=st.lists(FLOATS | NEAR | TIES, min_size=1, max_size=50))
def test_every_bit_is_as_defined(function: Function, values: list[float]) -> None:
    expected = torch.tensor([float(defined(function, x)) for x in values])
    assert same_bits(function(torch.tensor(values)), expected)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_extremes_use_the_ends_of_the_tables(function: Function) -> None:
    last = np.finfo(np.float32)
    ends = [16.0, np.nextafter(np.float32(16), np.float32(0)), 32767.5 / 2048, 1000.0, last.max]
    least = [0.0, last.smallest_subnormal, last.tiny]
    values = [float(sign * np.float32(x)) for x in ends + least for sign in (1, -1)]
    expected = torch.tensor([float(defined(function, x)) for x in values])
    assert same_bits(function(torch.tensor(values)), expected)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_nan_gives_nan_and_infinity_an_end_of_the_table(function: Function) -> None:
    x = torch.tensor([math.nan, -math.nan, 1.0])
    assert function(x).isnan().tolist() == [True, True, False]
    ends = torch.tensor([math.inf, -math.inf])
    if function in (sigmoid, tanh):
        assert same_bits(function(ends), function(torch.tensor([99.0, -99.0])))
    else:  # the lower end is 0, which infinity turns into NaN
        assert repr(function(ends).tolist()) == repr([math.inf, math.nan])


@pytest.mark.parametrize(
    ("function", "true", "bound"),
    [
        (sigmoid, torch.sigmoid, 2.0**-13),
        (silu, torch.nn.functional.silu, 6e-5),
        (gelu, torch.nn.functional.gelu, 7e-5),
        (tanh, torch.tanh, 2.0**-12),
    ],
)
def test_errors_stay_below_what_the_grid_allows(
    function: Function, true: Function, bound: float
) -> None:
    x = torch.linspace(-40, 40, 1_000_003)
    assert (function(x) - true(x.double())).abs().max() < bound


def layouts(x: Tensor) -> Iterator[Tensor]:
    """[N, C, H, W] in memory in several ways."""
    yield x
    yield x.to(memory_format=torch.channels_last)
    yield x.permute(3, 1, 0, 2).contiguous().permute(2, 1, 3, 0)
    yield torch.stack((x, x), -1)[..., 1]  # with gaps
    yield torch.cat((x, x), 1)[:, x.shape[1] :]  # a slice that starts late


@pytest.mark.parametrize("function", FUNCTIONS)
def test_neither_layout_nor_neighbours_nor_chunks_matter(
    function: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = 5 * torch.randn(3, 8, 5, 7, generator=torch.Generator().manual_seed(1))
    expected = function(x)
    for arranged in layouts(x):
        assert same_bits(function(arranged), expected)
    assert same_bits(torch.stack([function(image) for image in x]), expected)
    monkeypatch.setattr(grid, "_TILE_ON_CPU", 101)
    assert same_bits(function(x), expected)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_memory_format_is_kept_and_the_input_not_written(function: Function) -> None:
    x = torch.randn(2, 4, 3, 5).to(memory_format=torch.channels_last)
    before = x.clone()
    assert function(x).stride() == x.stride()
    assert torch.equal(x, before)
    assert function(x[:, 1:3]).shape == (2, 2, 3, 5)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_scalars_empty_tensors_and_parameters_work(function: Function) -> None:
    assert function(torch.tensor(1.0)).shape == ()
    assert function(torch.empty(0, 3)).shape == (0, 3)
    assert same_bits(function(torch.ones(2, requires_grad=True)), function(torch.ones(2)))
    assert same_bits(function(torch.tensor([1.0]).expand(4)), function(torch.ones(4)))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_other_types_are_refused(function: Function) -> None:
    with pytest.raises(UnsupportedFeatureError, match=r"float32, not torch\.float16"):
        function(torch.ones(2, dtype=torch.float16))


def test_far_out_silu_is_the_identity_or_nothing() -> None:
    assert silu(torch.tensor([16.0, 1e6])).tolist() == [16.0, 1e6]
    assert silu(torch.tensor([-16.0, -1e6])).tolist() == [0.0, 0.0]
