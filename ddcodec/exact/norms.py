"""Group and layer norm from integer sums (spec/exact.md, "Norms")."""

from __future__ import annotations

from math import frexp
from typing import NamedTuple

import torch
from torch import Tensor

from ddcodec.errors import UnsupportedFeatureError
from ddcodec.exact.grid import SMALLEST, steps_a_unit, tile

__all__ = ["group_norm", "isqrt", "layer_norm"]

# Statistics are read on the 15-bit grid: sums of 2^23 squares are exact in binary64.
_MAX_COUNT = 1 << 23


class _Moments(NamedTuple):
    mean: Tensor  # float32
    rstd: Tensor  # float32: 1 / standard deviation


def group_norm(
    x: Tensor, groups: int, weight: Tensor | None, bias: Tensor | None, eps: float
) -> Tensor:
    """float32 [n, channels, ...] -> the same shape; channels last in memory.

    Raises:
        UnsupportedFeatureError: a group has more than 2^23 numbers.
    """
    n, channels = x.shape[:2]
    rows = x.movedim(1, -1).reshape(n, -1, channels)
    _check_count(rows[0].numel() // groups)
    out = torch.empty_like(rows)
    step = max(1, tile(x.device) // max(1, rows[0].numel()))
    for start in range(0, n, step):
        part = rows[start : start + step]
        mean, rstd = _group_moments(part, groups, eps)
        scale = rstd if weight is None else rstd * weight
        shift = mean * scale
        shift = (0.0 if bias is None else bias) - shift
        torch.mul(part, scale, out=out[start : start + step]).add_(shift)
    return out.view(n, *x.shape[2:], channels).movedim(-1, 1)


def _group_moments(rows: Tensor, groups: int, eps: float) -> tuple[Tensor, Tensor]:
    """Mean and reciprocal deviation of [n, positions, channels], float32 [n, 1, channels]."""
    n, positions, channels = rows.shape
    width = channels // groups

    def grouped(values: Tensor) -> Tensor:
        return values.view(n, groups, width)

    def spread(values: Tensor) -> Tensor:
        return values.repeat_interleave(width, 1).unsqueeze(1)

    amax = grouped(_amax_of_columns(rows)).amax(2)
    factor = _factor(amax, eps)
    q = rows.mul(spread(factor)).round_().double()
    first = grouped(q.sum(1)).sum(2)
    second = grouped(q.square_().sum(1)).sum(2)
    moments = _moments(first, second, positions * width, factor, eps)
    return spread(moments.mean), spread(moments.rstd)


def _amax_of_columns(rows: Tensor) -> Tensor:
    """Largest magnitude over axis 1 of [n, positions, channels].

    By halves: the library's own reduction over a middle axis is several times slower.
    """
    largest = rows.abs()
    while largest.shape[1] % 2 == 0:
        half = largest.shape[1] // 2
        largest = torch.maximum(largest[:, :half], largest[:, half:])
    return largest.amax(1)


def layer_norm(x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float) -> Tensor:
    """float32 [..., width] -> the same shape; each row is a block."""
    _check_count(x.shape[-1])
    amax = torch.maximum(x.amax(-1, keepdim=True), -x.amin(-1, keepdim=True))
    factor = _factor(amax, eps)
    q = x.mul(factor).round_().double()
    first = q.sum(-1, keepdim=True)
    second = q.square_().sum(-1, keepdim=True)
    mean, rstd = _moments(first, second, x.shape[-1], factor, eps)
    out = x.sub(mean).mul_(rstd)
    if weight is not None:
        out.mul_(weight)
    return out if bias is None else out.add_(bias)


def _factor(amax: Tensor, eps: float) -> Tensor:
    """Grid steps a unit for the statistics of blocks, float32; NaN for one that is not finite."""
    # Bounded by eps, which in squared steps of a tiny block's grid would outgrow the integer root.
    least = 2.0 ** ((frexp(eps)[1] - 1) // 2 - 1) if eps > 0 else 0.0
    return steps_a_unit(amax, max(least, SMALLEST)) + (amax - amax)


def _check_count(count: int) -> None:
    if count > _MAX_COUNT:
        raise UnsupportedFeatureError(
            f"a norm over {count} numbers is beyond the exact profiles' {_MAX_COUNT}; make smaller "
            "pictures or use the float profile"
        )


def _moments(first: Tensor, second: Tensor, count: int, factor: Tensor, eps: float) -> _Moments:
    """Mean and reciprocal deviation of blocks.

    Args:
        first, second: sums of q and q^2, exact in float64; they are used up.
        count: numbers a block.
        factor: float32, a power of two: grid steps a unit. NaN makes both results NaN.
    """
    n, steps = torch.full_like(first, float(count)), factor.double()
    mean = first.div_(n)
    variance = second.div_(n).sub_(mean * mean)
    variance.add_((steps * steps).mul_(eps)).clamp_min_(0.0)
    # The square root of 2^30 times the variance is 2^15 times the deviation.
    root = isqrt(variance.mul_(2.0**30).round_().to(torch.int64)).clamp_min_(1)
    # Powers of two may change places with the division.
    rstd = root.double().reciprocal_().mul_(2.0**15).mul_(steps)
    return _Moments((mean / steps).float(), rstd.float())


def isqrt(v: Tensor) -> Tensor:
    """floor(sqrt(v)) of int64 v in 0..2^61.

    The library's square root is only a first guess: two integer comparisons settle it.
    """
    guess = v.double().sqrt_().to(torch.int64)
    # The guess is off by at most 1: sqrt(2^61) has 31 bits, and binary64 has 53.
    guess = guess - (guess * guess > v).to(torch.int64)
    following = guess + 1
    return torch.where(following * following <= v, following, guess)
