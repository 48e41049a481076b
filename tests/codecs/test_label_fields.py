"""Fields of pictures: every field comes back, slices keep what remains."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddcodec.codecs.label_fields import LabelFields
from ddcodec.errors import EncodeError, PayloadError

AXES = st.tuples(*[st.integers(1, 4)] * 5)


def fields(shape: tuple[int, ...], seed: int, bits: int = 6) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.integers(-(1 << bits), 1 << bits, shape).astype(np.int16)


@given(AXES, st.integers(1, 5), st.integers(0, 15), st.integers(0, 99))
def test_every_field_comes_back(
    shape: tuple[int, int, int, int, int], band: int, bits: int, seed: int
) -> None:
    codec = LabelFields(*shape[2:], band)
    array = fields(shape, seed, bits)
    found = codec.decode(codec.encode(array), shape)
    assert found.dtype == np.int16 and found.tolist() == array.tolist()
    assert LabelFields.from_params(codec.params()) == codec


@given(AXES, st.data())
def test_a_slice_keeps_the_fields_that_remain(
    shape: tuple[int, int, int, int, int], data: st.DataObject
) -> None:
    codec = LabelFields(*shape[2:], 2)
    array = fields(shape, 3)
    first = data.draw(st.integers(0, shape[0] - 1))
    classes, slots = slice(first, shape[0]), slice(0, data.draw(st.integers(1, shape[1])))
    raw = codec.slice_raw(codec.encode(array), classes, slots, shape)
    wanted = array[classes, slots]
    assert codec.decode(raw, wanted.shape).tolist() == wanted.tolist()


def test_values_beyond_16_bits_are_refused() -> None:
    from ddcodec.codecs.packed import pack_matrix

    raw = pack_matrix(np.array([[0x8000]]), np.zeros(1, np.intp))
    with pytest.raises(PayloadError, match="16 bits"):
        LabelFields(1, 1, 1, 1).decode(raw, (1, 1, 1, 1, 1))


def test_fields_of_another_shape_are_refused() -> None:
    codec = LabelFields(1, 2, 3, 1)
    with pytest.raises(EncodeError, match="shape"):
        codec.encode(fields((1, 1, 1, 3, 2), 0))
    with pytest.raises(EncodeError):
        codec.encode(fields((1, 1, 1, 2, 3), 0).astype(np.int32))
    with pytest.raises(PayloadError, match="model"):
        codec.decode(codec.encode(fields((1, 1, 1, 2, 3), 0)), (1, 1, 1, 3, 2))
