"""The interface of back ends: exact sums of products of 8-bit integers (spec/exact.md, "Sums")."""

from __future__ import annotations

import platform
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ddcodec.exact.grid import tile, tiles

__all__ = ["MAX_TERMS", "Backend", "Geometry", "Scaled", "is_x86", "joined", "plain_arithmetic"]

# A layer with its scales: from int8 digits [activation digits, n, ...], float32 scales [n, 1] of
# rows or samples, and a bias [out] or None to float32.
Scaled = Callable[[Tensor, Tensor, Tensor | None], Tensor]

# Terms of a sum: 128 * 255 of them stay below 2^31 (one back end adds 128 to a digit).
MAX_TERMS = 1 << 16


def is_x86(device: torch.device) -> bool:
    """Whether a device is a processor of the x86-64 family."""
    return device.type == "cpu" and platform.machine().lower() in ("x86_64", "amd64")


@contextmanager
def plain_arithmetic(device: torch.device) -> Iterator[None]:
    """No automatic mixed precision, no matrix products in fewer bits than binary32.

    Whatever the caller has switched on for its own training holds again afterwards.
    """
    backends: Any = torch.backends
    matmul = backends.cuda.matmul if device.type == "cuda" else backends.mkldnn.matmul
    before = matmul.fp32_precision
    matmul.fp32_precision = "ieee"
    try:
        with torch.autocast(device.type, enabled=False):
            yield
    finally:
        matmul.fp32_precision = before


@dataclass(frozen=True)
class Geometry:
    """Of a 2-d convolution; rows before columns."""

    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)


