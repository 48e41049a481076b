"""Facility location: choose items that stand for all, each of them by the nearest chosen one.

Grid Distillation (CVPR 2026) chooses patches so, for coverage and not for confidence alone. The
objective is submodular, so greedy choice reaches 1 - 1/e of the best (Nemhauser et al. 1978), and
a gain found earlier bounds the gain now: most need not be computed again (Minoux 1978).
"""

from __future__ import annotations

import heapq

import numpy as np

from ddcodec.arrays import Float32s, Int64s

__all__ = ["facility_location"]


def facility_location(features: Float32s, count: int, weights: Float32s) -> Int64s:
    """The ``count`` rows of features that best stand for all, by greedy choice.

    Maximised is the sum over all rows of their largest benefit from a chosen row: its weight times
    (1 + cosine) / 2.

    Args:
        features: float32[n, d], n >= count.
        weights: float32[n], at least 0: how willingly a row is chosen.

    Returns:
        int64[count]: rows in the order of choice, so that a smaller count gives the beginning of
        this; ties go to the earlier row.

    >>> features, alike = np.float32([[9, 1], [9, 0], [9, -1], [0, 1]]), np.ones(4, np.float32)
    >>> facility_location(features, 2, alike)
    array([0, 3])
    """
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    units = features / np.maximum(lengths, np.float32(1e-12))
    benefits = (1 + units.astype(np.float64) @ units.T) / 2 * weights
    covered = np.zeros(len(features))
    # (bound of the gain, negated; row; how many were chosen when it was computed)
    bounds = [(-gain, row, 0) for row, gain in enumerate(benefits.sum(axis=0).tolist())]
    heapq.heapify(bounds)
    ranking = np.empty(count, np.int64)
    for rank in range(count):
        while bounds[0][2] < rank:
            row = bounds[0][1]
            gain = np.maximum(benefits[:, row] - covered, 0).sum()
            heapq.heapreplace(bounds, (-float(gain), row, rank))
        ranking[rank] = heapq.heappop(bounds)[1]
        covered = np.maximum(covered, benefits[:, ranking[rank]])
    return ranking
