"""Gains of innovations, which undo the shrinking by rounding."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ddcodec.arrays import Float32s, Float64s, Int32s
from ddcodec.labels.encoder.innovations import curvature
from ddcodec.labels.encoder.label_set import softmax

__all__ = ["unshrinking_gains"]


_CHUNK = 256
_CHUNKS = 64  # spread evenly; more say the same
_FLAT = 0.05  # curvature, relative to the average, below which an error is none


def unshrinking_gains(
    rows: Callable[[slice], tuple[Float32s, Float32s]],
    basis: Float32s,
    symbols: Int32s,
    temperature: float,
    fineness: float,
    weights: Float64s,
) -> Float64s:
    """What each atom's symbols are best multiplied by: float64 [r].

    Rounding with a dead zone shrinks: of an exact value x, a symbol s keeps a x + noise, with
    a = E[xs] / E[xx] < 1. A gain g then leaves a bias of (1 - ga)^2 E[xx] and noise of g^2 E[nn].

    Args:
        rows: a slice of labels -> target and predicted logits in nats, float32 [n, K].
        basis: float32 [r, K], what one symbol adds to the logits in nats.
        symbols: int32 [labels, r].
        temperature: of the divergence.
        fineness: the square root of the average curvature along an atom.
        weights: [r], how many times worse bias is than noise; 1 gives the least squared error.
    """
    xx, xs, ss = np.zeros((3, len(basis)))
    stride = max(1, len(symbols) // (_CHUNK * _CHUNKS)) * _CHUNK
    flat = np.float32(_FLAT * fineness**2) * np.eye(len(basis), dtype=np.float32)
    for start in range(0, len(symbols), stride):
        part = slice(start, min(start + _CHUNK, len(symbols)))
        target, predicted = rows(part)
        coded = symbols[part].astype(np.float32)
        p = softmax(target, temperature)
        q = softmax(predicted + coded @ basis, temperature)
        bent = curvature(basis, (p + q) * np.float32(0.5), temperature)
        pull = (p - q) @ basis.T / np.float32(temperature)
        # Where the divergence is flat, x = s: an error that nobody sees is no shrinkage.
        exact = coded + np.linalg.solve(bent + flat, pull[:, :, None])[:, :, 0]
        curve = np.diagonal(bent, axis1=1, axis2=2)
        xx += (curve * exact * exact).sum(axis=0)
        xs += (curve * exact * coded).sum(axis=0)
        ss += (curve * coded * coded).sum(axis=0)
    xx = np.maximum(xx, 1e-12)
    noise = np.maximum(ss - xs**2 / xx, 1e-12)
    gains = weights * xs / np.maximum(weights * xs**2 / xx + noise, 1e-12)
    return np.asarray(np.where(xs > 0, gains, 1.0))
