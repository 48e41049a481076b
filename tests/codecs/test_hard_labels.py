"""Hard labels: one byte for "its own class", two bytes a row otherwise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ddcodec.codecs.hard_labels import OWN_CLASS, HardLabels
from ddcodec.errors import EncodeError, PayloadError

CODEC = HardLabels()


@given(hnp.arrays(np.int32, hnp.array_shapes(min_dims=3, max_dims=3), elements=st.integers(0, 9)))
def test_explicit_labels_round_trip(labels: np.ndarray) -> None:
    raw = CODEC.encode(labels)
    assert len(raw) == 1 + 2 * labels.size
    np.testing.assert_array_equal(CODEC.decode(raw, labels.shape), labels)


def test_own_class_takes_one_byte_for_any_number_of_rows() -> None:
    labels = np.full((3, 4, 5), OWN_CLASS, np.int32)
    assert CODEC.encode(labels) == b"\0"
    np.testing.assert_array_equal(CODEC.decode(b"\0", (3, 4, 5)), labels)


def test_labels_are_sliced_by_class_slot_and_view() -> None:
    labels = np.arange(60, dtype=np.int32).reshape(3, 4, 5)
    raw = CODEC.slice_raw(CODEC.encode(labels), slice(1, 3), slice(0, 2), (3, 4, 5), slice(0, 1))
    np.testing.assert_array_equal(CODEC.decode(raw, (2, 2, 1)), labels[1:, :2, :1])


@pytest.mark.parametrize("values", [[-1, 0], [65535], [-2]])
def test_labels_that_are_no_class_are_refused(values: list[int]) -> None:
    with pytest.raises(EncodeError, match="hard labels"):
        CODEC.encode(np.array([[values]], np.int32))


@pytest.mark.parametrize("raw", [b"", b"\0\0", b"\1\0", b"\2", b"\1\xff\xff"])
def test_damaged_bytes_are_refused(raw: bytes) -> None:
    with pytest.raises(PayloadError):
        CODEC.decode(raw, (1, 1, 1))
