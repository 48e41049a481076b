"""k-center: images that leave no image of their class far from all of them.

Sener and Savarese, "Active Learning for Convolutional Neural Networks: A Core-Set Approach" (arXiv
1708.00489, algorithm 1, greedy): one image after another, each the farthest from those before.
Distances are Euclidean, between features of the teacher. The paper begins with images that are
labelled already; here the first is the one nearest to the mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ddcodec.arrays import Float32s, Float64s, Int64s
from ddcodec.methods.ranked_images import RankedByFeatures

__all__ = ["KCenter", "k_center"]


@dataclass(frozen=True)
class KCenter(RankedByFeatures):
    """Images that leave none of the class far from all of them."""

    name: ClassVar[str] = "k-center"
    summary: ClassVar[str] = "Real images that leave none of their class far from all of them."

    def rank(self, seen: Float32s, count: int) -> Int64s:
        return k_center(seen, count)


def k_center(features: Float32s, count: int) -> Int64s:
    """The ``count`` rows of float32[n, d] that greedy k-center chooses, the most central first.

    >>> k_center(np.float32([[0], [1], [2], [9]]), 3)
    array([2, 3, 0])
    """
    ranking = np.empty(count, np.int64)
    best = _squares(features, features.mean(axis=0, dtype=np.float64)).argmin()
    nearest = np.full(len(features), np.inf)
    for rank in range(count):
        ranking[rank] = best
        nearest = np.minimum(nearest, _squares(features, features[best]))
        nearest[best] = -1  # never again, even among images that are all alike
        best = nearest.argmax()
    return ranking


def _squares(features: Float32s, point: Float32s | Float64s) -> Float64s:
    """Squared distances of float32[n, d] from a point [d]."""
    difference = features - point.astype(np.float32)
    squares: Float64s = np.einsum("nd,nd->n", difference, difference, dtype=np.float64)
    return squares
