"""Group and layer norm from integer sums (spec/exact.md, "Norms")."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ddcodec.exact.grid import block_amax, exponent, power_of_two

__all__ = ["group_norm", "isqrt", "layer_norm"]

# Statistics are read on a grid of 13 bits, whose squares are exact in binary32.
_BITS = 12


class _Moments(NamedTuple):
    mean: Tensor  # float32
    rstd: Tensor  # float32: 1 / standard deviation


def group_norm(
    x: Tensor, groups: int, weight: Tensor | None, bias: Tensor | None, eps: float
) -> Tensor:
    """float32 [n, channels, ...] -> the same shape and memory format."""
    n, channels = x.shape[:2]
    # Channels last in memory or not, the reduction over positions comes first.
    last = x.ndim == 4 and x.is_contiguous(memory_format=torch.channels_last)
    spread = x.permute(0, 2, 3, 1).reshape(n, -1, channels) if last else x.reshape(n, channels, -1)
    axis = 1 if last else 2

    def grouped(values: Tensor) -> Tensor:
        return values.view(n, groups, channels // groups)

    amax = grouped(block_amax(spread, (axis,))).amax(2)
    e = exponent(amax)
    factor = power_of_two(_BITS - e).repeat_interleave(channels // groups, 1).unsqueeze(axis)
    q = spread.mul(factor).round_()
    first = grouped(q.double().sum(axis)).sum(2)
    second = grouped(q.square_().double().sum(axis)).sum(2)
    moments = _moments(first, second, spread[0].numel() // groups, e, amax, eps)
    mean, rstd = (v.repeat_interleave(channels // groups, 1) for v in moments)
    scale = rstd if weight is None else rstd * weight
    shift = mean * scale
    shift = -shift if bias is None else bias - shift
    shape = (n, channels, *(1,) * (x.ndim - 2))
    return x.mul(scale.view(shape)).add_(shift.view(shape))


def layer_norm(x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float) -> Tensor:
    """float32 [..., width] -> the same shape; each row is a block."""
    amax = block_amax(x, (-1,))
    e = exponent(amax)
    q = x.mul(power_of_two(_BITS - e)).round_()
    first = q.double().sum(-1, keepdim=True)
    second = q.square_().double().sum(-1, keepdim=True)
    mean, rstd = _moments(first, second, x.shape[-1], e, amax, eps)
    out = x.sub(mean).mul_(rstd)
    if weight is not None:
        out.mul_(weight)
    return out if bias is None else out.add_(bias)


def _moments(
    first: Tensor, second: Tensor, count: int, e: Tensor, amax: Tensor, eps: float
) -> _Moments:
    """Mean and reciprocal deviation of blocks from exact sums of q and q^2 (float64, integers)."""
    n = torch.full_like(first, float(count))
    mean = first / n
    square = mean * mean
    variance = second / n - square
    epsilon = _double_power(2 * (_BITS - e)) * eps
    variance = (variance + epsilon).clamp_(0.0, 2.0**31)
    # The square root of 2^30 times the variance is 2^15 times the deviation.
    root = isqrt((variance * 2.0**30).round_().to(torch.int64)).clamp_min_(1)
    rstd = torch.full_like(first, 2.0**15) / root.double()
    poison = amax - amax  # 0, or NaN where a value is not finite
    return _Moments(
        (mean * _double_power(e - _BITS)).float() + poison,
        (rstd * _double_power(_BITS - e)).float() + poison,
    )


def isqrt(v: Tensor) -> Tensor:
    """floor(sqrt(v)) of int64 v in 0..2^61.

    The library's square root is only a first guess: two integer comparisons settle it.
    """
    guess = v.double().sqrt_().to(torch.int64)
    # The guess is off by at most 1: sqrt(2^61) has 31 bits, and binary64 has 53.
    guess = guess - (guess * guess > v).to(torch.int64)
    following = guess + 1
    return torch.where(following * following <= v, following, guess)


def _double_power(e: Tensor) -> Tensor:
    """float64 2^e for int32 e, by its bits."""
    return ((e.to(torch.int64) + 1023) << 52).view(torch.float64)
