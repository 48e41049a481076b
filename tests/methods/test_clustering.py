"""Clusters, and the order that they give the patches of a class."""

from __future__ import annotations

import numpy as np

from ddcodec.methods.clustering import Clusters, cluster_order, k_means, prototypes


def clouds(*counts: int) -> np.ndarray:
    """Points around (0, 0), (10, 0), (20, 0), ...; so many each."""
    rng = np.random.default_rng(0)
    return np.concatenate(
        [rng.normal((10 * i, 0), 0.1, (count, 2)) for i, count in enumerate(counts)]
    ).astype(np.float32)


def test_k_means_finds_clouds_and_distances_to_their_middles() -> None:
    points = clouds(5, 7, 4)
    found = k_means(points, 3, seed=1 << 40)
    assert [len(set(found.labels[part].tolist())) for part in np.split(np.arange(16), [5, 12])] == [
        1,
        1,
        1,
    ]
    middle = points[:5].mean(0)
    assert np.allclose(found.distances[:5], np.linalg.norm(points[:5] - middle, axis=1), atol=1e-5)


def test_points_that_are_the_same_make_fewer_clusters() -> None:
    assert set(k_means(np.ones((6, 3), np.float32), 4, seed=0).labels.tolist()) == {0}


def test_the_largest_cloud_has_the_first_prototype() -> None:
    points = clouds(10, 40, 20)[:, :, None, None]
    centres, sizes = prototypes(points, 3, seed=0)
    assert sizes.tolist() == [40, 20, 10]
    assert centres.shape == (3, 2, 1, 1)
    assert np.allclose(centres[:, 0, 0, 0], [10, 20, 0], atol=0.2)


def test_the_best_clusters_take_turns_and_give_what_is_nearest_their_middle() -> None:
    #                   cluster 0   cluster 1      cluster 2
    scores = np.array([0.1, 0.3, 0.2, 0.5, 0.4, 0.9, 0.8, 0.7], np.float32)
    labels = np.array([0, 0, 0, 1, 1, 2, 2, 2])
    distances = np.array([3.0, 2, 1, 1, 2, 2, 1, 3])
    # Medians .2, .45 and .8: clusters 2 and 1 take turns, then the best of what is left for 1.
    order = cluster_order(scores, Clusters(labels, distances), top=2)
    assert order.tolist() == [6, 3, 5, 4, 7, 1, 2, 0]


def test_where_a_cluster_has_no_more_the_best_of_all_takes_its_turn() -> None:
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.5], np.float32)
    clusters = Clusters(np.array([0, 1, 1, 1, 1]), np.array([0.0, 4, 3, 2, 1]))
    # Cluster 1 would give 3 next, but the turn of cluster 0 falls to 1, which scores higher.
    assert cluster_order(scores, clusters, top=2).tolist() == [0, 4, 1, 3, 2]
