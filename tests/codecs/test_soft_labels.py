"""Innovations: every symbol comes back; labels without any are one byte."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddcodec import codecs
from ddcodec.codecs.soft_labels import SoftLabels
from ddcodec.container import CodecSpec
from ddcodec.errors import EncodeError, HeaderError, PayloadError

AXES = st.tuples(*[st.integers(1, 4)] * 4)


def symbols(shape: tuple[int, ...], seed: int, bits: int = 3) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.integers(-(1 << bits), 1 << bits, shape).astype(np.int32)


@given(AXES, st.integers(1, 5), st.integers(0, 25), st.integers(0, 1))
def test_every_symbol_comes_back(
    shape: tuple[int, int, int, int], band: int, bits: int, step: int
) -> None:
    codec = SoftLabels(shape[3], band, step)
    array = symbols(shape, bits, bits)
    found = codec.decode(codec.encode(array), shape)
    assert found.dtype == np.int32 and found.tolist() == array.tolist()
    assert codecs.get(codec.spec()) == codec


@given(AXES, st.data())
def test_a_slice_keeps_the_symbols_that_remain(
    shape: tuple[int, int, int, int], data: st.DataObject
) -> None:
    codec = SoftLabels(shape[3], 2)
    array = symbols(shape, 3)
    first = data.draw(st.integers(0, shape[0] - 1))
    slots, views = (slice(0, data.draw(st.integers(1, n))) for n in shape[1:3])
    raw = codec.slice_raw(codec.encode(array), slice(first, None), slots, shape, views)
    wanted = array[first:, slots, views]
    assert codec.decode(raw, wanted.shape).tolist() == wanted.tolist()
    assert raw == codec.encode(np.ascontiguousarray(wanted))


def test_labels_that_are_their_prediction_are_one_byte() -> None:
    codec = SoftLabels(0, 1, 7)
    assert codec.encode(np.zeros((2, 3, 4, 0), np.int32)) == b"\0"
    assert codec.decode(b"\0", (2, 3, 4, 0)).shape == (2, 3, 4, 0)
    assert codec.slice_raw(b"\0", slice(0, 1), slice(0, 1), (2, 3, 4, 0)) == b"\0"
    for raw in (b"", b"\1", b"\0\0"):
        with pytest.raises(PayloadError, match="nothing"):
            codec.decode(raw, (2, 3, 4, 0))


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((1, 1, 1, 3), np.int32),
        np.zeros((1, 1, 1, 2), np.int16),
        np.zeros((1, 1, 2), np.int32),
        np.zeros((1, 0, 1, 2), np.int32),
    ],
)
def test_arrays_of_another_shape_are_refused(array: np.ndarray) -> None:
    with pytest.raises(EncodeError):
        SoftLabels(2, 1).encode(array)


def test_parameters_out_of_range_are_refused() -> None:
    good = {"columns": 65535, "band": 1, "step": 1}
    assert codecs.get(CodecSpec("soft-labels", 1, "none", good))
    for bad in ({"step": 0}, {"columns": 65536}, {"band": 0}, {"step": 2049}, {"x": 1}):
        with pytest.raises(HeaderError):
            codecs.get(CodecSpec("soft-labels", 1, "none", {**good, **bad}))
