"""Integer sums by the int8 tensor cores of a GPU, through a Triton kernel that finishes layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor

from ddcodec.exact.backends.base import Backend, Geometry, Scaled

__all__ = ["Triton"]

_DEPTH = 64  # terms a step
_PIXEL = Geometry()


class Triton(Backend):
    """All digit pairs of a tile are summed in one pass, joined and scaled before they leave it.

    Triton's interpreter runs it on a CPU, where ``TRITON_INTERPRET=1`` is set before triton is
    imported.
    """

    name = "triton"

    def product(self, a: Tensor, b: Tensor) -> Tensor:
        return self.products(a[None], b[None])[0]

    def products(self, a: Tensor, b: Tensor) -> Tensor:
        out = torch.empty(len(a), a.shape[1], b.shape[2], dtype=torch.int32, device=a.device)
        columns = _terms_last(b.transpose(1, 2))[:, None, :, None]
        _launch(_terms_last(a)[:, None, :, None, None], columns, out, _Window())
        return out

    def linear(self, weight: Tensor) -> Callable[[Tensor], Tensor]:
        return _rows(weight, None)

    def scaled_linear(self, weight: Tensor, scale: Tensor) -> Scaled:
        return _rows(weight, scale)

    def convolution(self, weight: Tensor, geometry: Geometry) -> Callable[[Tensor], Tensor]:
        return _pictures(weight, None, geometry)

    def scaled_convolution(self, weight: Tensor, scale: Tensor, geometry: Geometry) -> Scaled:
        return _pictures(weight, scale, geometry)


@dataclass(frozen=True)
class _Window:
    """Of a filter: rows and columns, and how it moves."""

    rows: int = 1
    columns: int = 1
    geometry: Geometry = _PIXEL

    def moves(self, height: int, width: int) -> list[int]:
        """Rows and columns of the result for pictures of a size."""
        g = self.geometry
        reach = (g.dilation[0] * (self.rows - 1) + 1, g.dilation[1] * (self.columns - 1) + 1)
        both = zip((height, width), g.padding, reach, g.stride, strict=True)
        return [(side + 2 * around - wide) // move + 1 for side, around, wide, move in both]


@dataclass(frozen=True)
class _Epilogue:
    """What follows the sums: scales of samples and columns, in some order, and a bias."""

    factors: str
    sample: Tensor
    column: Tensor
    bias: Tensor | None


def _rows(weight: Tensor, scale: Tensor | None) -> Callable[..., Tensor]:
    """A linear layer: the convolution of pictures of one pixel."""
    filters = weight.contiguous()[None, :, :, None]

    def multiply(a: Tensor, of_rows: Tensor | None = None, bias: Tensor | None = None) -> Tensor:
        out = torch.empty(a.shape[1], weight.shape[1], dtype=torch.float32, device=a.device)
        after = _epilogue("in turn", of_rows, scale, bias)
        _launch(_terms_last(a)[None, :, :, None, None], filters, out[None], _Window(), after)
        return out

    return multiply


def _pictures(weight: Tensor, scale: Tensor | None, geometry: Geometry) -> Callable[..., Tensor]:
    window = _Window(weight.shape[3], weight.shape[4], geometry)
    filters = weight.permute(0, 1, 3, 4, 2).flatten(2, 3).contiguous()[None]

    def convolve(a: Tensor, of_samples: Tensor | None = None, bias: Tensor | None = None) -> Tensor:
        shape = (a.shape[1], *window.moves(a.shape[3], a.shape[4]), weight.shape[1])
        out = torch.empty(shape, dtype=torch.float32, device=a.device)
        after = _epilogue("together", of_samples, scale, bias)
        _launch(_terms_last(a.permute(0, 1, 3, 4, 2))[None], filters, out[None], window, after)
        return out.permute(0, 3, 1, 2)

    return convolve


def _epilogue(
    factors: str, sample: Tensor | None, column: Tensor | None, bias: Tensor | None
) -> _Epilogue | None:
    if sample is None or column is None:
        return None
    whole = None if bias is None else bias.contiguous()
    return _Epilogue(factors, sample.contiguous(), column.contiguous(), whole)


def _terms_last(x: Tensor) -> Tensor:
    """The last axis, over which products are summed, lies contiguous."""
    return x if x.stride(-1) == 1 else x.contiguous()


def _launch(
    a: Tensor, b: Tensor, out: Tensor, window: _Window, after: _Epilogue | None = None
) -> None:
    """Run the kernel.

    Args:
        a: int8 [batch, digits, n, height, width, channels], the last axis contiguous.
        b: int8 [batch, digits, columns, taps, channels], the last two axes contiguous.
        out: int32 for plain sums, float32 for joined ones; [batch, n, .., columns], contiguous.
        after: what follows joined sums.
    """
    from ddcodec.exact.backends.triton_kernel import sums_of_products

    if out.numel() == 0:
        return
    _, a_digits, n, height, width, channels = a.shape
    b_digits, columns = b.shape[1:3]
    out_height, out_width = window.moves(height, width)
    rows = n * out_height * out_width
    tile = _tile(rows, columns, len(out), a_digits * b_digits, _processors(a.device))
    programs = len(out) * -(-rows // tile[0]) * -(-columns // tile[1])
    g = window.geometry
    cuda: Any = torch.cuda  # its types are incomplete
    with cuda.device_of(a):
        sums_of_products[(programs,)](
            a,
            b,
            out,
            out if after is None else after.sample,
            out if after is None else after.column,
            out if after is None or after.bias is None else after.bias,
            rows,
            columns,
            channels,
            height,
            width,
            out_height,
            out_width,
            *a.stride()[:5],
            *b.stride()[:3],
            A_DIGITS=a_digits,
            B_DIGITS=b_digits,
            TAPS=window.rows * window.columns,
            TAPS_A_ROW=window.columns,
            STRIDE_Y=g.stride[0],
            STRIDE_X=g.stride[1],
            PADDING_Y=g.padding[0],
            PADDING_X=g.padding[1],
            DILATION_Y=g.dilation[0],
            DILATION_X=g.dilation[1],
            JOINED=out.dtype == torch.float32,
            FACTORS="none" if after is None else after.factors,
            HAS_BIAS=after is not None and after.bias is not None,
            BLOCK_M=tile[0],
            BLOCK_N=tile[1],
            BLOCK_K=_DEPTH,
            num_warps=8 if tile[0] * tile[1] > 64 * 64 else 4,
            num_stages=3,
            # A multiplication and an addition fused round once, where the scales and the bias of
            # spec/exact.md round twice.
            enable_fp_fusion=False,
        )


def _tile(rows: int, columns: int, batch: int, pairs: int, processors: int) -> tuple[int, int]:
    """Rows and columns of a tile; no result depends on them.

    Four digit pairs have four sums for each element, which must fit the registers. Small layers
    have smaller tiles, so that every processor gets some.
    """
    height = min(128, max(16, _power_of_two(rows)))
    width = min(128 if pairs < 4 else 64, max(16, _power_of_two(columns)))
    while batch * -(-rows // height) * -(-columns // width) < processors and height * width > 1024:
        height, width = (height // 2, width) if height > width else (height, width // 2)
    return height, width


def _power_of_two(least: int) -> int:
    return 1 << (least - 1).bit_length()


@cache
def _processors(device: torch.device) -> int:
    """Multiprocessors of a GPU; 1 where the interpreter runs on a CPU."""
    if device.type != "cuda":
        return 1
    return int(torch.cuda.get_device_properties(device).multi_processor_count)
