"""Integer sums by floating-point matrix products that cannot round: the reference."""

from __future__ import annotations

import torch
from torch import Tensor

from ddcodec.exact.backends.base import Backend

__all__ = ["Float32", "Float64"]


class _Chunked(Backend):
    """Sums of at most ``terms`` products at a time, each exact in ``dtype`` in any order."""

    def product(self, a: Tensor, b: Tensor) -> Tensor:
        total: Tensor | None = None
        for start in range(0, a.shape[1], self.terms):
            left = a[:, start : start + self.terms].to(self.dtype)
            right = b[start : start + self.terms].to(self.dtype)
            part = (left @ right).to(torch.int32)
            total = part if total is None else total.add_(part)
        if total is None:
            return torch.zeros(len(a), b.shape[1], dtype=torch.int32, device=a.device)
        return total


class Float32(_Chunked):
    """Runs everywhere: 1,024 products of at most 2^14 sum to at most 2^24."""

    name = "float32"


class Float64(_Chunked):
    """65,536 products of at most 2^14 sum to at most 2^30, far below 2^53."""

    name = "float64"
    dtype = torch.float64
    terms = 1 << 16
