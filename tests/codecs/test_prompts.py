"""Token vectors: exact in fp16, nearly so in int8, and exactly reproducible in both."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ddcodec.codecs.prompt_fp16 import PromptFp16
from ddcodec.codecs.prompt_int8 import PromptInt8, prompt_loss
from ddcodec.errors import EncodeError, PayloadError

SHAPES = hnp.array_shapes(min_dims=3, max_dims=3, max_side=5)
HALVES = hnp.arrays(np.float16, SHAPES, elements=st.floats(-6e4, 6e4, width=16))


@pytest.fixture
def vectors() -> np.ndarray:
    """float32 [4, 3, 64], of the size that CLIP's token embeddings have."""
    rng = np.random.default_rng(0)
    return rng.normal(0, 0.02, (4, 3, 64)).astype(np.float32)


@given(HALVES)
def test_fp16_round_trips_exactly(array: np.ndarray) -> None:
    decoded = PromptFp16().decode(PromptFp16().encode(array), array.shape)
    assert decoded.dtype == np.float32
    np.testing.assert_array_equal(decoded.astype(np.float16).view(np.uint16), array.view(np.uint16))


@given(HALVES)
def test_int8_errs_by_half_a_step_at_most(array: np.ndarray) -> None:
    decoded = PromptInt8().decode(PromptInt8().encode(array), array.shape)
    steps = np.abs(array.astype(np.float64)).max(axis=-1, keepdims=True) / 127
    # The scale is rounded to fp16 (11 bits, or 2^-24 below the normal range), 127 times over.
    assert (np.abs(decoded - array) <= steps * (0.5 + 127 * 2**-11) + 127 * 2.0**-24).all()


@given(HALVES)
def test_int8_keeps_every_integer_when_sliced(array: np.ndarray) -> None:
    codec = PromptInt8()
    raw = codec.encode(array)
    cut = codec.slice_raw(raw, slice(0, 1), slice(None), array.shape)
    np.testing.assert_array_equal(
        codec.decode(cut, (1, *array.shape[1:])), codec.decode(raw, array.shape)[:1]
    )


def test_fp16_is_sliced_by_class_only(vectors: np.ndarray) -> None:
    codec = PromptFp16()
    raw = codec.slice_raw(codec.encode(vectors), slice(1, 3), slice(0, 1), vectors.shape)
    np.testing.assert_array_equal(
        codec.decode(raw, (2, 3, 64)), vectors[1:3].astype(np.float16).astype(np.float32)
    )


def test_the_loss_of_int8_is_measured(vectors: np.ndarray) -> None:
    loss = prompt_loss(vectors)
    assert 0.001 < loss.relative < 0.01
    assert loss.relative < loss.worst_row < 0.02
    assert loss.to_map() == {
        "rms": loss.rms,
        "relative": loss.relative,
        "worst_row": loss.worst_row,
    }
    assert prompt_loss(np.zeros((1, 1, 3), np.float16)).relative == 0


@pytest.mark.parametrize("codec", [PromptFp16(), PromptInt8()])
@pytest.mark.parametrize(
    "array",
    [
        np.full((1, 1, 2), np.nan, np.float32),
        np.full((1, 1, 2), 1e9, np.float32),
        np.zeros((1, 2), np.float32),
        np.zeros((1, 0, 2), np.float32),
        np.zeros((1, 1, 2), np.float64),
    ],
)
def test_what_does_not_fit_is_refused(codec: PromptFp16 | PromptInt8, array: np.ndarray) -> None:
    with pytest.raises(EncodeError):
        codec.encode(array)


@pytest.mark.parametrize("codec", [PromptFp16(), PromptInt8()])
def test_wrong_lengths_are_refused(codec: PromptFp16 | PromptInt8) -> None:
    with pytest.raises(PayloadError, match="its box needs"):
        codec.decode(b"x" * 12, (1 << 20, 8, 1 << 20))


def test_an_empty_slice_is_refused(vectors: np.ndarray) -> None:
    with pytest.raises(EncodeError, match="no class"):
        PromptInt8().slice_raw(
            PromptInt8().encode(vectors), slice(0, 0), slice(None), vectors.shape
        )
