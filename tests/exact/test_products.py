"""Linear layers and convolutions: integer sums, scaled by single binary32 operations."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from ddcodec.errors import UnsupportedFeatureError
from ddcodec.exact.backends import Geometry, choose_backend, joined
from ddcodec.exact.grid import quantise
from ddcodec.exact.products import Convolution, Linear
from ddcodec.exact.weights import IntegerWeight, quantise_weight
from ddcodec.recipe.profiles import EXACT, Profile
from tests.exact import oracle
from tests.exact.here import HERE
from tests.exact.oracle import F32

PROFILES = pytest.mark.parametrize("profile", EXACT.values(), ids=EXACT)
NUMBERS = st.floats(-100, 100, width=32)


def sums_by_digits(a: list[int], w: list[int], profile: Profile) -> np.float32:
    """The value of a row times a weight column, from Python integers."""
    rows = [a] if profile.activation_digits == 1 else list(zip(*map(oracle.digits, a), strict=True))
    columns = [w] if profile.weight_digits == 1 else list(zip(*map(oracle.digits, w), strict=True))
    parts = [
        [oracle.rounded(sum(x * y for x, y in zip(r, c, strict=True))) for c in columns]
        for r in rows
    ]
    if profile.name == "w8a8":
        return parts[0][0]
    if profile.name == "w8a15":
        return F32(256) * parts[0][0] + parts[1][0]
    middle = parts[0][1] + parts[1][0]
    return F32(65536) * parts[0][0] + (F32(256) * middle + parts[1][1])


@PROFILES
@given(data=st.data())
@settings(max_examples=30)
def test_a_linear_layer_is_as_defined(profile: Profile, data: st.DataObject) -> None:
    width = data.draw(st.integers(1, 8))
    vector = st.lists(NUMBERS, min_size=width, max_size=width)
    x, weight, bias = data.draw(vector), data.draw(vector), data.draw(NUMBERS)
    integer = quantise_weight(torch.tensor([weight]), profile.weight_digits)
    grid = quantise(torch.tensor([x]), profile.activation_digits)
    layer = Linear(integer, choose_backend("cpu"))
    found = layer(grid, torch.tensor([bias]))

    one = profile.activation_digits == 1
    a = oracle.grid8(x)[0] if one else oracle.grid15(x)[0]
    total = sums_by_digits(a, integer.values[0].tolist(), profile)
    scaled = (total * F32(integer.scale.item())) * F32(grid.scale.item())
    assert found.item() == scaled + F32(bias)


@PROFILES
def test_every_back_end_gives_the_same_bits(profile: Profile) -> None:
    generator = torch.Generator().manual_seed(5)
    x = torch.randn(37, 300, generator=generator)
    weight = quantise_weight(torch.randn(50, 300, generator=generator), profile.weight_digits)
    grid = quantise(x, profile.activation_digits)
    first, *others = (Linear(weight, choose_backend("cpu", n))(grid, None) for n in HERE)
    assert all(torch.equal(first, other) for other in others)


@PROFILES
def test_a_linear_layer_is_close_to_the_real_one(profile: Profile) -> None:
    generator = torch.Generator().manual_seed(5)
    x, w = torch.randn(64, 128, generator=generator), torch.randn(32, 128, generator=generator)
    layer = Linear(quantise_weight(w, profile.weight_digits), choose_backend("cpu"))
    error = layer(quantise(x, profile.activation_digits), None) - F.linear(x, w)
    bound = {"w8a8": 0.02, "w8a15": 0.01, "w15a15": 2e-4}[profile.name]
    assert error.norm() / F.linear(x, w).norm() < bound


def as_linear(x: Tensor, weight: IntegerWeight, profile: Profile) -> Tensor:
    """A 3x3 convolution, stride 1, padding 1, as a linear layer over its patches."""
    n, channels, height, width = x.shape
    grid = quantise(x.permute(0, 2, 3, 1).reshape(n, -1), profile.activation_digits)
    planes = grid.digits.view(-1, n, height, width, channels).permute(0, 1, 4, 2, 3)
    columns = F.unfold(planes.flatten(0, 1).double(), 3, padding=1)
    flat = weight.digits().flatten(0, 1).flatten(1).double()
    sums = (flat @ columns).view(len(planes), n, -1, len(weight.values), height, width)
    out = joined(sums.transpose(1, 2).to(torch.int32))
    return out * (grid.scale[..., None, None] * weight.scale[:, None, None])


@PROFILES
@pytest.mark.parametrize("backend", HERE)
def test_a_convolution_is_a_linear_layer_over_patches(profile: Profile, backend: str) -> None:
    generator = torch.Generator().manual_seed(9)
    x = torch.randn(3, 10, 6, 5, generator=generator)
    weight = quantise_weight(torch.randn(7, 10, 3, 3, generator=generator), profile.weight_digits)
    layer = Convolution(weight, Geometry(padding=(1, 1)), choose_backend("cpu", backend))
    found = layer(x, profile.activation_digits, None)
    assert torch.equal(found, as_linear(x, weight, profile))
    assert found.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(
    "geometry",
    [
        Geometry((2, 2), (1, 1)),
        Geometry((2, 1), (0, 2)),
        Geometry((1, 1), (2, 2), (2, 2)),
        Geometry((3, 2), (1, 0), (1, 2)),
    ],
)
@pytest.mark.parametrize("backend", HERE)
def test_convolutions_of_every_geometry_are_close_to_the_real_ones(
    geometry: Geometry, backend: str
) -> None:
    generator = torch.Generator().manual_seed(2)
    x, w = (
        torch.randn(2, 4, 9, 11, generator=generator),
        torch.randn(5, 4, 3, 3, generator=generator),
    )
    bias = torch.randn(5, generator=generator)
    layer = Convolution(quantise_weight(w, 2), geometry, choose_backend("cpu", backend))
    real = F.conv2d(x, w, bias, geometry.stride, geometry.padding, geometry.dilation)
    assert torch.allclose(layer(x, 2, bias), real, atol=2e-3)


def test_a_sample_does_not_see_its_company() -> None:
    x = torch.randn(4, 6, 8, 8, generator=torch.Generator().manual_seed(3))
    weight = quantise_weight(torch.randn(5, 6, 1, 1, generator=torch.Generator().manual_seed(4)), 1)
    layer = Convolution(weight, Geometry(), choose_backend("cpu"))
    assert torch.equal(layer(x, 2, None)[2:3], layer(x[2:3], 2, None))


def test_sums_that_might_overflow_are_refused() -> None:
    weight = IntegerWeight(torch.zeros(1, 65537, dtype=torch.int8), torch.ones(1))
    with pytest.raises(UnsupportedFeatureError, match="65537 products"):
        Linear(weight, choose_backend("cpu"))
