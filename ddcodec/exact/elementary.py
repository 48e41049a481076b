"""exp, sin and cos, correctly rounded (spec/exact.md, "Elementary functions").

Libraries and devices differ in the last bits of these. Networks need them only for the embedding of
timesteps: few values, the same in every row of a batch and in every image. So each is computed once
and remembered, on the CPU, with as many digits as its rounding takes.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import mpmath
import torch
from torch import Tensor

from ddcodec.errors import UnsupportedFeatureError

__all__ = ["MAX_ELEMENTS", "cos", "exp", "sin"]

MAX_ELEMENTS = 65_536

_PRECISION = 64  # bits tried first; more than enough for nearly every argument
_MARGIN = 256  # bound on mpmath's error, in units of the last of those bits; it is about 1
_EXP_INFINITE = 89.0  # from here on exp exceeds every binary32 number ...
_EXP_ZERO = -104.0  # ... and up to here it is below half of the least one


def exp(x: Tensor) -> Tensor:
    """The binary32 number nearest to e^x, for every element.

    Overflow gives infinity. NaN gives NaN.

    Args:
        x: float32 of any shape, at most ``MAX_ELEMENTS`` elements.

    Returns:
        float32 of ``x``'s shape, on its device.

    Raises:
        UnsupportedFeatureError: ``x`` is not float32, or has too many elements.
    """
    return _map(x, _exp)


def sin(x: Tensor) -> Tensor:
    """The binary32 number nearest to sin x (radians), for every element.

    Infinities and NaN give NaN. Shapes, types and errors as for :func:`exp`.
    """
    return _map(x, _sin)


def cos(x: Tensor) -> Tensor:
    """The binary32 number nearest to cos x (radians), for every element.

    Infinities and NaN give NaN. Shapes, types and errors as for :func:`exp`.
    """
    return _map(x, _cos)


def _map(x: Tensor, function: Callable[[int], int]) -> Tensor:
    """A function from binary32 bits to binary32 bits, of every element."""
    if x.dtype != torch.float32:
        raise UnsupportedFeatureError(
            f"exact exp, sin and cos take float32, not {x.dtype}; convert the network to float32"
        )
    if x.numel() > MAX_ELEMENTS:
        raise UnsupportedFeatureError(
            f"exact exp, sin and cos take at most {MAX_ELEMENTS} elements, not {x.numel()}, for "
            "they serve timestep embeddings; render smaller batches or use the float profile"
        )
    bits = x.detach().cpu().contiguous().view(torch.int32)
    values = [function(b) for b in bits.flatten().tolist()]
    found = torch.tensor(values, dtype=torch.int32, device=x.device).view(torch.float32)
    return found.reshape(x.shape)


# Bits, not numbers, are what is remembered: they tell -0 from 0, and NaN equals itself.


@lru_cache(MAX_ELEMENTS)
def _exp(bits: int) -> int:
    x = _number(bits)
    if x == 0:
        return _bits(1.0)
    if x <= _EXP_ZERO:
        return _bits(0.0)
    if math.isnan(x) or x >= _EXP_INFINITE:
        return _bits(x + math.inf)
    return _bits(_rounded(mpmath.exp, x))


@lru_cache(MAX_ELEMENTS)
def _sin(bits: int) -> int:
    x = _number(bits)
    if x == 0:
        return bits
    return _bits(_rounded(mpmath.sin, x) if math.isfinite(x) else math.nan)


@lru_cache(MAX_ELEMENTS)
def _cos(bits: int) -> int:
    x = _number(bits)
    if x == 0:
        return _bits(1.0)
    return _bits(_rounded(mpmath.cos, x) if math.isfinite(x) else math.nan)


def _rounded(function: Callable[..., Any], x: float) -> float:
    """The binary32 number nearest to ``function(x)``, infinite beyond the largest.

    Ziv's test (ACM TOMS 17(3), 1991): a result with an error bound is good as soon as both its ends
    round alike. The loop ends because exp, sin and cos of a rational number other than 0 are
    irrational, and so never halfway between two binary32 numbers.
    """
    precision = _PRECISION
    while True:
        value = function(x, prec=precision)
        shift = precision - mpmath.mag(value)
        units = int(mpmath.ldexp(value, shift))  # value = units / 2^shift, up to one unit
        low = _nearest(units - _MARGIN, shift)
        if low == _nearest(units + _MARGIN, shift):
            return low
        precision *= 2


def _nearest(units: int, shift: int) -> float:
    """The binary32 number nearest to units / 2^shift, ties to even."""
    excess = max(abs(units).bit_length() - 24, shift - 149)  # bits finer than binary32's
    if excess > 0:
        quotient, rest = units >> excess, units & ((1 << excess) - 1)
        half = 1 << (excess - 1)
        units = quotient + (rest > half or (rest == half and quotient & 1))
        shift -= excess
    value = math.ldexp(units, -shift)
    return value if abs(value) < 2.0**128 else math.copysign(math.inf, value)


def _number(bits: int) -> float:
    (value,) = struct.unpack("<f", struct.pack("<i", bits))
    return float(value)


def _bits(value: float) -> int:
    (bits,) = struct.unpack("<i", struct.pack("<f", value))
    return int(bits)
