"""Linear layers and convolutions as exact integer sums (spec/exact.md, "Linear", "Convolution")."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ddcodec.errors import UnsupportedFeatureError
from ddcodec.exact.backends import MAX_TERMS, Backend, Geometry
from ddcodec.exact.grid import Grid, quantise, tile
from ddcodec.exact.weights import IntegerWeight

__all__ = ["Convolution", "Linear", "joined"]


class Linear:
    """A prepared linear layer.

    Args:
        weight: integers of shape [out, in].
        backend: sums the products.

    Raises:
        UnsupportedFeatureError: a row has too many terms for a 32-bit sum.
    """

    def __init__(self, weight: IntegerWeight, backend: Backend) -> None:
        self._out, terms = weight.values.shape
        _check_terms(terms)
        self._backend = backend
        self._digits = weight.digits().to(backend.device).flatten(0, 1)
        self._scale = weight.scale.to(backend.device)

    def __call__(self, rows: Grid, bias: Tensor | None) -> Tensor:
        """Rows [m, in] on grids -> float32 [m, out]."""
        count, m = rows.digits.shape[:2]
        out = rows.scale.new_empty(m, self._out)
        step = max(1, tile(out.device) // (count * len(self._digits)))
        for start in range(0, m, step):
            digits = rows.digits[:, start : start + step]
            height = digits.shape[1]
            sums = self._backend.product(digits.flatten(0, 1), self._digits.t())
            parts = sums.view(count, height, -1, self._out).transpose(1, 2)
            part = joined(parts, out[start : start + height])
            part.mul_(self._scale).mul_(rows.scale[start : start + height])
            if bias is not None:
                part.add_(bias)
        return out


class Convolution:
    """A prepared 2-d convolution, one group, zero padding.

    Args:
        weight: integers of shape [out, in, rows, columns].
        geometry: stride, padding and dilation.
        backend: sums the products.

    Raises:
        UnsupportedFeatureError: a pixel has too many terms for a 32-bit sum.
    """

    def __init__(self, weight: IntegerWeight, geometry: Geometry, backend: Backend) -> None:
        self._out = len(weight.values)
        _check_terms(weight.values[0].numel())
        digits = weight.digits().to(backend.device).flatten(0, 1)
        self._sums: Callable[[Tensor], Tensor] = backend.convolution(digits, geometry)
        self._scale = weight.scale.to(backend.device)

    def __call__(self, x: Tensor, digits: int, bias: Tensor | None) -> Tensor:
        """Samples [n, in, h, w], each a block -> float32 [n, out, h', w'], channels last."""
        n = len(x)
        rows = x.permute(0, 2, 3, 1)
        samples = quantise(rows.reshape(n, -1), digits)
        planes = samples.digits.view(digits * n, *rows.shape[1:]).permute(0, 3, 1, 2)
        sums = self._sums(planes)
        parts = sums.view(digits, n, -1, self._out, *sums.shape[2:]).transpose(1, 2)
        out = joined(parts)
        out.mul_(samples.scale[..., None, None] * self._scale[:, None, None])
        return out if bias is None else out.add_(bias[:, None, None])


def joined(parts: Tensor, out: Tensor | None = None) -> Tensor:
    """Sums of digit products -> the value they stand for, float32.

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


def _check_terms(terms: int) -> None:
    if terms > MAX_TERMS:
        raise UnsupportedFeatureError(
            f"a layer sums {terms} products, but exact profiles sum at most {MAX_TERMS}; use the "
            "float profile for this prior"
        )
