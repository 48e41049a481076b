"""Logits from fields and symbols: exact integers, whatever they are, in any batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddcodec.codecs.label_model import LabelModel, LabelModelCodec
from ddcodec.errors import PayloadError
from ddcodec.labels.reconstruction import (
    MAX_COEFFICIENT,
    Appearance,
    Fields,
    Reconstruction,
    coefficients,
    logits,
)
from tools.conformance.reference.label_codecs import Model
from tools.conformance.reference.labels import logits as reference_logits
from tools.conformance.reference.refusal import Refused

PICTURES = 5


@st.composite
def cases(draw: st.DrawFn) -> dict[str, Any]:
    """A model, fields, appearances, symbols: of usual sizes, or up to the ends of their types."""
    k, m, r = draw(st.integers(1, 5)), draw(st.integers(1, 34)), draw(st.integers(0, 6))
    rng = np.random.default_rng(draw(st.integers(0, 1 << 20)))
    bits = draw(st.sampled_from([3, 8, 15]))
    step_bits = draw(st.sampled_from([1, 6, 16]))
    phi = draw(st.sampled_from([256, 16_128]))
    high = 1 << bits
    model = LabelModel(
        rng.integers(-high, high, (k, k)).astype(np.int16),
        rng.integers(-128, 128, (r, k)).astype(np.int8),
        rng.integers(-high, high, (k, m, r)).astype(np.int16),
        *rng.integers(0, 1 << step_bits, (2, m)).astype(np.uint16),
        rng.integers(1, 1 << step_bits, r).astype(np.uint16),
    )
    mean_step, shift = draw(st.sampled_from([1, 7, 2048])), draw(st.integers(0, 24))
    codec = LabelModelCodec(k, m, r, 1, mean_step, shift, 1, 0, 0)
    fields = rng.integers(-high, high, (PICTURES, m, r)).astype(np.int16)
    count = draw(st.integers(1, 7))
    classes = rng.integers(0, k, PICTURES)
    shown = []
    for part in range(draw(st.integers(1, 2))):
        chosen = rng.integers(0, PICTURES, count)
        values = rng.integers(-phi, phi + 1, (count, m))
        values[:, 0] = rng.integers(0, 257, count) if part or draw(st.booleans()) else 256
        shown.append(Appearance(chosen, classes[chosen], values))
    kind = draw(st.sampled_from(["none", "atoms", "logits"]))
    width = {"none": 0, "atoms": r, "logits": k}[kind]
    big = 1 << draw(st.sampled_from([2, 12, 30]))
    symbols = rng.integers(-big, big, (count, width)).astype(np.int32) if width else None
    step = draw(st.sampled_from([1, 3, 2048])) if kind == "logits" else 0
    return {
        "codec": codec,
        "model": model,
        "classes": classes,
        "fields": fields,
        "shown": shown,
        "symbols": symbols,
        "step": step,
    }


def answer(case: dict[str, Any], rows: slice = slice(None)) -> Any:
    """What ddcodec has of some of the labels; None where it refuses them."""
    whole = Fields(case["model"], case["fields"].__getitem__)
    part = None if case["symbols"] is None else case["symbols"][rows]
    shown = [one.rows(rows) for one in case["shown"]]
    try:
        found = logits(case["codec"], case["model"], whole, shown, part, case["step"])
    except PayloadError:
        return None
    assert found.dtype == np.int16
    return found.tolist()


def plain_answer(case: dict[str, Any], n: int) -> Any:
    """The same of one label by big integers."""
    model = case["model"]
    plain = Model(
        *(getattr(model, f).tolist() for f in ("means", "basis", "class_fields")),
        model.class_steps.tolist(),
        model.field_steps.tolist(),
        model.units.tolist(),
    )
    shown = [
        (int(one.classes[n]), case["fields"][one.fields[n]].tolist(), one.features[n].tolist())
        for one in case["shown"]
    ]
    symbols = [] if case["symbols"] is None else case["symbols"][n].tolist()
    try:
        return reference_logits(case["codec"].params(), plain, shown, symbols, case["step"])
    except Refused as error:
        assert error.code == "payload"
        return None


@given(cases())
def test_logits_are_those_of_big_integers(case: dict[str, Any]) -> None:
    count = len(case["shown"][0].fields)
    wanted = [plain_answer(case, n) for n in range(count)]
    for n in range(count):
        single = answer(case, slice(n, n + 1))
        assert single == (None if wanted[n] is None else [wanted[n]])
    assert answer(case) == (None if None in wanted else wanted)


def extreme(sign: int, features: int = 34, appearances: int = 2) -> Any:
    """A sum as large as types allow, with an odd last bit for rounding to lose."""
    fields = np.full((1, features, 1), sign * 32767, np.int16)
    model = LabelModel(
        np.zeros((1, 1), np.int16),
        np.ones((1, 1), np.int8),
        np.full((1, features, 1), sign * 32767, np.int16),
        *np.full((2, features), 65535, np.uint16),
        np.ones(1, np.uint16),
    )
    values = np.full((1, features), 16_128)
    values[0, -1] = 16_127
    place = np.zeros(1, np.intp)
    whole = Fields(model, fields.__getitem__)
    return coefficients(whole, [Appearance(place, place, values)] * appearances), values


@pytest.mark.parametrize("sign", [1, -1])
def test_no_sum_of_fields_and_features_is_rounded(sign: int) -> None:
    found, values = extreme(sign)
    exact = (2 * sum(values[0].tolist()) * 2 * 65535 * 32767 * sign + 128) >> 8
    assert int(found[0, 0]) == exact
    assert abs(exact) << 8 < 1 << 53


def one_label(coefficient: int, basis: int = 1) -> Any:
    """The logit of a label whose one coefficient is given, as a symbol of 16 units and a field."""
    field, symbol = coefficient % 16, coefficient >> 4
    model = LabelModel(
        np.zeros((1, 1), np.int16),
        np.full((1, 1), basis, np.int8),
        np.zeros((1, 1, 1), np.int16),
        *np.ones((2, 1), np.uint16),
        np.full(1, 16, np.uint16),
    )
    codec = LabelModelCodec(1, 1, 1, 1, 1, 24, 1, 0, 0)
    place = np.zeros(1, np.intp)
    whole = Fields(model, np.full((1, 1, 1), field, np.int16).__getitem__)
    shown = [Appearance(place, place, np.full((1, 1), 256))]
    return logits(codec, model, whole, shown, np.full((1, 1), symbol, np.int32))[0, 0]


def test_coefficients_up_to_2_to_the_31_count_and_larger_ones_are_refused() -> None:
    assert one_label(MAX_COEFFICIENT) == 128
    assert one_label(-MAX_COEFFICIENT) == -128
    for beyond in (MAX_COEFFICIENT + 1, -MAX_COEFFICIENT - 1, (1 << 35) - 16):
        with pytest.raises(PayloadError, match="coefficient"):
            one_label(beyond)


def test_a_coefficient_that_is_too_large_spoils_its_own_label_only() -> None:
    model = LabelModel(
        np.array([[5]], np.int16),
        np.ones((1, 1), np.int8),
        np.zeros((1, 1, 1), np.int16),
        *np.ones((2, 1), np.uint16),
        np.ones(1, np.uint16),
    )
    made = Reconstruction(LabelModelCodec(1, 1, 1, 1, 1, 0, 1, 0, 0), model)
    whole, peaks = np.array([[7.0], [2.0**32]]), np.full(1, 2.0**32)
    own = np.zeros(1, np.intp), np.full(1, 256)
    assert made.logits(whole[:1], [own], peaks=peaks).tolist() == [[12]]
    with pytest.raises(PayloadError, match="coefficient"):
        made.logits(whole[1:], [own], peaks=peaks)


@given(st.integers(-(1 << 20), 1 << 20), st.sampled_from([-128, -1, 127]))
def test_products_near_the_end_of_binary32_are_exact(coefficient: int, basis: int) -> None:
    """Above 2^24 binary64 takes over."""
    assert one_label(coefficient, basis) == (coefficient * basis + (1 << 23)) >> 24


@given(st.integers(0, 1 << 20), st.sampled_from([4, 15]))
def test_any_logits_can_be_coded_without_a_loss(seed: int, bits: int) -> None:
    """Even where the prediction is far beyond 16 bits."""
    rng, k, m, r = np.random.default_rng(seed), 4, 3, 2
    high = 1 << bits
    model = LabelModel(
        rng.integers(-high, high, (k, k)).astype(np.int16),
        rng.integers(-128, 128, (r, k)).astype(np.int8),
        rng.integers(-high, high, (k, m, r)).astype(np.int16),
        *rng.integers(0, 60, (2, m)).astype(np.uint16),
        np.full(r, 16, np.uint16),
    )
    codec = LabelModelCodec(k, m, r, 1, 64, 2, 1, 0, 0)
    classes = np.arange(k)
    whole = Fields(model, np.zeros((k, m, r), np.int16).__getitem__)
    shown = [Appearance(classes, classes, rng.integers(-256, 257, (k, m)))]
    target = rng.integers(-0x8000, 0x8000, (k, k)).astype(np.int16)
    predicted = logits(codec, model, whole, shown)
    symbols = target.astype(np.int32) - predicted
    assert logits(codec, model, whole, shown, symbols, 1).tolist() == target.tolist()
