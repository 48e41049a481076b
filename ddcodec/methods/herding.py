"""herding: images whose mean feature follows that of their class.

Welling, "Herding Dynamical Weights to Learn" (ICML 2009), as iCaRL (Rebuffi et al., arXiv
1611.07725, algorithm 4) chooses exemplars with it: features of unit length, one image after
another, each the nearest to what the mean still lacks. Features are the teacher's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ddcodec.arrays import Float32s, Int64s
from ddcodec.methods.ranked_images import RankedByFeatures

__all__ = ["Herding", "herding"]


@dataclass(frozen=True)
class Herding(RankedByFeatures):
    """Images whose mean feature follows that of the class."""

    name: ClassVar[str] = "herding"
    summary: ClassVar[str] = "Real images whose mean feature is that of their class."

    def rank(self, seen: Float32s, count: int) -> Int64s:
        return herding(seen, count)


def herding(features: Float32s, count: int) -> Int64s:
    """The ``count`` rows of float32[n, d] whose mean direction is near that of all.

    >>> herding(np.float32([[1, 0], [0.8, 0.6], [0, 1]]), 3)
    array([1, 2, 0])
    """
    lengths = np.linalg.norm(features.astype(np.float64), axis=1, keepdims=True)
    units = features / np.maximum(lengths, 1e-12)
    mean = units.mean(axis=0)
    lacking, free = mean.copy(), np.ones(len(units), bool)
    ranking = np.empty(count, np.int64)
    for rank in range(count):
        # The smallest |mean - (chosen + unit) / (rank + 1)|, as all units have one length.
        best = np.where(free, units @ lacking, -np.inf).argmax()
        ranking[rank], free[best] = best, False
        lacking += mean - units[best]
    return ranking
