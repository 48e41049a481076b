"""Integer weights, derived from a checkpoint once (spec/exact.md, "Weights", "Weights digest")."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ddcodec.errors import ModelMismatchError
from ddcodec.exact.grid import split
from ddcodec.recipe.profiles import Profile

__all__ = ["IntegerWeight", "digest_weights", "integer_weights", "quantise_weight"]

# Channels smaller than this are zero: their scale would leave the normal numbers.
_SMALLEST = 2.0**-100
_TOP = {1: 127, 2: 16383}
# Rows quantised at a time, so that binary64 copies stay small beside the weight.
_CHUNK = 1 << 22


@dataclass(frozen=True)
class IntegerWeight:
    """The weight of a linear layer or convolution, one scale an output channel.

    Attributes:
        values: int8 (8-bit weights) or int16 (15-bit weights), of the weight's shape.
        scale: float32 [output channels].
    """

    values: Tensor
    scale: Tensor

    def digits(self) -> Tensor:
        """int8 [digits, *shape], most significant first."""
        return split(self.values) if self.values.dtype == torch.int16 else self.values[None]


def quantise_weight(weight: Tensor, digits: int) -> IntegerWeight:
    """float [out, ...] -> integers, in binary64, one rounding a step.

    Raises:
        ModelMismatchError: a weight is not finite.
    """
    top = _TOP[digits]
    flat = weight.detach().reshape(len(weight), -1)
    values = torch.empty(flat.shape, dtype=torch.int8 if digits == 1 else torch.int16, device="cpu")
    scale = torch.empty(len(flat), dtype=torch.float32, device="cpu")
    step = max(1, _CHUNK // max(1, flat.shape[1]))
    for start in range(0, len(flat), step):
        rows = flat[start : start + step].cpu().double()
        amax = rows.abs().amax(1)
        if not bool(torch.isfinite(amax).all()):
            raise ModelMismatchError(
                "a weight of the prior is not finite; fetch or export the prior again"
            )
        small = amax < _SMALLEST
        s = (amax / torch.full_like(amax, top)).float().masked_fill_(small, 1.0)
        q = (rows / s.double()[:, None]).round_().clamp_(-top, top)
        values[start : start + step] = q.masked_fill_(small[:, None], 0.0).to(values.dtype)
        scale[start : start + step] = s
    values, scale = values.view(weight.shape).to(weight.device), scale.to(weight.device)
    return IntegerWeight(values, scale)


def integer_weights(module: nn.Module, profile: Profile) -> dict[str, IntegerWeight]:
    """Integers for every linear layer and 2-d convolution of a network, by parameter name."""
    return {
        f"{name}.weight" if name else "weight": quantise_weight(layer.weight, profile.weight_digits)
        for name, layer in module.named_modules()
        if isinstance(layer, nn.Linear | nn.Conv2d)
    }


def digest_weights(
    name: str, module: nn.Module, weights: Mapping[str, IntegerWeight], into: Any = None
) -> Any:
    """Feed one network to a SHA-256; returns the hash object.

    Args:
        name: ``text_encoder``, ``unet`` or ``vae``.
        module: where parameters that stay float32 (biases, norms, embeddings) are.
        weights: the integers of all others.
        into: a hash to continue; a new SHA-256 by default.
    """
    state = hashlib.sha256() if into is None else into
    state.update(name.encode() + b"\0")
    # Sorted by content: a library may rename its parameters, and their integers stay the same.
    for digest in sorted(_digest(p, weights.get(key)) for key, p in module.named_parameters()):
        state.update(digest)
    return state


def _digest(parameter: Tensor, integer: IntegerWeight | None) -> bytes:
    shape = tuple(parameter.shape)
    kind = b"f" if integer is None else b"q"
    state = hashlib.sha256(kind + struct.pack(f"<{1 + len(shape)}I", len(shape), *shape))
    if integer is None:
        state.update(_bytes(parameter.detach(), torch.float32))
    else:
        state.update(_bytes(integer.values, torch.int16))
        state.update(_bytes(integer.scale, torch.float32))
    return state.digest()


def _bytes(values: Tensor, dtype: torch.dtype) -> memoryview:
    array = values.to("cpu", dtype).contiguous().numpy().reshape(-1)
    return array.astype(array.dtype.newbyteorder("<"), copy=False).view(np.uint8).data
