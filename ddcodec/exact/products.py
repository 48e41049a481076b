"""Linear layers and convolutions as exact integer sums (spec/exact.md, "Linear", "Convolution")."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ddcodec.errors import UnsupportedFeatureError
from ddcodec.exact.backends import MAX_TERMS, Backend, Geometry
from ddcodec.exact.grid import Grid
from ddcodec.exact.weights import IntegerWeight

__all__ = ["Convolution", "Linear"]

# Elements of one integer product: small enough to stay in a core's cache until it is scaled.
_TILE = 1 << 18


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
        """Rows [m, in], each a block -> float32 [m, out]."""
        count, m = rows.digits.shape[:2]
        out = torch.empty(m, self._out, device=rows.scale.device)
        step = max(1, _TILE // (count * len(self._digits)))
        for start in range(0, m, step):
            digits = rows.digits[:, start : start + step]
            height = digits.shape[1]
            sums = self._backend.product(digits.flatten(0, 1), self._digits.t())
            parts = sums.view(count, height, -1, self._out).transpose(1, 2)
            tile = _joined(parts, out[start : start + height])
            tile.mul_(self._scale).mul_(rows.scale[start : start + height])
            if bias is not None:
                tile.add_(bias)
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

    def __call__(self, samples: Grid, bias: Tensor | None) -> Tensor:
        """Samples [n, in, h, w], each a block -> float32 [n, out, h', w'], channels last."""
        count, n = samples.digits.shape[:2]
        sums = self._sums(samples.digits.flatten(0, 1))
        parts = sums.unflatten(0, (count, n)).unflatten(2, (-1, self._out)).transpose(1, 2)
        out = _joined(parts, None)
        out.mul_(samples.scale * self._scale[:, None, None])
        return out if bias is None else out.add_(bias[:, None, None])


def _joined(parts: Tensor, out: Tensor | None) -> Tensor:
    """Sums of digit products [activation digits, weight digits, ...] -> their value in binary32.

    The factors are powers of two, so only the additions round.
    """
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
