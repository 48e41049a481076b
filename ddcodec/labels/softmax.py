"""Probabilities of integer logits in torch, on the device that trains; the bits of numpy's.

Source: spec/codecs.md, "Probabilities".
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from ddcodec.codecs.soft_labels import weights

__all__ = ["probabilities"]

_CHUNK = 1 << 22
# Devices that have no binary64; their labels are computed on the CPU.
_WITHOUT_FLOAT64 = ("mps",)


def probabilities(logits: Tensor, temperature: tuple[int, int]) -> Tensor:
    """Softmax of integer logits at a rational temperature, bit-identical on every device.

    The same integers and the same two roundings as ``codecs.soft_labels.probabilities``.

    Args:
        logits: int16 [n, K] on the 1/64-nat grid, on any device.
        temperature: T as (numerator, denominator).

    Returns:
        float32 [n, K] on the device of the logits.

    Raises:
        HeaderError: the temperature is out of range.
    """
    device = logits.device
    if device.type in _WITHOUT_FLOAT64:
        logits = logits.cpu()
    table = _table(temperature, logits.device)
    out = torch.empty(logits.shape, dtype=torch.float32, device=logits.device)
    chunk = max(1, _CHUNK // logits.shape[1])
    for start in range(0, len(logits), chunk):
        whole = logits[start : start + chunk].to(torch.int32)
        e = table[whole.amax(dim=1, keepdim=True) - whole]
        # Sums of K < 2^16 weights of at most 2^30 are exact in binary64, in any order.
        out[start : start + chunk] = e / e.sum(dim=1, keepdim=True)
    return out.to(device)


@lru_cache(maxsize=16)
def _table(temperature: tuple[int, int], device: torch.device) -> Tensor:
    return torch.from_numpy(weights(*temperature).astype("f8")).to(device)
