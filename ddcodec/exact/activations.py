"""Activation functions by table (spec/exact.md, "Activations"): the same bits on every device.

The argument is rounded to a multiple of 1/2048 within -16..16, which selects an entry; the entry is
the result (sigmoid, tanh) or what the argument is multiplied by (SiLU, GELU). NaN gives NaN;
infinity counts as 16 in the look-up.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import torch
from torch import Tensor

from ddcodec import tables
from ddcodec.errors import UnsupportedFeatureError
from ddcodec.exact.grid import scratch, tiles

__all__ = ["gelu", "sigmoid", "silu", "tanh"]

_LEAST, _MOST = -16.0, 16.0 - 2.0**-11
# The binary32 numbers from 4096 to 8192 are the multiples of 2^-11. So adding this to x in that
# range rounds 2048 x to an integer i, ties to even, and leaves i + 32768, which is the place of
# its entry, in the low 16 bits.
_ROUNDER = 1.5 * 2**12 + 16


def sigmoid(x: Tensor) -> Tensor:
    """The logistic function of ``x``, within 2^-13 of its true value.

    Args:
        x: float32 of any shape and memory format.

    Returns:
        float32 of ``x``'s shape and memory format.

    Raises:
        UnsupportedFeatureError: ``x`` is not float32.
    """
    return _map(x, _sigmoid_curve(x.device), 1, _where_number)


def silu(x: Tensor) -> Tensor:
    """x * sigmoid(x). Shapes, types and errors as for :func:`sigmoid`."""
    return _map(x, _sigmoid_curve(x.device), 1, torch.mul)


def gelu(x: Tensor) -> Tensor:
    """x * Phi(x), with Phi of the normal distribution, not its approximation by tanh.

    Shapes, types and errors as for :func:`sigmoid`.
    """
    return _map(x, _gaussian_curve(x.device), 1, torch.mul)


def tanh(x: Tensor) -> Tensor:
    """2 sigmoid(2 x) - 1. Shapes, types and errors as for :func:`sigmoid`."""
    # Doubling is exact, before and after the look-up, so it is part of the bounds and of the table.
    return _map(x, _tanh_curve(x.device), 2, _where_number)


def _map(x: Tensor, curve: Tensor, factor: int, finish: Callable[..., Tensor]) -> Tensor:
    """``finish(entry, x)`` of every element, where entry = curve[round(2048 factor x)]."""
    if x.dtype != torch.float32:
        raise UnsupportedFeatureError(
            f"exact activations take float32, not {x.dtype}; convert the network to float32"
        )
    out = torch.empty_like(x)  # keeps the strides of a tensor without gaps or overlaps
    x = x.detach()
    if out.stride() != x.stride():
        x = torch.empty_like(out).copy_(x)
    # Element order does not matter: both are taken as flat memory.
    flat_out = out.as_strided((out.numel(),), (1,))
    flat_x = x.as_strided((x.numel(),), (1,))
    for part in tiles(flat_x):
        piece, result = flat_x[part], flat_out[part]
        index = scratch(piece, torch.float32)
        torch.clamp(piece, _LEAST / factor, _MOST / factor, out=index).add_(_ROUNDER / factor)
        # The mask also brings NaN, whose entry does not matter, into the table.
        places = index.view(torch.int32).bitwise_and_(0xFFFF)
        torch.index_select(curve, 0, places, out=result)
        finish(result, piece, out=result)
    return out


def _where_number(values: Tensor, x: Tensor, out: Tensor) -> Tensor:
    """``values``, or NaN where ``x`` is NaN."""
    return torch.where(x == x, values, x, out=out)


@cache
def _sigmoid_curve(device: torch.device) -> Tensor:
    return _on_device(_both_halves(tables.sigmoid()), device)


@cache
def _gaussian_curve(device: torch.device) -> Tensor:
    return _on_device(_both_halves(tables.gaussian()), device)


@cache
def _tanh_curve(device: torch.device) -> Tensor:
    # Whole multiples of 2^-23 within -1..1: exact.
    return _on_device(2 * _both_halves(tables.sigmoid()) - 1, device)


def _both_halves(half: np.ndarray) -> np.ndarray:
    """float64 [65536] at -16, ..., 16 - 1/2048 of a distribution function stored from 0 to 16."""
    curve = np.concatenate([2**24 - half[:0:-1], half[:-1]])
    # What lies beyond the ends is clamped to them: there silu(x) is x, or 0.
    curve[0], curve[-1] = 0, 2**24
    return curve / 2**24


def _on_device(curve: np.ndarray, device: torch.device) -> Tensor:
    # Made as an ordinary tensor, for it outlives an inference mode around the first call.
    with torch.inference_mode(False):
        return torch.from_numpy(curve.astype(np.float32)).to(device)
