"""Integer sums by the int8 tensor cores of an NVIDIA GPU, through cuBLASLt."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ddcodec.exact.backends.base import Backend

__all__ = ["Int8Cuda"]

# What torch._int_mm asks for: more than 16 rows, other sides multiples of 8.
_MIN_ROWS = 17
_MULTIPLE = 8


class Int8Cuda(Backend):
    """Operands are filled up with zeros, which changes no sum."""

    name = "int8"

    def product(self, a: Tensor, b: Tensor) -> Tensor:
        rows, columns = len(a), b.shape[1]
        inner = -a.shape[1] % _MULTIPLE
        a = F.pad(a, (0, inner, 0, max(0, _MIN_ROWS - rows)))
        # cuBLASLt wants the second operand with its columns contiguous.
        b = F.pad(b.t(), (0, inner, 0, -columns % _MULTIPLE)).contiguous().t()
        return torch._int_mm(a.contiguous(), b)[:rows, :columns]
