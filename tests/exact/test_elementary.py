"""exp, sin and cos: the nearest binary32 number, checked against 700 bits."""

from __future__ import annotations

import math
from collections.abc import Callable

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from ddcodec.errors import UnsupportedFeatureError
from ddcodec.exact.elementary import MAX_ELEMENTS, cos, exp, sin

FUNCTIONS = [exp, sin, cos]
FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)
USUAL = st.floats(-110, 110, width=32)

Function = Callable[[Tensor], Tensor]


def is_nearest(function: Function, x: float, found: float) -> bool:
    """Whether no other binary32 number is nearer to the true value."""
    # Beyond, exp is 0 or infinite without doubt, and mpmath would take its time.
    argument = max(min(x, 1000.0), -1000.0) if function is exp else x
    with mpmath.workprec(700):
        value = getattr(mpmath, function.__name__)(argument)
        if math.isinf(found):
            return bool(found > 0 and value >= mpmath.mpf(2) ** 128 - mpmath.mpf(2) ** 103)
        with np.errstate(over="ignore"):
            others = [float(np.nextafter(np.float32(found), np.float32(e))) for e in (-9e9, 9e9)]
        # One past the largest number, where only a number without bound would be next.
        others = [math.copysign(2.0**128, o) if math.isinf(o) else o for o in others]
        return all(abs(value - found) <= abs(value - other) for other in others)


@pytest.mark.parametrize("function", FUNCTIONS)
@given(values=st.lists(FLOATS | USUAL, min_size=1, max_size=10))
def test_results_are_the_nearest_binary32_numbers(function: Function, values: list[float]) -> None:
    found = function(torch.tensor(values)).tolist()
    assert all(is_nearest(function, x, y) for x, y in zip(values, found, strict=True))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_arguments_of_a_time_embedding_round_correctly(function: Function) -> None:
    frequencies = exp(torch.arange(160) * -(math.log(10000) / 160))
    x = (torch.tensor([[1.0], [499.0], [999.0]]) * frequencies).flatten()[::7]
    found = function(x)
    assert all(is_nearest(function, *pair) for pair in zip(x.tolist(), found.tolist(), strict=True))


def test_exp_runs_from_subnormals_to_infinity() -> None:
    largest, least = float(np.float32(88.72283)), float(np.float32(-103.972076))
    above = float(np.nextafter(np.float32(largest), np.float32(100)))
    below = float(np.nextafter(np.float32(least), np.float32(-200)))
    values = [largest, above, least, below, -87.5, -100.0, 1e-45, -1e-45, 2.0**-24, 3e38, -3e38]
    found = exp(torch.tensor(values)).tolist()
    assert all(is_nearest(exp, x, y) for x, y in zip(values, found, strict=True))
    assert found[0] < math.inf
    assert found[1] == math.inf
    assert (found[2], found[3]) == (2.0**-149, 0.0)


def test_sine_and_cosine_reduce_the_largest_arguments() -> None:
    # The second is the binary32 number whose distance to a multiple of pi / 2 is least in
    # proportion; the third is the largest of all.
    values = [1e22, 16367173.0 * 2.0**72, float(np.finfo(np.float32).max), 1e-45, 2.0**-12]
    values += [-x for x in values]
    for function in (sin, cos):
        found = function(torch.tensor(values)).tolist()
        rounded = [float(np.float32(x)) for x in values]
        assert all(is_nearest(function, x, y) for x, y in zip(rounded, found, strict=True))


def test_zeros_infinities_and_nan() -> None:
    x = torch.tensor([0.0, -0.0, math.inf, -math.inf, math.nan])
    assert repr(exp(x).tolist()) == "[1.0, 1.0, inf, 0.0, nan]"
    assert repr(sin(x).tolist()) == "[0.0, -0.0, nan, nan, nan]"
    assert repr(cos(x).tolist()) == "[1.0, 1.0, nan, nan, nan]"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_shape_is_kept_and_layout_does_not_matter(function: Function) -> None:
    x = torch.randn(4, 6)
    assert torch.equal(function(x.t()), function(x).t())
    assert function(torch.empty(0, 3)).shape == (0, 3)
    assert function(torch.tensor(2.0)).shape == ()
    assert torch.equal(function(torch.ones(2, requires_grad=True)), function(torch.ones(2)))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_large_tensors_and_other_types_are_refused(function: Function) -> None:
    assert function(torch.ones(MAX_ELEMENTS)).shape == (MAX_ELEMENTS,)
    with pytest.raises(UnsupportedFeatureError, match="at most 65536 elements, not 65537"):
        function(torch.ones(MAX_ELEMENTS + 1))
    with pytest.raises(UnsupportedFeatureError, match=r"float32, not torch\.float64"):
        function(torch.ones(2, dtype=torch.float64))
