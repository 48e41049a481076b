"""The cost of a symbol in bits, estimated from the symbols of the last round."""

from __future__ import annotations

import numpy as np

from ddcodec.arrays import Float64s, Floats, Integers

__all__ = ["LARGEST", "symbol_costs"]

LARGEST = 1000
"""The largest magnitude an encoder chooses."""

_PRIOR = 0.01  # share of a geometric prior, so that no symbol is ever out of reach


def symbol_costs(
    symbols: Floats | Integers,
) -> Float64s:
    """Bits of each magnitude 0..LARGEST in each column of [n, m]: float64 [m, LARGEST + 1]."""
    magnitudes = np.minimum(np.abs(symbols), LARGEST).astype(np.intp)
    width = LARGEST + 1
    flat = magnitudes + np.arange(symbols.shape[1]) * width
    counts = np.bincount(flat.reshape(-1), minlength=width * symbols.shape[1]).astype(np.float64)
    counts = counts.reshape(-1, width)
    prior = 0.5 ** np.minimum(1 + np.arange(width), 24.0)
    counts += (_PRIOR * len(symbols) + 0.1) * prior
    counts[:, 1:] /= 2  # both signs
    total = counts[:, :1] + 2 * counts[:, 1:].sum(axis=1, keepdims=True)
    return np.asarray(-np.log2(counts / total))
