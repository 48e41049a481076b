"""Integer grids for activations (spec/exact.md, "Grids"): blocks share a scale, digits have 8 bits.

A scale comes from the largest magnitude of its block, which is exact in any order, so no
calibration is needed and a block's integers depend on nothing outside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["TILE", "Grid", "exponent", "power_of_two", "quantise", "split"]

# Elements handled at a time, so that the passes over them find them in a core's cache.
TILE = 1 << 20
# Smaller blocks count as this small, so that scales and their inverses stay normal numbers.
_MIN_EXPONENT = -59


@dataclass(frozen=True)
class Grid:
    """Blocks of numbers on integer grids.

    Attributes:
        digits: int8 [digits, blocks, size], most significant first: one (8-bit grid) or two, whose
            value is 256 * digits[0] + digits[1] (15-bit grid).
        scale: float32 [blocks, 1]: what one unit is worth. NaN for a block that held a value that
            is not finite.
    """

    digits: Tensor
    scale: Tensor


def quantise(blocks: Tensor, digits: int) -> Grid:
    """Put each row of float32 [blocks, size] on a grid of its own.

    Args:
        digits: 1 (8-bit grid) or 2 (15-bit grid).
    """
    amax = torch.maximum(blocks.amax(1, keepdim=True), -blocks.amin(1, keepdim=True))
    poison = amax - amax  # 0, or NaN where a value is not finite
    if digits == 1:
        amax = amax.clamp_min_(2.0**_MIN_EXPONENT)
        top = torch.full_like(amax, 127.0)
        factor, scale = top / amax, amax / top
    else:
        e = exponent(amax)
        factor, scale = power_of_two(14 - e), power_of_two(e - 14)
    out = torch.empty((digits, *blocks.shape), dtype=torch.int8, device=blocks.device)
    for rows, columns in _tiles(*blocks.shape):
        q = blocks[rows, columns].mul(factor[rows]).round_()
        if digits == 1:
            out[0, rows, columns].copy_(q)
        else:
            _split(q.to(torch.int16), out[:, rows, columns])
    return Grid(out, scale + poison)


def exponent(amax: Tensor) -> Tensor:
    """int32 E with amax < 2^E, read off the bits of float32; at least -59."""
    return ((amax.view(torch.int32) >> 23) - 126).clamp_min_(_MIN_EXPONENT)


def power_of_two(e: Tensor) -> Tensor:
    """float32 2^e for int32 e in -126..127, by its bits: ``pow`` and ``ldexp`` may round."""
    return ((e + 127) << 23).view(torch.float32)


def split(q: Tensor) -> Tensor:
    """int16 q in -16384..16384 -> int8 digits [2, *shape], h then l, with q = 256 h + l."""
    return _split(q.clone(), q.new_empty((2, *q.shape), dtype=torch.int8))


def _split(q: Tensor, out: Tensor) -> Tensor:
    """Write the digits of ``q``, which is used up."""
    out[1].copy_(q)  # wraps: the low byte as a signed number
    out[0].copy_(q.add_(128).bitwise_right_shift_(8))
    return out


def _tiles(blocks: int, size: int) -> Iterator[tuple[slice, slice]]:
    """Whole blocks where several fit a tile, else pieces of one."""
    rows = max(1, TILE // max(1, size))
    columns = size if rows > 1 else TILE
    for row in range(0, blocks, rows):
        for column in range(0, size, columns):
            yield slice(row, row + rows), slice(column, column + columns)
