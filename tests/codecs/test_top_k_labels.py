"""Top-k lists of elsewhere: exact, compact, and refused where they are none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ddcodec.codecs.top_k_labels import TopKLabels
from ddcodec.errors import DdcodecError, EncodeError, HeaderError, PayloadError
from ddcodec.exchange.top_k import from_top_k
from ddcodec.labels.softmax import probabilities
from tools.conformance.reference import codecs as reference


@st.composite
def labels(draw: st.DrawFn) -> tuple[TopKLabels, np.ndarray]:
    """A codec of any parameters, and int16 multiples of its step with k entries beside a rest."""
    shape = [draw(st.integers(1, 3)) for _ in range(3)]
    classes = draw(st.integers(1, 9))
    k, ranked = draw(st.integers(1, classes)), draw(st.integers(0, classes))
    step = draw(st.sampled_from([1, 3, 32, 2048]))
    codec = TopKLabels(classes, k, step, draw(st.integers(0, 1)), ranked, draw(st.integers(1, 4)))
    q = st.integers(-(0x8000 // step), 0x7FFF // step)
    rests = draw(st.lists(q, min_size=1, max_size=2))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    z = np.empty((*shape, classes), np.int64)
    z[...] = rng.choice(rests, shape)[..., None]
    for row in z.reshape(-1, classes):
        places = rng.permutation(classes)[: rng.integers(0, k + 1)]
        row[places] = [draw(q) for _ in places]
    return codec, (z * step).astype(np.int16)


@given(labels())
def test_any_entries_and_rests_round_trip(case: tuple[TopKLabels, np.ndarray]) -> None:
    codec, z = case
    decoded = codec.decode(codec.encode(z), z.shape)
    assert decoded.dtype == np.int16
    np.testing.assert_array_equal(decoded, z)


@given(labels())
@settings(max_examples=50)
def test_the_plain_reader_agrees(case: tuple[TopKLabels, np.ndarray]) -> None:
    codec, z = case
    described = {"name": codec.name, "version": codec.version, "params": codec.params()}
    assert reference.decode(described, codec.encode(z), z.shape) == z.tolist()


@given(labels(), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3))
def test_slices_keep_every_value(
    case: tuple[TopKLabels, np.ndarray], classes: int, slots: int, views: int
) -> None:
    codec, z = case
    part = z[:classes, :slots, :views]
    cut = codec.slice_raw(codec.encode(z), slice(classes), slice(slots), z.shape, slice(views))
    np.testing.assert_array_equal(codec.decode(cut, part.shape), part)


@given(labels())
@settings(max_examples=50)
def test_the_chosen_codec_holds_the_same_labels(case: tuple[TopKLabels, np.ndarray]) -> None:
    codec, z = case
    chosen = TopKLabels.for_labels(z, codec.k, codec.step)
    raw = chosen.encode(z)
    np.testing.assert_array_equal(chosen.decode(raw, z.shape), z)
    assert TopKLabels.from_params(chosen.params()) == chosen


@given(labels(), st.data())
def test_damage_ends_in_our_errors_or_in_other_labels(
    case: tuple[TopKLabels, np.ndarray], data: st.DataObject
) -> None:
    codec, z = case
    raw = bytearray(codec.encode(z))
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 255))
    for damaged in (bytes(raw), bytes(raw[:place])):
        try:
            assert codec.decode(damaged, z.shape).shape == z.shape
        except PayloadError:
            continue


def lists(k: int, classes: int = 50, rows: tuple[int, ...] = (4, 3, 20)) -> Any:
    """Log-probabilities that resemble a class's, and their top k: (logprobs, indices, values)."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (rows[0], 1, 1, classes)) + rng.normal(0, 1, (*rows, classes))
    logprobs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    indices = np.argsort(-logprobs, axis=-1)[..., :k]
    return logprobs, indices, np.take_along_axis(logprobs, indices, axis=-1)


def test_smoothed_lists_share_the_mass_that_is_left() -> None:
    _, indices, values = lists(5)
    p = probabilities(from_top_k(indices, values, 50), (1, 1))
    found = np.take_along_axis(p, indices, axis=-1)
    np.testing.assert_allclose(found, np.exp(values), rtol=0.02)
    others = np.ones(p.shape, bool)
    np.put_along_axis(others, indices, False, axis=-1)
    left = (1 - np.exp(values).sum(-1, keepdims=True)) / 45
    np.testing.assert_allclose(p[others].reshape(*p.shape[:-1], 45), left + 0 * p[..., :45], 0.02)


def test_dropped_lists_are_renormalised() -> None:
    _, indices, values = lists(5)
    for temperature in ((1, 1), (4, 1), (20, 1)):
        p = probabilities(from_top_k(indices, values, 50, rest="dropped"), temperature)
        scaled = np.exp((values - values.max(-1, keepdims=True)) * temperature[1] / temperature[0])
        expected = scaled / scaled.sum(-1, keepdims=True)
        np.testing.assert_allclose(np.take_along_axis(p, indices, axis=-1), expected, atol=0.01)
        assert ((p > 0).sum(-1) == 5).all()


