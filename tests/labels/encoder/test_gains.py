"""What symbols are multiplied by: nothing if they are exact, more the more they were shrunk."""

from __future__ import annotations

import numpy as np
import pytest

from ddcodec.labels.encoder.gains import unshrinking_gains

K, ATOMS, COUNT = 5, 3, 2000


def basis_of() -> np.ndarray:
    """Orthogonal, and apart from what changes no label."""
    drawn = np.random.default_rng(3).normal(0, 1, (K, ATOMS))
    drawn = np.linalg.qr(drawn - drawn.mean(axis=0))[0]
    return np.ascontiguousarray(0.3 * drawn.T, np.float32)


def gains(
    exact: np.ndarray,
    symbols: np.ndarray,
    *,
    weight: float = 100.0,
    basis: np.ndarray | None = None,
) -> np.ndarray:
    """Of labels whose exact coefficients are known and were rounded to symbols."""
    rows = basis_of() if basis is None else basis
    predicted = np.random.default_rng(1).normal(0, 1, (COUNT, K)).astype(np.float32)
    target = (predicted + exact @ rows).astype(np.float32)
    return unshrinking_gains(
        lambda part: (target[part], predicted[part]),
        rows,
        symbols.astype(np.int32),
        1.0,
        # The average curvature along an atom of these labels.
        0.12,
        np.full(ATOMS, weight),
    )


def laplace(spread: float = 1.0) -> np.ndarray:
    return np.random.default_rng(0).laplace(0, spread, (COUNT, ATOMS))


def test_exact_symbols_are_left_as_they_are() -> None:
    exact = np.rint(laplace(2))
    for weight in (1.0, 100.0):
        assert gains(exact, exact, weight=weight) == pytest.approx(1, abs=0.01)


def test_no_symbols_are_left_as_they_are() -> None:
    assert (gains(laplace(), np.zeros((COUNT, ATOMS))) == 1).all()


def test_a_dead_zone_shrinks_and_gains_make_up_for_it() -> None:
    exact = laplace()
    symbols = np.trunc(exact + 0.2 * np.sign(exact))
    found = gains(exact, symbols)
    slope = (exact * exact).sum(axis=0) / (exact * symbols).sum(axis=0)
    assert (found > 1.1).all()
    assert found == pytest.approx(slope, rel=0.1)


def test_the_less_shrinkage_matters_the_smaller_the_gain() -> None:
    exact = laplace()
    symbols = np.trunc(exact + 0.2 * np.sign(exact))
    by_weight = [gains(exact, symbols, weight=w) for w in (1.0, 5.0, 100.0)]
    assert (by_weight[0] < by_weight[1]).all() and (by_weight[1] < by_weight[2]).all()


def test_symbols_that_nobody_sees_are_left_as_they_are() -> None:
    """The second atom adds the same to all logits, which changes no label."""
    basis = basis_of()
    basis[1] = 0.7
    exact = laplace()
    symbols = np.trunc(exact + 0.2 * np.sign(exact))
    found = gains(exact, symbols, basis=basis)
    assert found[1] == pytest.approx(1, abs=0.05)
    assert found[0] > 1.1 and found[2] > 1.1
