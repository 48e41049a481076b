"""Clusters of a class, and the order that they give its patches (scikit-learn, one thread).

Results follow from a seed, and not from how many threads a machine has.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import numpy as np

from ddcodec.arrays import Array, Float32s, Int64s

__all__ = ["Clusters", "cluster_order", "k_means", "prototypes"]

# Starts of k-means, of which the best is kept.
_STARTS = 4


class Clusters(NamedTuple):
    """Clusters of n points.

    Attributes:
        labels: int64 [n], the cluster of each point.
        distances: float64 [n], from each point to the centroid of its cluster.
    """

    labels: Int64s
    distances: Array


def k_means(features: Float32s, clusters: int, seed: int) -> Clusters:
    """Lloyd's k-means from the best of a few k-means++ starts.

    Args:
        features: float32 [n, ...].
        clusters: how many; fewer where fewer points differ.
    """
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    points = features.reshape(len(features), -1).astype(np.float64)
    count = min(clusters, len(np.unique(points, axis=0)))
    model = KMeans(count, n_init=_STARTS, random_state=_state(seed), algorithm="lloyd")
    with threadpool_limits(1):
        labels = model.fit_predict(points).astype(np.int64)
    distances = np.linalg.norm(points - model.cluster_centers_[labels], axis=1)
    return Clusters(labels, distances)


def prototypes(latents: Float32s, count: int, seed: int) -> tuple[Float32s, Int64s]:
    """Centres of mini-batch k-means, those of the largest clusters first.

    Args:
        latents: float32 [n, ...], at least ``count``.

    Returns:
        (float32 [count, ...] centres, int64 [count] points that are nearest to each).
    """
    from sklearn.cluster import MiniBatchKMeans
    from threadpoolctl import threadpool_limits

    points = latents.reshape(len(latents), -1)
    model = MiniBatchKMeans(count, n_init=_STARTS, random_state=_state(seed))
    with threadpool_limits(1):
        labels = model.fit_predict(points)
    sizes = np.bincount(labels, minlength=count).astype(np.int64)
    order = np.argsort(-sizes, kind="stable")
    centres = model.cluster_centers_[order].astype(np.float32)
    return centres.reshape(count, *latents.shape[1:]), sizes[order]


def cluster_order(scores: Float32s, clusters: Clusters, top: int) -> Int64s:
    """All points, ordered so that any prefix uses the best clusters evenly.

    Clusters are ranked by the median score of their points, points of a cluster by their distance
    to its centroid. The ``top`` clusters give one point each in turn; where one has no more, the
    unused point with the highest score takes its turn, whichever cluster it is of.

    Args:
        scores: float32 [n], the higher the better.

    Returns:
        int64 [n].

    Source: "Diffusion-Driven Selection", sections 3.2 and 4.1, appendix B.1.
    """
    best = deque(np.argsort(-scores, kind="stable").tolist())
    near = np.argsort(clusters.distances, kind="stable")
    members = [near[clusters.labels[near] == c] for c in range(clusters.labels.max() + 1)]
    ranked = sorted(members, key=lambda rows: -float(np.median(scores[rows])))[:top]
    queues = [deque(rows.tolist()) for rows in ranked]
    used, order = set[int](), list[int]()
    while len(order) < len(scores):
        for queue in queues:
            point = _unused(queue, used)
            point = _unused(best, used) if point is None else point
            if point is not None:
                used.add(point)
                order.append(point)
    return np.array(order, np.int64)


def _unused(queue: deque[int], used: set[int]) -> int | None:
    """The next of a queue that is not used yet, taken out of it."""
    while queue:
        point = queue.popleft()
        if point not in used:
            return point
    return None


def _state(seed: int) -> int:
    """A seed as scikit-learn takes one."""
    return seed % (1 << 32)
