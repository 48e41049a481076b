"""Integer sums by floating-point matrix products that cannot round: the reference."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import torch
from torch import Tensor
from torch.nn import functional as F

from ddcodec.exact.backends.base import Backend, Geometry, is_x86, joined
from ddcodec.exact.grid import tile, tiles_of_two_axes

__all__ = ["Float32", "Float64"]


class _Chunked(Backend):
    """Sums of as many products at a time as are exact in ``dtype`` in any order."""

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

    def linear(self, weight: Tensor) -> Callable[[Tensor], Tensor]:
        digits, height, terms = weight.shape
        sums = self._sums(weight.flatten(0, 1))

        def multiply(a: Tensor) -> Tensor:
            out = torch.empty(a.shape[1], height, dtype=torch.float32, device=a.device)
            step = max(1, tile(a.device) // max(terms, digits * height))
            for start in range(0, len(out), step):
                rows = slice(start, start + step)
                parts = torch.stack([sums(digit[rows].to(self.dtype)) for digit in a])
                joined(_by_digit(parts, digits), out[rows])
            return out

        return multiply

    def convolution(self, weight: Tensor, geometry: Geometry) -> Callable[[Tensor], Tensor]:
        # Never a library's convolution, which may use Winograd's method: copies of windows, row by
        # row of the picture, so that a matrix product reads them from a cache.
        digits, height, _, *window = weight.shape
        sums = self._sums(weight.permute(0, 1, 3, 4, 2).flatten(2).flatten(0, 1))
        px, py = geometry.padding[1], geometry.padding[0]

        def convolve(a: Tensor) -> Tensor:
            padded = F.pad(a, (px, px, py, py)).permute(0, 1, 3, 4, 2)
            windows = _windows(padded.contiguous().to(self.dtype), window, geometry)
            _, n, y, x, *inside = windows.shape
            out = torch.empty(n, y, x, height, dtype=torch.float32, device=a.device)
            for part in tiles_of_two_axes(windows[0]):
                columns = windows[:, *part].reshape(len(a), -1, prod(inside))
                parts = torch.stack([sums(digit) for digit in columns])
                joined(_by_digit(parts, digits), out[part].view(-1, height))
            return out.permute(0, 3, 1, 2)

        return convolve

    def _sums(self, weight: Tensor) -> Callable[[Tensor], Tensor]:
        """int8 [out, terms] -> a function ``dtype`` [m, terms] -> int32 or exact [m, out]."""
        columns = weight.t().to(self.dtype).contiguous()
        cuts = self._cuts(weight)

        def add_up(a: Tensor) -> Tensor:
            if len(cuts) == 1:
                return a @ columns
            parts = ((a[:, cut] @ columns[cut]).to(torch.int32) for cut in cuts)
            return sum(parts, start=torch.zeros((), dtype=torch.int32, device=a.device))

        return add_up

    def _cuts(self, weight: Tensor) -> list[slice]:
        """Runs of terms whose sums are exact, whatever the activations: most rows need one."""
        # A digit is at most 128, so a sum's parts are at most 128 times the weights' magnitudes.
        limit = 128 * self.terms
        total = weight.to("cpu", torch.int64).abs().cumsum(1)
        cuts, start = list[slice](), 0
        while start < weight.shape[1]:
            before = total[:, start - 1 : start] if start else 0
            largest = (total - before).amax(0)
            end = max(start + 1, int(torch.searchsorted(largest, limit, right=True)))
            cuts.append(slice(start, end))
            start = end
        return cuts or [slice(0, 0)]


def _by_digit(parts: Tensor, digits: int) -> Tensor:
    """[activation digits, m, weight digits x out] -> [activation digits, weight digits, m, out]."""
    return parts.view(*parts.shape[:2], digits, -1).transpose(1, 2)


def _has_direct_convolution(device: torch.device) -> bool:
    """Whether torch asks oneDNN for the direct algorithm by name, as it does on x86 only.

    Elsewhere the library may choose, and Winograd's method rounds. So may torch without oneDNN.
    """
    return is_x86(device) and bool(torch._C._get_mkldnn_enabled())


def _windows(rows: Tensor, window: list[int], geometry: Geometry) -> Tensor:
    """[digits, n, h, w, channels] -> a view [digits, n, h', w', rows, columns, channels]."""
    sizes, strides = list(rows.shape[:2]), list(rows.stride()[:2])
    for i, (side, move, spread) in enumerate(
        zip(window, geometry.stride, geometry.dilation, strict=True), 2
    ):
        sizes.append((rows.shape[i] - spread * (side - 1) - 1) // move + 1)
        strides.append(rows.stride(i) * move)
    sizes += [*window, rows.shape[4]]
    strides += [s * d for s, d in zip(rows.stride()[2:4], geometry.dilation, strict=True)]
    return rows.as_strided(sizes, [*strides, rows.stride(4)])


class Float32(_Chunked):
    """Runs everywhere: 1,024 products of at most 2^14 sum to at most 2^24."""

    name = "float32"

    def convolution(self, weight: Tensor, geometry: Geometry) -> Callable[[Tensor], Tensor]:
        filters = weight.flatten(0, 1)
        direct = _has_direct_convolution(self.device)
        if not direct or len(self._cuts(filters.flatten(1))) > 1:
            return super().convolution(weight, geometry)
        digits, height = weight.shape[:2]
        weights = filters.float().contiguous(memory_format=torch.channels_last)
        window = (geometry.padding, geometry.stride, geometry.dilation, 1)

        def convolve(a: Tensor) -> Tensor:
            x = a.flatten(0, 1).contiguous(memory_format=torch.channels_last).float()
            sums = torch.mkldnn_convolution(x, weights, None, *window)
            parts = sums.view(*a.shape[:2], digits, height, *sums.shape[2:]).transpose(1, 2)
            return joined(parts).contiguous(memory_format=torch.channels_last)

        return convolve


class Float64(_Chunked):
    """65,536 products of at most 2^14 sum to at most 2^30, far below 2^53."""

    name = "float64"
    dtype = torch.float64
    terms = 1 << 16
