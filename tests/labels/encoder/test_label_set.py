"""Labels to be coded: centred, in order, with the pictures that show in them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ddcodec.codecs.label_model import LabelModel
from ddcodec.labels.encoder.label_set import divergence, softmax
from ddcodec.labels.reconstruction import Fields, coefficients
from tests.labels.encoder.sets import known, plain

TEMPERATURES = [0.5, 1.0, 4.0]
rows = arrays(np.float32, (3, 5), elements=st.floats(-511, 511, width=32))


def test_labels_are_counted_view_by_view_of_each_picture() -> None:
    logits = np.arange(24).reshape(2, 3, 4).astype(np.int16) * 64
    labels = plain(logits)
    assert labels.count == 6
    assert labels.nats(np.array([4])).tolist() == [[-1.5, -0.5, 0.5, 1.5]]
    assert (labels.nats(slice(2, 5)) == labels.nats(np.arange(2, 5))).all()
    (own,) = labels.appearances
    assert own.fields.tolist() == [0, 0, 0, 1, 1, 1]


def test_a_constant_added_to_a_label_changes_nothing() -> None:
    logits = np.array([[[10, -7, 30]]], np.int16)
    assert (plain(logits).nats(slice(None)) == plain(logits + 64).nats(slice(None))).all()


@pytest.mark.parametrize("by_class", [True, False])
@pytest.mark.parametrize("mixes", [True, False])
def test_the_design_predicts_what_the_decoder_does(mixes: bool, by_class: bool) -> None:
    labels = known(mixes=mixes).labels
    owners = 4 if by_class else 12
    fields = np.random.default_rng(0).integers(-9999, 9999, (owners, 2, 3))
    nothing, steps = np.zeros((12, 2, 3)), np.ones(2, np.uint16)
    of_classes, of_pictures = (fields, nothing) if by_class else (nothing[:4], fields)
    model = LabelModel(
        *(np.zeros((4, 4), np.int16), np.zeros((3, 4), np.int8), of_classes.astype(np.int16)),
        *(steps, steps, np.ones(3, np.uint16)),
    )
    whole = Fields(model, of_pictures.__getitem__)
    decoded = coefficients(whole, labels.appearances)
    predicted = labels.design(owners, by_class=by_class) @ fields.reshape(-1, 3)
    assert np.abs(decoded - predicted).max() <= 0.51


def test_a_picture_mixed_with_itself_counts_twice() -> None:
    labels = known(mixes=True, pictures=1, classes=1).labels
    shares = labels.design(1, by_class=False)[:, 0].toarray()
    assert (shares == 1).all()


def test_a_divergence_worked_out_by_hand() -> None:
    target = np.array([[0.0, math.log(3)]], np.float32)  # (1/4, 3/4)
    coded = np.zeros((1, 2), np.float32)
    wanted = 0.25 * math.log(0.5) + 0.75 * math.log(1.5)
    assert divergence(target, coded, 1)[0] == pytest.approx(wanted, rel=1e-6)
    assert divergence(4 * target, coded, 4)[0] == pytest.approx(wanted, rel=1e-6)


@given(rows, rows, st.sampled_from(TEMPERATURES))
def test_divergences_are_finite_and_not_negative(
    target: np.ndarray, coded: np.ndarray, temperature: float
) -> None:
    found = divergence(target, coded, temperature)
    assert np.isfinite(found).all() and found.min() > -1e-9
    assert divergence(target, target + np.float32(2), temperature) == pytest.approx(0, abs=1e-3)


@given(rows, st.sampled_from(TEMPERATURES))
def test_softmax_is_of_any_logits(logits: np.ndarray, temperature: float) -> None:
    p = softmax(logits, temperature)
    assert p.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert (np.take_along_axis(p, logits.argmax(axis=1)[:, None], 1)[:, 0] == p.max(axis=1)).all()
