"""Facility location: what the greedy choice promises, against choosing without shortcuts."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from ddcodec.arrays import Float32s
from ddcodec.methods.facility_location import facility_location

RNG = np.random.default_rng(0)
FEATURES = RNG.normal(size=(12, 4)).astype(np.float32)
WEIGHTS = RNG.uniform(0.2, 1, 12).astype(np.float32)


def value(chosen: list[int], features: Float32s = FEATURES, weights: Float32s = WEIGHTS) -> float:
    units = features / np.linalg.norm(features, axis=1, keepdims=True)
    benefits = (1 + units @ units.T) / 2 * weights
    return float(benefits[:, chosen].max(axis=1).sum())


def test_each_row_adds_the_most_to_those_before_it() -> None:
    ranking = facility_location(FEATURES, 12, WEIGHTS).tolist()
    assert sorted(ranking) == list(range(12))
    for rank in range(11):
        before, rest = ranking[:rank], ranking[rank:]
        assert value([*before, rest[0]]) >= max(value([*before, row]) for row in rest) - 1e-5


def test_the_choice_is_near_the_best_there_is() -> None:
    best = max(value(list(some)) for some in combinations(range(12), 3))
    assert value(facility_location(FEATURES, 3, WEIGHTS).tolist()) > (1 - 1 / np.e) * best


def test_a_smaller_choice_is_the_beginning_of_a_larger_one() -> None:
    whole = facility_location(FEATURES, 9, WEIGHTS).tolist()
    assert facility_location(FEATURES, 4, WEIGHTS).tolist() == whole[:4]


def test_rows_that_are_alike_are_taken_as_they_come() -> None:
    alike = np.ones((5, 3), np.float32)
    assert facility_location(alike, 5, np.ones(5, np.float32)).tolist() == [0, 1, 2, 3, 4]


def test_weights_decide_between_rows_that_stand_for_the_same() -> None:
    pairs = np.float32([[1, 0], [1, 0], [0, 1], [0, 1]])
    weights = np.float32([0.5, 1, 1, 0.5])
    assert sorted(facility_location(pairs, 2, weights)) == [1, 2]
