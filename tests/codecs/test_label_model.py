"""Label models: all their arrays come back, and what does not fit is refused."""

from __future__ import annotations

from dataclasses import astuple, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddcodec.codecs.label_model import LabelModel, LabelModelCodec, column_groups
from ddcodec.errors import EncodeError, HeaderError, PayloadError


def model_of(codec: LabelModelCodec, seed: int, bits: int = 15) -> LabelModel:
    """A model of any numbers."""
    rng = np.random.default_rng(seed)
    k, m, r = codec.shape
    high = 1 << bits
    return LabelModel(
        rng.integers(-high, high, (k, k)).astype(np.int16),
        rng.integers(-128, 128, (r, k)).astype(np.int8),
        rng.integers(-high, high, (k, m, r)).astype(np.int16),
        *rng.integers(0, 1 << 16, (2, m)).astype(np.uint16),
        rng.integers(1, 1 << 16, r).astype(np.uint16),
    )


CODEC = LabelModelCodec(3, 4, 2, 1, 5, 3, 1, 2, 0)


@given(
    st.integers(1, 6),
    st.integers(1, 5),
    st.integers(0, 5),
    st.integers(1, 6),
    st.integers(0, 15),
    st.integers(0, 99),
)
def test_every_model_comes_back(k: int, m: int, r: int, band: int, bits: int, seed: int) -> None:
    codec = replace(CODEC, classes=k, features=m, atoms=r, band=band)
    model = model_of(codec, seed, bits)
    raw = codec.encode(model)
    found = codec.decode(raw, codec.shape)
    for name in ("means", "basis", "class_fields", "class_steps", "field_steps", "units"):
        wanted, array = getattr(model, name), getattr(found, name)
        assert array.dtype == wanted.dtype and array.tolist() == wanted.tolist(), name
    assert LabelModelCodec.from_params(codec.params()) == codec


@given(st.integers(0, 400), st.integers(1, 255))
def test_damage_is_an_error_or_another_model(place: int, change: int) -> None:
    raw = bytearray(CODEC.encode(model_of(CODEC, 1, 4)))
    raw[place % len(raw)] ^= change
    try:
        found = CODEC.decode(bytes(raw), CODEC.shape)
    except PayloadError:
        return
    assert found.class_fields.shape == CODEC.shape


@given(st.integers(0, 200))
def test_every_cut_is_an_error(length: int) -> None:
    raw = CODEC.encode(model_of(CODEC, 1, 4))
    with pytest.raises(PayloadError):
        CODEC.decode(raw[: length % len(raw)], CODEC.shape)


def test_groups_are_of_neighbouring_atoms_of_a_feature() -> None:
    assert column_groups(2, 5, 2).tolist() == [0, 0, 1, 1, 2, 3, 3, 4, 4, 5]
    assert column_groups(3, 0, 2).tolist() == []


@pytest.mark.parametrize(
    "change",
    [
        {"means": np.zeros((3, 4), np.int16)},
        {"basis": np.zeros((2, 4), np.int8)},
        {"class_fields": np.zeros((3, 4, 3), np.int16)},
        {"units": np.ones(3, np.uint16)},
        {"units": np.array([1, 0], np.uint16)},
    ],
)
def test_a_model_of_another_shape_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(EncodeError, match="shapes"):
        CODEC.encode(replace(model_of(CODEC, 0), **change))


def test_more_classes_than_a_section_has_means_for_are_refused() -> None:
    """The means are K x K: 65,535 classes would be 17 GB, from a few bytes of zeros."""
    with pytest.raises(HeaderError, match="expected an integer"):
        LabelModelCodec.from_params({**CODEC.params(), "classes": 4097})
    with pytest.raises(EncodeError, match="4097 classes"):
        replace(CODEC, classes=4097).encode(model_of(CODEC, 0))


def test_another_origin_is_refused() -> None:
    with pytest.raises(PayloadError, match="origin"):
        CODEC.decode(CODEC.encode(model_of(CODEC, 0)), (4, 4, 2))


def test_the_parameters_are_those_of_the_specification() -> None:
    assert list(CODEC.params()) == list(LabelModelCodec.RANGES)
    assert tuple(CODEC.params().values()) == astuple(CODEC)
