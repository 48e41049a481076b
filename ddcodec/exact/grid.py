"""Integer grids for activations (spec/exact.md, "Grids"): blocks share a scale, digits have 8 bits.

A scale comes from the largest magnitude of its block, which is exact in any order, so no
calibration is needed and a block's integers depend on nothing outside it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = [
    "SMALLEST",
    "Grid",
    "quantise",
    "scratch",
    "split",
    "steps_a_unit",
    "tile",
    "tiles",
    "tiles_of_two_axes",
]

# Elements handled at a time: on a CPU, few enough that the passes over them find them in its cache;
# elsewhere, enough that starting an operation costs little.
_TILE_ON_CPU = 1 << 17
_TILE = 1 << 24
# Smaller blocks count as this small (E = -59), so that scales and their inverses stay normal.
SMALLEST = 2.0**-60
_EXPONENT = 0x7F800000  # the exponent's bits in binary32


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
        amax = amax.clamp_min_(2.0 * SMALLEST)
        top = torch.full_like(amax, 127.0)
        factor, scale = top / amax, amax / top
    else:
        factor = steps_a_unit(amax)
        scale = factor.reciprocal()
    out = torch.empty((digits, *blocks.shape), dtype=torch.int8, device=blocks.device)
    for part in tiles_of_two_axes(blocks):
        x = blocks[part]
        q = torch.mul(x, factor[part[0]], out=scratch(x, torch.float32)).round_()
        if digits == 1:
            out[0][part].copy_(q)
        else:
            _split(scratch(x, torch.int16).copy_(q), out[:, *part])
    return Grid(out, scale + poison)


def steps_a_unit(amax: Tensor, at_least: float = SMALLEST) -> Tensor:
    """2^(14 - E), where E is the least integer with max(amax, at_least) < 2^E.

    Args:
        amax: float32, not negative; what is not finite gives 0.
        at_least: a power of two, no less than ``SMALLEST``.
    """
    # By its bits: pow and ldexp may round. The reciprocal of a power of two is exact, too.
    bits = amax.clamp_min(at_least).view(torch.int32).bitwise_and_(_EXPONENT)
    return (_EXPONENT - bits).view(torch.float32).mul_(2.0**12)


def split(q: Tensor) -> Tensor:
    """int16 q in -16384..16384 -> int8 digits [2, *shape], h then l, with q = 256 h + l."""
    return _split(q.clone(), q.new_empty((2, *q.shape), dtype=torch.int8))


def _split(q: Tensor, out: Tensor) -> Tensor:
    """Write the digits of ``q``, which is used up."""
    out[1].copy_(q)  # wraps: the low byte as a signed number
    out[0].copy_(q.add_(128).bitwise_right_shift_(8))
    return out


def tile(device: torch.device) -> int:
    """Elements to handle at a time; no result depends on it."""
    return _TILE_ON_CPU if device.type == "cpu" else _TILE


def scratch(like: Tensor, dtype: torch.dtype) -> Tensor:
    """Memory of ``like``'s shape for values that are used up before the next call of this thread.

    On a CPU it stays: the system clears what a process gives back and takes anew, which costs more
    than the arithmetic on a tile.
    """
    count = like.numel()
    if like.device.type != "cpu" or count > 2 * _TILE_ON_CPU:
        return torch.empty(like.shape, dtype=dtype, device=like.device)
    kept = _kept.by_dtype.get(dtype)
    if kept is None or len(kept) < count:
        # Made as an ordinary tensor, for it outlives an inference mode around this call.
        with torch.inference_mode(False):
            kept = torch.empty(max(count, _TILE_ON_CPU), dtype=dtype, device=like.device)
        _kept.by_dtype[dtype] = kept
    return kept[:count].view(like.shape)


class _Kept(threading.local):
    """Scratch memory of a thread."""

    def __init__(self) -> None:
        self.by_dtype: dict[torch.dtype, Tensor] = {}


_kept = _Kept()


def tiles(x: Tensor) -> Iterator[slice]:
    """Along the first axis of ``x``: parts of about ``tile`` elements, at least one index each."""
    step = max(1, tile(x.device) * len(x) // max(1, x.numel()))
    return (slice(start, start + step) for start in range(0, len(x), step))


def tiles_of_two_axes(x: Tensor) -> Iterator[tuple[slice, slice]]:
    """Parts of about ``tile`` elements: indices of the first axis, or pieces of one."""
    rows, columns = x.shape[:2]
    area = max(1, tile(x.device) * rows * columns // max(1, x.numel()))
    height = max(1, area // max(1, columns))
    width = columns if height > 1 else area
    for row in range(0, rows, height):
        for column in range(0, columns, width):
            yield slice(row, row + height), slice(column, column + width)
