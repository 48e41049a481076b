"""Means, spread and axes of labels against least squares and the divergence itself."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ddcodec.codecs.packed import packed_bits
from ddcodec.labels.encoder import statistics
from ddcodec.labels.encoder.label_set import LabelSet, divergence, softmax
from ddcodec.labels.encoder.statistics import (
    class_means,
    principal_basis,
    quantise_means,
    sample_rows,
    share_matrix,
    spread,
)
from tests.labels.encoder.sets import known, on_grid, plain


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_means_of_single_pictures_are_averages() -> None:
    labels = known(noise=1).labels
    by_class = labels.nats(slice(None)).reshape(4, -1, 4).mean(axis=1)
    assert class_means(labels)[0] == pytest.approx(by_class, abs=1e-3)


def test_means_are_weighted_least_squares_where_views_mix() -> None:
    labels = known(mixes=True, noise=1).labels
    shares = np.zeros((labels.count, 4))
    for one in labels.appearances:
        np.add.at(shares, (np.arange(labels.count), one.classes), one.features[:, 0] / 256)
    wanted = np.linalg.lstsq(shares, labels.nats(slice(None)), rcond=None)[0]
    assert (share_matrix(labels).toarray() == shares).all()
    assert class_means(labels)[0] == pytest.approx(wanted, abs=2e-3)


def test_means_that_labels_are_mixtures_of_are_found() -> None:
    made = known(mixes=True, field=0)
    centred = made.means - made.means.mean(axis=1, keepdims=True)
    assert class_means(made.labels)[0] == pytest.approx(centred, abs=0.01)


def test_a_class_that_never_shows_is_no_reason_to_fail() -> None:
    labels = known(classes=3, pictures=2).labels  # of classes 0 and 1
    assert set(labels.classes) == {0, 1}
    assert (class_means(labels)[0][2] == 0).all()


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_labels_mean_as_often_as_they_are_probable(temperature: float) -> None:
    labels = known(noise=1, temperature=temperature).labels
    p = softmax(labels.nats(slice(None)), temperature).reshape(4, -1, 4)
    assert class_means(labels)[1] == pytest.approx(p.sum(axis=1), rel=1e-5)


def test_where_views_mix_a_class_counts_by_the_square_of_its_share() -> None:
    """An error of its mean reaches a label by its share, and a divergence goes with the square."""
    labels = known(mixes=True).labels
    p = softmax(labels.nats(slice(None)), 1)
    wanted = (share_matrix(labels).toarray() ** 2).T @ p
    assert class_means(labels)[1] == pytest.approx(wanted, rel=1e-5)


MEANS = np.array([[4.0, 0.36, -1.76], [0.6, 3.1, -3.5]])


def test_means_at_a_low_price_are_rounded_to_the_nearest() -> None:
    found = quantise_means(MEANS, np.full(MEANS.shape, 10.0), 0.5, 1, 1e-6)
    assert found.dtype == np.int16
    assert found.tolist() == [[8, 1, -4], [1, 6, -7]]


def test_means_of_classes_that_nothing_means_are_zero() -> None:
    """Where zeros are the cheapest: here two of five are."""
    means = np.concatenate([MEANS, np.zeros((2, 2))], axis=1)
    meant = np.array([[10.0, 10, 0, 10, 10], [10, 10, 0, 10, 10]])
    found = quantise_means(means, meant, 0.5, 1, 1e-6)
    assert found.tolist() == [[8, 1, 0, 0, 0], [1, 6, 0, 0, 0]]


def test_dear_means_are_what_the_divergence_is_worth() -> None:
    """What zeros do to the labels costs less than the bits they save, at this price."""
    rng = np.random.default_rng(0)
    means = np.concatenate([np.full((40, 1), 8.0), rng.normal(0, 1, (40, 39))], axis=1)
    meant, price = 100 * softmax(means.astype(np.float32), 1), 0.05

    def loss(integers: np.ndarray) -> float:
        coded = (integers * 0.25).astype(np.float32)
        return float(100 * divergence(means.astype(np.float32), coded, 1).sum())

    plain, dear = (quantise_means(means, meant, 0.25, 1, p) for p in (1e-9, price))
    group = np.zeros(40, np.intp)
    saved = packed_bits(plain, group) - packed_bits(dear, group)
    assert saved > 2000
    assert 0 < loss(dear) - loss(plain) < price * saved


def test_spread_of_certain_labels_is_the_entropy_of_their_classes() -> None:
    sharp = on_grid(1000 * np.eye(4)[:, None])
    assert spread(plain(sharp), rng()) == pytest.approx(math.log(4))
    assert spread(plain(sharp[[0, 0, 0, 0]]), rng()) == 0
    assert spread(plain(np.tile(on_grid(np.arange(4.0)), (4, 3, 1))), rng()) < 1e-6


@settings(max_examples=40)
@given(st.integers(0, 1 << 20), st.sampled_from([0.5, 1.0, 4.0]), st.integers(2, 7))
def test_the_divergence_of_a_small_error_is_half_its_square_in_the_axes(
    seed: int, temperature: float, classes: int
) -> None:
    """On average over labels, and a hundredth of what the mean label has."""
    made = known(classes=classes, pictures=2 * classes, temperature=temperature, seed=seed)
    to_axes, _ = principal_basis(made.labels, class_means(made.labels)[0], classes - 1, rng())
    error = np.random.default_rng(seed).normal(0, 0.01 * temperature, classes)
    target = made.labels.nats(slice(None))
    mean = softmax(target, temperature).mean(axis=0, dtype=np.float64)
    between = (mean @ error**2 - (mean @ error) ** 2) / temperature**2
    found = divergence(target, target + error, temperature).mean()
    half = 0.5 * ((error @ to_axes) ** 2).sum()
    assert half == pytest.approx(found + 0.005 * between, rel=0.05)


def test_the_two_bases_undo_each_other() -> None:
    made = known(classes=5)
    to_axes, from_axes = principal_basis(made.labels, class_means(made.labels)[0], 4, rng())
    assert from_axes @ to_axes == pytest.approx(np.eye(4), abs=1e-9)
    error = np.array([1.0, -2, 0, 3, -2])  # its mean is zero; constants have no axis
    assert error @ to_axes @ from_axes == pytest.approx(error, abs=1e-6)


def test_axes_come_by_descending_variance_and_as_many_as_asked_for() -> None:
    labels = known(classes=6, noise=0.5).labels
    means = class_means(labels)[0]
    every, _ = principal_basis(labels, means, 5, rng())
    rest = (labels.nats(slice(None)) - share_matrix(labels) @ means) @ every
    power = (rest.reshape(12, 10, 5) ** 2).mean(axis=(0, 1))
    within = (rest.reshape(12, 10, 5) - rest.reshape(12, 10, 5).mean(axis=1, keepdims=True)) ** 2
    total = within.mean(axis=(0, 1)) + (rest.reshape(12, 10, 5).mean(axis=1) ** 2).mean(axis=0)
    assert total == pytest.approx(power, rel=1e-6)
    assert (np.diff(total) < 0).all()
    few, back = principal_basis(labels, means, 2, rng())
    assert few.shape == (6, 2) and back.shape == (2, 6)
    assert few == pytest.approx(every[:, :2])


def test_labels_that_are_certain_have_axes_only_if_they_differ() -> None:
    sharp = on_grid(1000 * np.eye(3)[:, None])
    differ, alike = plain(sharp), plain(sharp[[1, 1, 1]])
    assert principal_basis(differ, class_means(differ)[0], 2, rng())[0].shape == (3, 2)
    assert principal_basis(alike, class_means(alike)[0], 2, rng())[0].shape == (3, 0)


def test_a_sample_is_of_whole_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    labels: LabelSet = known(pictures=40, views=5).labels
    assert sample_rows(labels, rng()).tolist() == list(range(200))
    monkeypatch.setattr(statistics, "_SAMPLE", 4 * 5 * 10)
    rows = sample_rows(labels, rng()).reshape(10, 5)
    assert (rows % 5 == np.arange(5)).all()
    assert (np.diff(rows[:, 0]) > 0).all() and rows.max() < 200
