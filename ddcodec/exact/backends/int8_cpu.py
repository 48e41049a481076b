"""Integer sums by a processor's 8-bit instructions, through oneDNN."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ddcodec.exact.backends.base import Backend, Geometry

__all__ = ["Int8Cpu"]

# oneDNN takes unsigned activations (signed ones are a thousand times slower without AMX): digits
# are moved up by this zero point.
_ZERO = 128


class Int8Cpu(Backend):
    """Fast where the processor has VNNI; wrong on some without (products saturate).

    So it is used only where it has passed the known-answer tests.
    """

    name = "int8"

    def product(self, a: Tensor, b: Tensor) -> Tensor:
        if a.shape[1] == 1:
            # With a single term the library leaves its result unwritten (seen in torch 2.13).
            a, b = F.pad(a, (0, 1)), F.pad(b, (0, 0, 0, 1))
        return torch._int_mm(a, b)

    def linear(self, weight: Tensor) -> Callable[[Tensor], Tensor]:
        ops: Any = torch.ops.onednn
        packed = [ops.qlinear_prepack(digit.contiguous(), None) for digit in weight]
        ones, zeros = self._neutral(weight.shape[1])

        def multiply(a: Tensor) -> Tensor:
            moved = _unsigned(a)
            out: Tensor | None = None
            for i, j, factor in _terms(len(a), len(packed)):
                before = (moved[i], factor, _ZERO, packed[j], ones, zeros)
                after = (None, 1.0, 0, torch.float32)
                if out is None:
                    out = ops.qlinear_pointwise(*before, *after, "none", [], "")
                else:
                    post: tuple[Any, ...] = (1.0, 0, "sum", 1.0, "none", [], "")
                    out = ops.qlinear_pointwise.binary(*before, out, *after, *post)
            assert out is not None
            return out

        return multiply

    def convolution(self, weight: Tensor, geometry: Geometry) -> Callable[[Tensor], Tensor]:
        ops: Any = torch.ops.onednn
        window = tuple(map(list, (geometry.stride, geometry.padding, geometry.dilation)))
        ones, zeros = self._neutral(weight.shape[1])
        packed = [
            ops.qconv_prepack(digit.contiguous(), ones, 1.0, _ZERO, *window, 1, None)
            for digit in weight
        ]

        def convolve(a: Tensor) -> Tensor:
            moved = _unsigned(a.permute(0, 1, 3, 4, 2)).permute(0, 1, 4, 2, 3)
            out: Tensor | None = None
            for i, j, factor in _terms(len(a), len(packed)):
                before = (moved[i], factor, _ZERO, packed[j], ones, zeros)
                after = (None, *window, 1, 1.0, 0, torch.float32)
                if out is None:
                    out = ops.qconv2d_pointwise(*before, *after, "none", [], "")
                else:
                    post: tuple[Any, ...] = (1.0, 0, "sum", 1.0, None, [], None)
                    out = ops.qconv2d_pointwise.binary(*before, out, *after, *post)
            assert out is not None
            return out

        return convolve

    def _neutral(self, channels: int) -> tuple[Tensor, Tensor]:
        """Scales and zero points of weights that change nothing."""
        ones = torch.ones(channels, dtype=torch.float32, device=self.device)
        return ones, torch.zeros(channels, dtype=torch.int32, device=self.device)


def _terms(activation_digits: int, weight_digits: int) -> list[tuple[int, int, float]]:
    """(activation digit, weight digit, factor) in the order in which "Sums" adds them up.

    Each is rounded to binary32, multiplied by its factor, a power of two, and added to those
    before it: RN(256 r_hl + 256 r_lh) is 256 m, and so on.
    """
    if activation_digits == 1:
        return [(0, 0, 1.0)]
    if weight_digits == 1:
        return [(0, 0, 256.0), (1, 0, 1.0)]
    return [(0, 1, 256.0), (1, 0, 256.0), (1, 1, 1.0), (0, 0, 65536.0)]


def _unsigned(digits: Tensor) -> Tensor:
    """int8 -> contiguous uint8, moved up by the zero point."""
    return digits.contiguous().view(torch.uint8) ^ _ZERO