class Backend(ABC):
    """One way to sum products of integers; all of them give the same integers.

    Attributes:
        name: ``triton``, ``int8``, ``float32`` or ``float64``.
        dtype: floats in which small products are done in batches.
        terms: how many terms sum in ``dtype`` without rounding.
        device: where operands live.
    """

    name: str
    # 128 * 128 * 1024 = 2^24: every partial sum is exact in binary32.
    dtype: torch.dtype = torch.float32
    terms: int = 1 << 10

    def __init__(self, device: torch.device) -> None:
        self.device = device

    @abstractmethod
    def product(self, a: Tensor, b: Tensor) -> Tensor:
        """int8 [m, k] @ int8 [k, n] -> int32 [m, n]; k at most ``MAX_TERMS``."""

    def products(self, a: Tensor, b: Tensor) -> Tensor:
        """int8 [batch, m, k] @ int8 [batch, k, n] -> [batch, m, n], int32 or exact floats."""
        if len(a) == 1:
            return self.product(a[0], b[0])[None]
        if a.shape[2] <= self.terms:
            # Many small products cost more to call than to compute.
            # Digits may lie crosswise; converted before they are turned, they are read in order.
            left = a.contiguous().to(self.dtype)
            if b.stride(1) == 1:
                right = b.transpose(1, 2).contiguous().to(self.dtype).transpose(1, 2)
            else:
                right = b.to(self.dtype)
            return torch.bmm(left, right)
        return torch.stack([self.product(x, y) for x, y in zip(a, b, strict=True)])

    def linear(self, weight: Tensor) -> Callable[[Tensor], Tensor]:
        """Prepare a linear layer by int8 digits [weight digits, out, in].

        Returns:
            A function from int8 digits [activation digits, m, in] to float32 [m, out]: the products
            of "Sums", before any scale.
        """
        digits, height = weight.shape[:2]
        columns = weight.flatten(0, 1).t()

        def multiply(a: Tensor) -> Tensor:
            out = torch.empty(a.shape[1], height, dtype=torch.float32, device=a.device)
            # Sums take several times the result's memory, so there are few of them at a time.
            step = max(1, tile(a.device) // (len(a) * digits))
            for start in range(0, len(out), step):
                part = a[:, start : start + step]
                sums = self.product(part.flatten(0, 1), columns)
                parts = sums.view(*part.shape[:2], digits, height).transpose(1, 2)
                joined(parts, out[start : start + step])
            return out

        return multiply

    def convolution(self, weight: Tensor, geometry: Geometry) -> Callable[[Tensor], Tensor]:
        """Prepare a convolution by int8 digits [weight digits, out, in, rows, columns].

        Returns:
            A function from int8 digits [activation digits, n, in, h, w] to float32
            [n, out, h', w'], as for ``linear``; channels last in memory on both sides.
        """
        filters = weight.flatten(0, 1)

        def convolve(a: Tensor) -> Tensor:
            sums = by_taps(self.product, a.flatten(0, 1), filters, geometry)
            parts = sums.view(*a.shape[:2], len(weight), -1, *sums.shape[2:])
            return joined(parts.transpose(1, 2))

        return convolve

    def scaled_linear(self, weight: Tensor, scale: Tensor) -> Scaled:
        """``linear`` with everything that follows the sums (spec/exact.md, "Linear").

        Args:
            scale: float32 [out], of the weights.
        """
        multiply = self.linear(weight)

        def apply(digits: Tensor, of_rows: Tensor, bias: Tensor | None) -> Tensor:
            out = multiply(digits)
            for part in tiles(out):
                values = out[part].mul_(scale).mul_(of_rows[part])
                if bias is not None:
                    values.add_(bias)
            return out

        return apply

    def scaled_convolution(self, weight: Tensor, scale: Tensor, geometry: Geometry) -> Scaled:
        """``convolution`` with everything that follows the sums (spec/exact.md, "Convolution").

        Args:
            scale: float32 [out], of the weights.
        """
        convolve = self.convolution(weight, geometry)

        def apply(digits: Tensor, of_samples: Tensor, bias: Tensor | None) -> Tensor:
            out = convolve(digits)
            factor = (of_samples * scale)[:, None, None]
            pixels = out.permute(0, 2, 3, 1)
            for part in tiles(pixels):
                values = pixels[part].mul_(factor[part])
                if bias is not None:
                    values.add_(bias)
            return out

        return apply


def joined(parts: Tensor, out: Tensor | None = None) -> Tensor:
    """Sums of digit products -> the value they stand for, float32 (spec/exact.md, "Sums").

    Args:
        parts: int32, or float32 as rounded from it, [activation digits, weight digits, ...].
        out: where to put it.
    """
    # The factors are powers of two: only the additions round, fused or not.
    activation_digits, weight_digits = parts.shape[:2]
    if activation_digits == 1:
        return parts[0, 0].float() if out is None else out.copy_(parts[0, 0])
    if weight_digits == 1:
        return torch.add(parts[1, 0].float(), parts[0, 0].float(), alpha=256, out=out)
    middle = torch.add(parts[0, 1].float(), parts[1, 0].float())
    lower = torch.add(parts[1, 1].float(), middle, alpha=256)
    return torch.add(lower, parts[0, 0].float(), alpha=65536, out=out)


def by_taps(
    product: Callable[[Tensor, Tensor], Tensor], a: Tensor, weight: Tensor, geometry: Geometry
) -> Tensor:
    """A convolution as one matrix product a tap of the filter: no copy is larger than the input."""
    (sy, sx), (py, px), (dy, dx) = geometry.stride, geometry.padding, geometry.dilation
    out, channels, rows, columns = weight.shape
    a = F.pad(a, (px, px, py, py)).permute(0, 2, 3, 1)
    height = (a.shape[1] - dy * (rows - 1) - 1) // sy + 1
    width = (a.shape[2] - dx * (columns - 1) - 1) // sx + 1
    total = torch.zeros(len(a) * height * width, out, dtype=torch.int32, device=a.device)
    for i in range(rows):
        for j in range(columns):
            y, x = i * dy, j * dx
            seen = a[:, y : y + (height - 1) * sy + 1 : sy, x : x + (width - 1) * sx + 1 : sx]
            total += product(seen.reshape(-1, channels), weight[:, :, i, j].t())
    return total.view(len(a), height, width, out).permute(0, 3, 1, 2)
