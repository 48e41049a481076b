"""Linear layers and convolutions as exact integer sums (spec/exact.md, "Linear", "Convolution")."""

from __future__ import annotations

from torch import Tensor

from ddcodec.errors import UnsupportedFeatureError
from ddcodec.exact.backends import MAX_TERMS, Backend, Geometry
from ddcodec.exact.grid import Grid, quantise
from ddcodec.exact.weights import IntegerWeight

__all__ = ["Convolution", "Linear"]


class Linear:
    """A prepared linear layer.

    Args:
        weight: integers of shape [out, in].
        backend: sums the products.

    Raises:
        UnsupportedFeatureError: a row has too many terms for a 32-bit sum.
    """

    def __init__(self, weight: IntegerWeight, backend: Backend) -> None:
        _check_terms(weight.values.shape[1])
        digits, scale = weight.digits().to(backend.device), weight.scale.to(backend.device)
        self._apply = backend.scaled_linear(digits, scale)

    def __call__(self, rows: Grid, bias: Tensor | None) -> Tensor:
        """Rows [m, in] on grids -> float32 [m, out]."""
        return self._apply(rows.digits, rows.scale, bias)


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
        _check_terms(weight.values[0].numel())
        digits, scale = weight.digits().to(backend.device), weight.scale.to(backend.device)
        self._apply = backend.scaled_convolution(digits, scale, geometry)

    def __call__(self, x: Tensor, digits: int, bias: Tensor | None) -> Tensor:
        """Samples [n, in, h, w], each a block -> float32 [n, out, h', w'], channels last."""
        n = len(x)
        rows = x.permute(0, 2, 3, 1)
        samples = quantise(rows.reshape(n, -1), digits)
        planes = samples.digits.view(digits, *rows.shape).permute(0, 1, 4, 2, 3)
        return self._apply(planes, samples.scale, bias)


def _check_terms(terms: int) -> None:
    if terms > MAX_TERMS:
        raise UnsupportedFeatureError(
            f"a layer sums {terms} products, but exact profiles sum at most {MAX_TERMS}; use the "
            "float profile for this prior"
        )
