"""Group and layer norm from integer sums (spec/exact.md, "Norms")."""

from __future__ import annotations

from math import frexp
from typing import NamedTuple

import torch
from torch import Tensor

from ddcodec.errors import UnsupportedFeatureError
from ddcodec.exact.grid import SMALLEST, scratch, steps_a_unit, tiles, tiles_of_two_axes

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
    mean, rstd = _group_moments(rows, groups, eps)
    scale = rstd if weight is None else rstd * weight
    shift = mean * scale
    shift = (0.0 if bias is None else bias) - shift
    out = torch.empty_like(rows)
    for part in tiles_of_two_axes(rows):
        sample = part[0]
        torch.mul(rows[part], scale[sample], out=out[part]).add_(shift[sample])
    return out.view(n, *x.shape[2:], channels).movedim(-1, 1)


def _group_moments(rows: Tensor, groups: int, eps: float) -> tuple[Tensor, Tensor]:
    """Mean and reciprocal deviation of [n, positions, channels], float32 [n, 1, channels]."""
    n, positions, channels = rows.shape
    width = channels // groups

    def grouped(values: Tensor) -> Tensor:
        return values.view(n, groups, width)

    def spread(values: Tensor) -> Tensor:
        return values.repeat_interleave(width, 1).unsqueeze(1)

    amax = grouped(torch.maximum(rows.amax(1), -rows.amin(1))).amax(2)
    factor = _factor(amax, eps)
    steps = spread(factor)
    first, second = torch.zeros((2, n, channels), dtype=torch.float64, device=rows.device)
    for part in tiles_of_two_axes(rows):  # sums of integers may be taken in parts
        sample = part[0]
        q = _on_grid(rows[part], steps[sample])
        first[sample] += q.sum(1)
        second[sample] += q.square_().sum(1)
    first, second = grouped(first).sum(2), grouped(second).sum(2)
    moments = _moments(first, second, positions * width, factor, eps)
    return spread(moments.mean), spread(moments.rstd)


def layer_norm(x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float) -> Tensor:
    """float32 [..., width] -> the same shape; each row is a block."""
    _check_count(x.shape[-1])
    rows = x.reshape(-1, x.shape[-1])
    out = torch.empty_like(rows)
    for part in tiles(rows):
        mean, rstd = _row_moments(rows[part], eps)
        values = torch.sub(rows[part], mean, out=out[part]).mul_(rstd)
        if weight is not None:
            values.mul_(weight)
        if bias is not None:
            values.add_(bias)
    return out.view(x.shape)


def _row_moments(rows: Tensor, eps: float) -> _Moments:
    """Mean and reciprocal deviation of [m, width], float32 [m, 1]."""
    amax = torch.maximum(rows.amax(1, keepdim=True), -rows.amin(1, keepdim=True))
    factor = _factor(amax, eps)
    q = _on_grid(rows, factor)
    first = q.sum(1, keepdim=True)
    second = q.square_().sum(1, keepdim=True)
    return _moments(first, second, rows.shape[1], factor, eps)


def _on_grid(x: Tensor, steps: Tensor) -> Tensor:
    """Integers as float64 in scratch memory."""
    q = torch.mul(x, steps, out=scratch(x, torch.float32)).round_()
    return scratch(x, torch.float64).copy_(q)


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
