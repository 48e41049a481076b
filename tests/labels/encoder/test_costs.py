"""What symbols cost: nearly what an ideal code would take, and nothing out of reach."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddcodec.labels.encoder.costs import LARGEST, symbol_costs


@given(st.integers(0, 1 << 20), st.sampled_from([0.0, 0.3, 2.0, 3000.0]), st.integers(1, 200))
def test_costs_are_those_of_a_complete_code(seed: int, spread: float, count: int) -> None:
    """Both signs of a magnitude cost the same; the probabilities of all sum to one."""
    symbols = np.rint(np.random.default_rng(seed).laplace(0, spread, (count, 3)))
    chance = 2.0 ** -symbol_costs(symbols)
    assert chance.shape == (3, LARGEST + 1)
    assert chance[:, 0] + 2 * chance[:, 1:].sum(axis=1) == pytest.approx(1)
    assert chance.min() > 0


def test_a_column_costs_its_entropy() -> None:
    symbols = np.repeat([0, 1, -1, 2], [5000, 2500, 1250, 1250])[:, None]
    bits = symbol_costs(symbols)[0][np.abs(symbols[:, 0])].mean()
    # Half are 0, three eighths have magnitude 1 and an eighth 2, and of these each has a sign.
    entropy = 0.5 * 1 + 0.375 * (np.log2(8 / 3) + 1) + 0.125 * (3 + 1)
    assert entropy < bits < 1.02 * entropy


def test_columns_are_apart() -> None:
    symbols = np.zeros((100, 2), np.int32)
    symbols[:, 1] = 3
    costs = symbol_costs(symbols)
    assert costs[0, 0] < 0.1 and costs[1, 3] < 1.1
    assert costs[0, 3] > 8 and costs[1, 0] > 6


def test_beyond_the_largest_counts_as_the_largest() -> None:
    (costs,) = symbol_costs(np.full((50, 1), -(LARGEST + 7)))
    assert costs.argmin() == LARGEST
