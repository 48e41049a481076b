"""Probabilities of integer logits, the same bits in numpy and in torch on any device.

Source: spec/codecs.md, "Probabilities".
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from ddcodec.arrays import Float32s, Int16s, Int32s
from ddcodec.codecs.label_model import UNITS_PER_NAT
from ddcodec.errors import HeaderError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

__all__ = ["probabilities", "torch_probabilities", "weights"]

_FRACTION_BITS = 128
_WEIGHT_BITS = 30
_ENTRIES = 1 << 16
_CHUNK = 1 << 20
_TORCH_CHUNK = 1 << 22
# Devices that have no binary64; their labels are computed on the CPU.
_WITHOUT_FLOAT64 = ("mps",)


@lru_cache(maxsize=16)
def weights(numerator: int, denominator: int) -> Int32s:
    """Softmax weights at temperature T = numerator / denominator, int32 [65536], read-only.

    Entry d is 2^30 * exp(-d / (64 T)) rounded half up, from 128-bit fixed-point integers as
    spec/codecs.md lays down, so that every reader has the same table.

    Raises:
        HeaderError: T is not within 1/64..1024, or a part is not within 1..2^31-1.
    """
    parts_fit = 1 <= numerator < 1 << 31 and 1 <= denominator < 1 << 31
    if not parts_fit or not denominator <= 64 * numerator <= 65536 * denominator:
        raise HeaderError(f"temperature {numerator}/{denominator} is not within 1/64..1024")
    one = 1 << _FRACTION_BITS
    ratio, term, k = 0, one, 0
    while term:
        ratio += -term if k % 2 else term
        k += 1
        term = term * denominator // (UNITS_PER_NAT * numerator * k)
    table = np.zeros(_ENTRIES, dtype=np.int32)
    half = 1 << (_FRACTION_BITS - _WEIGHT_BITS - 1)
    power = one
    for d in range(_ENTRIES):
        weight = (power + half) >> (_FRACTION_BITS - _WEIGHT_BITS)
        if not weight:
            break
        table[d] = weight
        power = power * ratio >> _FRACTION_BITS
    table.flags.writeable = False
    return table


def probabilities(logits: Int16s, temperature: tuple[int, int]) -> Float32s:
    """Softmax of integer logits at a rational temperature; bit-identical everywhere.

    e = weights[max(z) - z]; p = RN32(RN64(e / sum e)), with the sum in integers. Both roundings
    are IEEE 754 to nearest even.

    Args:
        logits: int16 [..., K] on the 1/64-nat grid.
        temperature: T as (numerator, denominator).

    Returns:
        float32 [..., K].

    Raises:
        HeaderError: the temperature is out of range.
    """
    table = weights(*temperature)
    z = np.asarray(logits)
    classes = z.shape[-1]
    rows = z.reshape(-1, classes)
    result = np.empty(rows.shape, dtype=np.float32)
    chunk = max(1, _CHUNK // classes)
    for start in range(0, len(rows), chunk):
        part = rows[start : start + chunk].astype(np.int32)
        e = table[part.max(axis=-1, keepdims=True) - part].astype(np.int64)
        total = e.sum(axis=-1, keepdims=True)
        result[start : start + chunk] = (e / total).astype(np.float32)
    return result.reshape(z.shape)


def torch_probabilities(logits: Tensor, temperature: tuple[int, int]) -> Tensor:
    """Softmax of integer logits at a rational temperature, bit-identical on every device.

    The same integers and the same two roundings as ``probabilities``.

    Args:
        logits: int16 [n, K] on the 1/64-nat grid, on any device.
        temperature: T as (numerator, denominator).

    Returns:
        float32 [n, K] on the device of the logits.

    Raises:
        HeaderError: the temperature is out of range.
    """
    import torch

    device = logits.device
    if device.type in _WITHOUT_FLOAT64:
        logits = logits.cpu()
    table = _table(temperature, logits.device)
    out = torch.empty(logits.shape, dtype=torch.float32, device=logits.device)
    chunk = max(1, _TORCH_CHUNK // logits.shape[1])
    for start in range(0, len(logits), chunk):
        whole = logits[start : start + chunk].to(torch.int32)
        e = table[whole.amax(dim=1, keepdim=True) - whole]
        # Sums of K < 2^16 weights of at most 2^30 are exact in binary64, in any order.
        out[start : start + chunk] = e / e.sum(dim=1, keepdim=True)
    return out.to(device)


@lru_cache(maxsize=16)
def _table(temperature: tuple[int, int], device: torch.device) -> Tensor:
    import torch

    return torch.from_numpy(weights(*temperature).astype("f8")).to(device)