def test_the_order_of_a_list_and_of_its_scale_do_not_matter() -> None:
    _, indices, values = lists(5)
    z = from_top_k(indices, values, 50)
    np.testing.assert_array_equal(from_top_k(indices[..., ::-1], values[..., ::-1], 50), z)
    assert (z.max(axis=-1) == 0).all()
    coarse = from_top_k(indices, values, 50, step=32)
    assert (coarse % 32 == 0).all() and np.abs(coarse.astype(int) - z).max() <= 17


def test_full_and_certain_lists_have_no_rest_to_speak_of() -> None:
    whole = from_top_k([[2, 0, 1]], np.log([[0.5, 0.25, 0.25]]), 3)
    assert whole.tolist() == [[-44, -44, 0]]
    certain = from_top_k([[2, 0]], [[0.0, -np.inf]], 3)
    assert certain.tolist() == [[-32704, -32704, 0]]


@pytest.mark.parametrize("rest", ["smoothed", "dropped"])
def test_lists_take_less_than_half_of_what_they_are_shipped_in(rest: Any) -> None:
    _, indices, values = lists(10, rows=(4, 5, 60))
    z = from_top_k(indices, values.astype(np.float16), 50, rest=rest)
    codec = TopKLabels.for_labels(z, 10)
    assert codec.common or rest == "smoothed"
    assert 0 < codec.ranked < 50
    raw = codec.encode(z)
    assert len(raw) < 0.45 * 4 * indices.size
    assert len(raw) < len(TopKLabels(50, 10).encode(z))
    np.testing.assert_array_equal(codec.decode(raw, z.shape), z)


@pytest.mark.parametrize(
    ("indices", "logprobs", "says"),
    [
        ([[0, 1]], [[-1.0]], "shapes"),
        ([[0, 1, 2, 3, 4]], [[-9.0] * 5], "shapes"),
        ([[0, 0]], [[-1.0, -1.0]], "distinct"),
        ([[0, 4]], [[-1.0, -1.0]], "within 0..3"),
        ([[0, -1]], [[-1.0, -1.0]], "within 0..3"),
        ([[0, 1]], [[0.5, -1.0]], "log_softmax"),
        ([[0, 1]], [[-0.1, -0.1]], "log_softmax"),
        ([[0, 1]], [[np.nan, -1.0]], "log_softmax"),
        ([[0, 1]], [[-np.inf, -np.inf]], "no class"),
    ],
)
def test_lists_that_make_no_sense_are_refused(indices: Any, logprobs: Any, says: str) -> None:
    with pytest.raises(EncodeError, match=says):
        from_top_k(indices, logprobs, 4)


def test_steps_out_of_range_are_refused() -> None:
    with pytest.raises(EncodeError, match="step"):
        from_top_k([[0]], [[0.0]], 4, step=0)


@pytest.mark.parametrize(
    ("codec", "array", "says"),
    [
        (TopKLabels(4, 1), np.array([0, 1, 2, 0], np.int16).reshape(1, 1, 1, 4), "2 entries"),
        (TopKLabels(4, 1, 2), np.array([0, 1, 0, 0], np.int16).reshape(1, 1, 1, 4), "multiples"),
        (TopKLabels(3, 1), np.zeros((1, 1, 1, 4), np.int16), "shape"),
        (TopKLabels(4, 1), np.zeros((1, 1, 4), np.int16), "axes|arrays"),
        (TopKLabels(4, 1), np.zeros((1, 1, 1, 4)), "int16"),
    ],
)
def test_what_does_not_fit_is_refused(codec: TopKLabels, array: np.ndarray, says: str) -> None:
    with pytest.raises(EncodeError, match=says):
        codec.encode(array)


@pytest.mark.parametrize(
    "changes", [{"k": 0}, {"k": 5}, {"ranked": 5}, {"common": 2}, {"step": 2049}, {"band": 0}]
)
def test_parameters_out_of_range_are_header_errors(changes: dict[str, int]) -> None:
    with pytest.raises(HeaderError, match="expected an integer"):
        TopKLabels.from_params({**TopKLabels(4, 2).params(), **changes})


def test_hostile_bytes_never_leave_our_errors() -> None:
    rng = np.random.default_rng(0)
    codec = TopKLabels(4, 2, 1, 0, 2, 1)
    for _ in range(2000):
        raw = rng.integers(0, 256, rng.integers(0, 60), dtype=np.uint8).tobytes()
        try:
            codec.decode(raw, (1, 2, 2, 4))
        except DdcodecError as error:
            assert isinstance(error, PayloadError)
