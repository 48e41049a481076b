"""Linear layers and convolutions as exact integer sums (spec/exact.md, "Linear", "Convolution")."""

from __future__ import annotations

from torch import Tensor

from ddcodec.errors import UnsupportedFeatureError
from ddcodec.exact.backends import MAX_TERMS, Backend, Geometry
from ddcodec.exact.grid import Grid, quantise, tiles
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
        self._multiply = backend.linear(weight.digits().to(backend.device))
        self._scale = weight.scale.to(backend.device)

    def __call__(self, rows: Grid, bias: Tensor | None) -> Tensor:
        """Rows [m, in] on grids -> float32 [m, out]."""
        out = self._multiply(rows.digits)
        for part in tiles(out):
            values = out[part].mul_(self._scale).mul_(rows.scale[part])
            if bias is not None:
                values.add_(bias)
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
        _check_terms(weight.values[0].numel())
        self._convolve = backend.convolution(weight.digits().to(backend.device), geometry)
        self._scale = weight.scale.to(backend.device)

    def __call__(self, x: Tensor, digits: int, bias: Tensor | None) -> Tensor:
        """Samples [n, in, h, w], each a block -> float32 [n, out, h', w'], channels last."""
        n = len(x)
        rows = x.permute(0, 2, 3, 1)
        samples = quantise(rows.reshape(n, -1), digits)
        planes = samples.digits.view(digits, *rows.shape).permute(0, 1, 4, 2, 3)
        out = self._convolve(planes)
        scale = (samples.scale * self._scale)[:, None, None]
        pixels = out.permute(0, 2, 3, 1)
        for part in tiles(pixels):
            values = pixels[part].mul_(scale[part])
            if bias is not None:
                values.add_(bias)
        return out


def _check_terms(terms: int) -> None:
    if terms > MAX_TERMS:
        raise UnsupportedFeatureError(
            f"a layer sums {terms} products, but exact profiles sum at most {MAX_TERMS}; use the "
            "float profile for this prior"
        )
