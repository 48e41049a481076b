"""Soft labels: quantised once, stored exactly, read as probabilities by integers alone."""

from __future__ import annotations

from decimal import Decimal, localcontext

import numpy as np
import pytest
import read_codecs
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ddcodec.codecs.soft_labels import SoftLabels, probabilities, quantise, weights
from ddcodec.errors import EncodeError, HeaderError, PayloadError

SHAPES = hnp.array_shapes(min_dims=4, max_dims=4, max_side=5)
STEPS = st.sampled_from([1, 3, 32, 100, 2048])


@st.composite
def labels(draw: st.DrawFn) -> tuple[SoftLabels, np.ndarray]:
    """A codec and an array it stores: any int16 multiples of the step, of either sign."""
    step = draw(STEPS)
    q = st.integers(-(0x8000 // step), 0x7FFF // step)
    z = draw(hnp.arrays(np.int16, draw(SHAPES), elements=q)) * np.int16(step)
    return SoftLabels(classes=z.shape[3], step=step), z


@given(labels())
def test_any_multiples_of_the_step_round_trip(case: tuple[SoftLabels, np.ndarray]) -> None:
    codec, z = case
    decoded = codec.decode(codec.encode(z), z.shape)
    assert decoded.dtype == np.int16
    np.testing.assert_array_equal(decoded, z)


@given(labels(), st.integers(1, 5), st.integers(1, 5), st.integers(1, 5))
def test_slices_keep_every_value(
    case: tuple[SoftLabels, np.ndarray], classes: int, slots: int, views: int
) -> None:
    codec, z = case
    part = z[:classes, :slots, :views]
    cut = codec.slice_raw(codec.encode(z), slice(classes), slice(slots), z.shape, slice(views))
    np.testing.assert_array_equal(codec.decode(cut, part.shape), part)
    assert cut == codec.encode(part)


def test_residuals_beyond_16_bits_wrap_and_come_back() -> None:
    z = np.full((1, 2, 4, 1), 32767, np.int16)
    z[0, 0, 0, 0] = -32768
    np.testing.assert_array_equal(SoftLabels(1, 1).decode(SoftLabels(1, 1).encode(z), z.shape), z)


def test_quantise_rounds_to_the_grid_and_has_no_floor_above_511_nats() -> None:
    logprobs = np.array([-0.1, -0.3, -7.9, -510.9, -600, -np.inf])
    np.testing.assert_array_equal(
        quantise(logprobs, step=32), [0, -32, -512, -32704, -32704, -32704]
    )
    assert quantise(logprobs, step=2048)[-1] == -30720  # the last multiple within 511 nats


@pytest.mark.parametrize("logprobs", [[0.5], [np.nan], [np.inf]])
def test_quantise_wants_log_probabilities(logprobs: list[float]) -> None:
    with pytest.raises(EncodeError, match="log_softmax"):
        quantise(np.array(logprobs))


@pytest.mark.parametrize("step", [0, 2049])
def test_quantise_wants_a_step_in_range(step: int) -> None:
    with pytest.raises(EncodeError, match="step"):
        quantise(np.zeros(3), step)


@pytest.mark.parametrize(("numerator", "denominator"), [(1, 1), (4, 1), (1, 64), (1024, 1), (7, 3)])
def test_weights_are_the_exponential_rounded_half_up(numerator: int, denominator: int) -> None:
    table = weights(numerator, denominator)
    with localcontext() as context:
        context.prec = 40
        for d in (0, 1, 2, 63, 64, 1000, 1376, 20000, 65535):
            exact = (Decimal(-d * denominator) / (64 * numerator)).exp() * (1 << 30)
            assert abs(int(table[d]) - exact) <= Decimal("0.5")
    assert not table.flags.writeable


@pytest.mark.parametrize("temperature", [(1, 65), (1025, 1), (0, 1), (1, 0), (-1, 1), (1 << 31, 1)])
def test_temperatures_out_of_range_are_refused(temperature: tuple[int, int]) -> None:
    with pytest.raises(HeaderError, match="temperature"):
        probabilities(np.zeros((1, 2), np.int16), temperature)


@given(
    hnp.arrays(np.int16, hnp.array_shapes(min_dims=2, max_dims=2, max_side=6)),
    st.sampled_from([(1, 1), (4, 1), (20, 1), (3, 2), (1, 64)]),
)
@settings(deadline=None)
def test_probabilities_agree_bit_by_bit_with_plain_python(
    logits: np.ndarray, temperature: tuple[int, int]
) -> None:
    ours = probabilities(logits, temperature)
    assert ours.dtype == np.float32
    theirs = [read_codecs.probabilities(row, temperature) for row in logits.tolist()]
    np.testing.assert_array_equal(ours, np.array(theirs, np.float32))


def test_probabilities_are_a_softmax_whatever_the_shape() -> None:
    logits = quantise(np.log(np.random.default_rng(0).dirichlet(np.ones(10), (3, 2, 4))), 1)
    found = probabilities(logits, (4, 1))
    exponentials = np.exp(logits / 256.0)
    expected = exponentials / exponentials.sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)
    np.testing.assert_array_equal(found[1, 1], probabilities(logits[1, 1], (4, 1)))


def test_many_rows_give_what_one_row_gives() -> None:
    rng = np.random.default_rng(0)
    logits = rng.integers(-3000, 0, (12000, 100)).astype(np.int16)
    found = probabilities(logits, (2, 1))
    np.testing.assert_array_equal(found[::1999], probabilities(logits[::1999], (2, 1)))


@pytest.mark.parametrize(
    ("codec", "array"),
    [
        (SoftLabels(2, 32), np.zeros((1, 1, 1, 3), np.int16)),
        (SoftLabels(2, 32), np.full((1, 1, 1, 2), 5, np.int16)),
        (SoftLabels(2, 0), np.zeros((1, 1, 1, 2), np.int16)),
        (SoftLabels(2, 32), np.zeros((1, 1, 2), np.int16)),
        (SoftLabels(2, 32), np.zeros((1, 1, 1, 2))),
    ],
)
def test_what_does_not_fit_is_refused(codec: SoftLabels, array: np.ndarray) -> None:
    with pytest.raises(EncodeError):
        codec.encode(array)


def test_wrong_lengths_are_refused_before_anything_is_allocated() -> None:
    with pytest.raises(PayloadError, match="its box needs"):
        SoftLabels(1000).decode(b"x" * 12, (1 << 20, 1 << 10, 1 << 10, 1000))


def test_a_class_mean_makes_similar_labels_cheap() -> None:
    row = quantise(np.log(np.random.default_rng(0).dirichlet(np.ones(100))))
    z = np.broadcast_to(row, (1, 10, 10, 100)).copy()
    raw = SoftLabels(100).encode(z)
    assert raw[200:] == bytes(2 * z.size)
