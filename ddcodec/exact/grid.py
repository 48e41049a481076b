"""Integer grids for activations (spec/exact.md, "Grids"): blocks share a scale, digits have 8 bits.

A scale comes from the largest magnitude of its block, which is exact in any order, so no
calibration is needed and a block's integers depend on nothing outside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["Grid", "block_amax", "exponent", "power_of_two", "quantise", "split"]

# Smaller blocks count as this small, so that scales and their inverses stay normal numbers.
MIN_EXPONENT = -59


@dataclass(frozen=True)
class Grid:
    """A tensor on an integer grid.

    Attributes:
        digits: int8 [digits, *shape], most significant first: one (8-bit grid) or two, whose value
            is 256 * digits[0] + digits[1] (15-bit grid). In memory each is laid out as the input.
        scale: float32, of the input's shape with reduced axes of size 1: what one unit is worth.
            NaN for a block that held a value that is not finite.
    """

    digits: Tensor
    scale: Tensor


def quantise(x: Tensor, axes: Sequence[int], digits: int) -> Grid:
    """Put float32 ``x`` on a grid with one scale a block.

    Args:
        x: float32 of any shape and memory format.
        axes: the axes a block spans; ``[]`` is not useful.
        digits: 1 (8-bit grid) or 2 (15-bit grid).
    """
    amax = block_amax(x, axes)
    poison = amax - amax  # 0, or NaN where a value is not finite
    if digits == 1:
        amax = amax.clamp_min(2.0**MIN_EXPONENT)
        top = torch.full_like(amax, 127.0)
        q = x.mul(top / amax).round_().to(torch.int8)
        return Grid(q[None], amax / top + poison)
    e = exponent(amax)
    q = x.mul(power_of_two(14 - e)).round_().to(torch.int16)
    return Grid(split(q), power_of_two(e - 14) + poison)


def block_amax(x: Tensor, axes: Sequence[int]) -> Tensor:
    """Largest magnitude of each block, reduced axes kept with size 1."""
    # Two reductions read the tensor twice but write nothing, unlike abs().amax().
    axes = tuple(axes)
    return torch.maximum(x.amax(axes, keepdim=True), -x.amin(axes, keepdim=True))


def exponent(amax: Tensor) -> Tensor:
    """int32 E with amax < 2^E, read off the bits; at least ``MIN_EXPONENT``."""
    return ((amax.view(torch.int32) >> 23) - 126).clamp_min_(MIN_EXPONENT)


def power_of_two(e: Tensor) -> Tensor:
    """float32 2^e for int32 e in -126..127, by its bits: ``pow`` and ``ldexp`` may round."""
    return ((e + 127) << 23).view(torch.float32)


def split(q: Tensor) -> Tensor:
    """int16 q in -16384..16384 -> int8 digits [2, *shape], h then l, with q = 256 h + l."""
    # Each digit plane keeps q's memory format, so that a convolution finds its channels last.
    out = q.new_empty((2, *q.shape), dtype=torch.int8).as_strided(
        (2, *q.shape), (q.numel(), *q.stride())
    )
    out[1].copy_(q)  # wraps: the low byte as a signed number
    out[0].copy_(q.add(128).bitwise_right_shift_(8))
    return out
