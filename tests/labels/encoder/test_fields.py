"""Fields against least squares, and what rounding them costs and saves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ddcodec.labels.encoder.fields import FieldFit, fit_fields, quantise_fields
from tests.labels.encoder.sets import known

PICTURES, ATOMS = 60, 3
CHEAP, DEAR = 1e-9, 1e3
STEPS = np.array([0.1, 0.05])


def fit_of(mixes: bool, views: int = 12) -> FieldFit:
    design = known(pictures=PICTURES, mixes=mixes, views=views).labels.design(
        PICTURES, by_class=False
    )
    return FieldFit.of(design, PICTURES, mixes=mixes, seed=0)


def some_fields(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1, (PICTURES, 2, ATOMS))


def error_of(fit: FieldFit, target: np.ndarray, fields: np.ndarray) -> float:
    return float(((target - fit.apply(fields)) ** 2).sum())


@pytest.mark.parametrize("mixes", [False, True])
def test_grams_are_blocks_of_the_normal_equations(mixes: bool) -> None:
    fit = fit_of(mixes)
    dense = fit.design.toarray().astype(np.float64)
    whole = (dense.T @ dense).reshape(PICTURES, 2, PICTURES, 2)
    for owner in range(PICTURES):
        assert fit.grams[owner] == pytest.approx(whole[owner, :, owner], rel=1e-5, abs=1e-4)
    assert bool(fit.colours.any()) == mixes


def test_the_gradient_is_the_transpose_of_the_prediction() -> None:
    fit, fields = fit_of(True), some_fields()
    residual = np.random.default_rng(1).normal(0, 1, (PICTURES * 12, ATOMS)).astype(np.float32)
    forwards = (fit.apply(fields).astype(np.float64) * residual).sum()
    assert (fields * fit.gradient(residual)).sum() == pytest.approx(forwards, rel=1e-4)


def test_fields_that_made_the_labels_are_found() -> None:
    fit, fields = fit_of(False, views=100), some_fields()
    assert fit_fields(fit, fit.apply(fields)) == pytest.approx(fields, abs=0.03)


def test_fields_of_pictures_that_share_views_are_found_in_sweeps() -> None:
    fit, fields = fit_of(True), some_fields()
    target = fit.apply(fields)
    found = fit_fields(fit, target)
    assert error_of(fit, target, found) < 0.02 * (target**2).sum()


@settings(max_examples=25)
@given(st.integers(0, 1 << 20), st.booleans())
def test_rounding_at_a_low_price_is_to_the_nearest(seed: int, mixes: bool) -> None:
    """Fields on the grid stay as they are, and what is left is what they do not predict."""
    fit = fit_of(mixes, views=8)
    grid = np.rint(some_fields(seed) / STEPS[:, None])
    target = fit.apply(grid * STEPS[:, None])
    found, rest = quantise_fields(fit, grid * STEPS[:, None], target, STEPS, np.ones(ATOMS), CHEAP)
    assert (found == grid).all()
    assert np.abs(rest).max() < 1e-4


def test_the_rest_is_what_the_integers_leave() -> None:
    fit, fields = fit_of(True), some_fields()
    target = fit.apply(fields)
    found, rest = quantise_fields(fit, fields, target, STEPS, np.ones(ATOMS), 0.01)
    assert rest == pytest.approx(target - fit.apply(found * STEPS[:, None]), abs=1e-4)


def test_a_higher_price_buys_fewer_bits_and_a_larger_error() -> None:
    fit, fields = fit_of(False), some_fields() * 0.1
    target = fit.apply(fields)
    used, errors = [], []
    for price in (CHEAP, 0.02, 0.1, DEAR):
        found, rest = quantise_fields(fit, fields, target, STEPS, np.ones(ATOMS), price)
        used.append(np.count_nonzero(found))
        errors.append(float((rest**2).sum()))
    assert used[0] > used[1] > used[2] > used[3] == 0
    assert errors == sorted(errors)


def test_an_axis_whose_errors_cost_nothing_gets_no_bits() -> None:
    fit, fields = fit_of(False), some_fields()
    worth = np.array([1.0, 1e-9, 1.0])
    found, _ = quantise_fields(fit, fields, fit.apply(fields), STEPS, worth, 0.001)
    assert not found[..., 1].any()
    assert found[..., 0].any() and found[..., 2].any()
