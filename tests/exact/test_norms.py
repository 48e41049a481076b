"""Group and layer norm: integer statistics, then single binary32 operations."""

from __future__ import annotations

from fractions import Fraction
from math import frexp
from math import isqrt as integer_sqrt

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from ddcodec.errors import UnsupportedFeatureError
from ddcodec.exact import norms
from ddcodec.exact.norms import group_norm, isqrt, layer_norm
from tests.exact import oracle
from tests.exact.oracle import F32

ROWS = st.lists(st.floats(-1000, 1000, width=32), min_size=1, max_size=12)


@given(st.integers(0, 2**61))
def test_the_square_root_is_the_largest_integer_that_fits(v: int) -> None:
    assert isqrt(torch.tensor([v])).item() == integer_sqrt(v)


@pytest.mark.parametrize("root", [1, 2, 3, 2**15, 2**26 + 1, 2**30, 1518500249])
def test_squares_and_their_neighbours_have_the_right_root(root: int) -> None:
    around = torch.tensor([root * root - 1, root * root, root * root + 1])
    assert isqrt(around).tolist() == [root - 1, root, root]


def moments(values: list[float], eps: float) -> tuple[np.float32, np.float32]:
    """Mean and reciprocal deviation from Python integers and binary64 operations."""
    e = max(oracle.exponent(max(map(abs, values))), (frexp(eps)[1] - 1) // 2)
    unit = Fraction(2) ** (e - 14)
    q = [round(Fraction(v) / unit) for v in values]
    n, first, second = len(q), sum(q), sum(v * v for v in q)
    mean = first / n
    variance = second / n - mean * mean
    v = max(variance + eps * float(1 / unit**2), 0.0)
    root = max(1, integer_sqrt(round(Fraction(v) * 2**30)))
    return F32(mean * float(unit)), F32(2.0**15 / root * float(1 / unit))


@given(ROWS, st.sampled_from([1e-5, 1e-6, 1e-12]))
def test_layer_norm_is_as_defined(values: list[float], eps: float) -> None:
    weight, bias = torch.linspace(0.5, 2, len(values)), torch.linspace(-1, 1, len(values))
    found = layer_norm(torch.tensor([values]), weight, bias, eps)
    mean, rstd = moments(values, eps)
    expected = [
        ((F32(v) - mean) * rstd) * F32(w) + F32(b)
        for v, w, b in zip(values, weight.tolist(), bias.tolist(), strict=True)
    ]
    assert found[0].tolist() == [float(e) for e in expected]


@given(st.lists(st.floats(-1000, 1000, width=32), min_size=8, max_size=8))
@settings(max_examples=50)
def test_group_norm_is_as_defined(values: list[float]) -> None:
    x = torch.tensor(values).view(1, 4, 2, 1)
    weight, bias = torch.tensor([1.5, -1.0, 0.25, 2.0]), torch.tensor([0.0, 1.0, -2.0, 0.5])
    found = group_norm(x, 2, weight, bias, 1e-5).flatten(1)[0]
    for i, v in enumerate(values):
        mean, rstd = moments(values[4 * (i // 4) :][:4], 1e-5)
        a = rstd * F32(weight[i // 2].item())
        b = F32(bias[i // 2].item()) - mean * a
        assert found[i].item() == F32(v) * a + b


def test_norms_are_close_to_the_real_ones() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(3, 12, 6, 7, generator=generator) * 5 + 2
    weight, bias = torch.randn(12, generator=generator), torch.randn(12, generator=generator)
    real = F.group_norm(x, 4, weight, bias, 1e-5)
    assert torch.allclose(group_norm(x, 4, weight, bias, 1e-5), real, atol=1e-3)
    assert torch.allclose(group_norm(x, 4, None, None, 1e-5), F.group_norm(x, 4), atol=1e-3)
    rows = x.permute(0, 2, 3, 1)
    real = F.layer_norm(rows, (12,), weight, bias)
    assert torch.allclose(layer_norm(rows, weight, bias, 1e-5), real, atol=1e-3)


@pytest.mark.parametrize("size", [1, 3, 8, 12])
def test_memory_format_and_company_change_nothing(size: int) -> None:
    x = torch.randn(5, 8, size, size, generator=torch.Generator().manual_seed(size))
    together = group_norm(x, 2, None, None, 1e-6)
    assert torch.equal(
        group_norm(x.contiguous(memory_format=torch.channels_last), 2, None, None, 1e-6), together
    )
    assert torch.equal(group_norm(x[3:4], 2, None, None, 1e-6), together[3:4])


@pytest.mark.parametrize("eps", [1e-5, 1e-6, 1e-12])
@pytest.mark.parametrize("size", [1e-2, 1e-4, 1e-6, 1e-9])
def test_blocks_smaller_than_eps_are_as_small_as_in_real_numbers(eps: float, size: float) -> None:
    x = size * torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    real = F.group_norm(x.double(), 2, eps=eps).float()
    assert torch.allclose(group_norm(x, 2, None, None, eps), real, atol=2e-4)


def test_a_constant_group_gives_the_bias() -> None:
    out = group_norm(torch.full((1, 2, 4, 4), 3.0), 1, None, torch.tensor([0.5, -1.0]), 1e-5)
    assert out[0, 0].unique().tolist() == [0.5]
    assert out[0, 1].unique().tolist() == [-1.0]


def test_what_is_not_finite_spoils_its_own_group_only() -> None:
    x = torch.ones(1, 4, 2, 2)
    x[0, 0, 0, 0] = float("inf")
    assert group_norm(x, 2, None, None, 1e-5).isnan().flatten(2).all(2).tolist() == [
        [True, True, False, False]
    ]
    assert layer_norm(
        torch.tensor([[1.0, float("nan")], [1.0, 2.0]]), None, None, 1e-5
    ).isnan().all(1).tolist() == [True, False]


def test_a_group_too_large_for_exact_sums_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(norms, "_MAX_COUNT", 8)
    with pytest.raises(UnsupportedFeatureError, match="norm over 16 numbers"):
        group_norm(torch.zeros(1, 1, 4, 4), 1, None, None, 1e-5)
