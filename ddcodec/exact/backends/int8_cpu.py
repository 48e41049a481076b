"""Integer sums by a processor's 8-bit instructions, through oneDNN."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ddcodec.exact.backends.base import Backend, Geometry

__all__ = ["Int8Cpu"]

# oneDNN's convolution takes unsigned activations: digits are moved up by this zero point.
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

    def convolution(self, weight: Tensor, geometry: Geometry) -> Callable[[Tensor], Tensor]:
        ops: Any = torch.ops.onednn
        channels = len(weight)
        stride, padding, dilation = map(
            list, (geometry.stride, geometry.padding, geometry.dilation)
        )
        scale = torch.ones(channels, dtype=torch.float32, device=self.device)
        zero = torch.zeros(channels, dtype=torch.int32, device=self.device)
        packed = ops.qconv_prepack(
            weight.contiguous(), scale, 1.0, _ZERO, stride, padding, dilation, 1, None
        )

        def convolve(a: Tensor) -> Tensor:
            moved = a.contiguous(memory_format=torch.channels_last).view(torch.uint8) ^ _ZERO
            out: Tensor = ops.qconv2d_pointwise(
                moved,
                1.0,
                _ZERO,
                packed,
                scale,
                zero,
                None,
                stride,
                padding,
                dilation,
                1,
                1.0,
                0,
                torch.float32,
                "none",
                [],
                "",
            )
            return out

        return convolve
