"""The search for symbols: exact where it is free, never worse than where it began."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ddcodec.labels.encoder.costs import symbol_costs
from ddcodec.labels.encoder.innovations import curvature, search_symbols
from ddcodec.labels.encoder.label_set import divergence, softmax

K, ATOMS = 5, 3
FREE = 1e-9


def basis_of(scale: float = 0.3) -> np.ndarray:
    rows = np.random.default_rng(3).normal(0, scale, (ATOMS, K)).astype(np.float32)
    return rows - rows.mean(axis=1, keepdims=True)


def task(
    count: int = 300, *, sharpness: float = 2, seed: int = 0, spread: float = 2
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Predictions, symbols, and targets that the symbols make of them."""
    rng = np.random.default_rng(seed)
    predicted = rng.normal(0, sharpness, (count, K)).astype(np.float32)
    symbols = np.rint(rng.laplace(0, spread, (count, ATOMS)))
    return predicted, symbols, (predicted + symbols @ basis_of()).astype(np.float32)


def search(target: np.ndarray, predicted: np.ndarray, **changes: Any) -> np.ndarray:
    settings: dict[str, Any] = {"temperature": 1.0, "price": FREE, "rounds": 4, "workers": 1}
    settings.update(changes)
    costs = symbol_costs(np.random.default_rng(0).laplace(0, 2, (500, ATOMS)).round())
    rows: Callable[[slice], Any] = lambda part: (target[part], predicted[part])  # noqa: E731
    return search_symbols(rows, len(target), basis_of(), costs, **settings)


def test_symbols_that_made_the_labels_are_found() -> None:
    predicted, symbols, target = task()
    assert (search(target, predicted) == symbols).all()


def test_symbols_that_are_not_worth_their_bits_are_zero() -> None:
    predicted, _, target = task()
    assert not search(target, predicted, price=100.0).any()


def test_the_price_trades_bits_for_divergence() -> None:
    predicted, _, target = task()
    errors, bits = [], []
    for price in (1e-4, 1e-2, 1e-1):
        found = search(target, predicted, price=price)
        errors.append(divergence(target, predicted + found @ basis_of(), 1.0).mean())
        costs = symbol_costs(found)
        bits.append(costs[np.arange(ATOMS), np.abs(found)].sum())
    assert errors == sorted(errors) and bits == sorted(bits, reverse=True)
    assert errors[0] < errors[2] / 5 and bits[2] < bits[0] / 2


@settings(max_examples=25)
@given(
    st.integers(0, 1 << 20),
    st.sampled_from([0.5, 1.0, 4.0]),
    st.sampled_from([0.5, 5.0, 100.0]),
    st.sampled_from([2.0, 50.0]),
)
def test_the_search_never_leaves_a_label_worse_than_free(
    seed: int, temperature: float, sharpness: float, spread: float
) -> None:
    """Exact symbols would cost their bits alone, so nothing dearer may be chosen.

    Without a look at the divergence itself, a sharp label at a low temperature throws the search
    off by tens of nats.
    """
    predicted, symbols, target = task(60, seed=seed, sharpness=sharpness, spread=spread)
    price = 1e-4
    found = search(target, predicted, temperature=temperature, price=price, rounds=1)
    error = divergence(target, predicted + found @ basis_of(), temperature)
    costs = symbol_costs(np.random.default_rng(0).laplace(0, 2, (500, ATOMS)).round())
    exact = costs[np.arange(ATOMS), np.abs(symbols).astype(int)].sum(axis=1)
    assert (error <= price * exact + 1e-4).all()


def test_the_same_symbols_for_any_number_of_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ddcodec.labels.encoder.innovations._CHUNK", 32 * ATOMS * K)
    predicted, _, target = task(500)
    alone = search(target, predicted, price=0.01)
    for workers in (2, 7):
        assert (search(target, predicted, price=0.01, workers=workers) == alone).all()


def test_progress_ends_no_later_than_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ddcodec.labels.encoder.innovations._CHUNK", 64 * ATOMS * K)
    predicted, _, target = task(200)
    told: list[tuple[int, int]] = []
    search(target, predicted, progress=lambda done, total: told.append((done, total)))
    assert told == sorted(told)
    assert [done for done, _ in told[:4]] == [64, 128, 192, 200]
    assert {total for _, total in told} == {800} and told[-1][0] <= 800


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_the_curvature_is_that_of_the_divergence(temperature: float) -> None:
    target = np.random.default_rng(0).normal(0, 1, (4, K)).astype(np.float32)
    basis = basis_of()
    found = curvature(basis, softmax(target, temperature), temperature)
    assert found == pytest.approx(found.transpose(0, 2, 1), abs=1e-6)
    step = 0.01 * temperature * np.array([1.0, -2.0, 0.5])
    quadratic = 0.5 * np.einsum("i,nij,j->n", step, found, step)
    exact = divergence(target, target + step @ basis, temperature)
    assert quadratic == pytest.approx(exact, rel=0.02)
