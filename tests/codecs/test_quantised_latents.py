"""Latents: every integer comes back, slices keep what remains, steps decide what is lost."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddcodec.codecs.quantised_latents import Quantised, QuantisedLatents, quantise
from ddcodec.errors import EncodeError, PayloadError

AXES = st.tuples(*[st.integers(1, 4)] * 6)


def drawn(shape: tuple[int, ...], seed: int, bits: int = 6) -> Quantised:
    rng = np.random.default_rng(seed)
    values = rng.integers(-(1 << bits) + 1, 1 << bits, shape).astype(np.int32)
    return Quantised(values, rng.random(shape[3], np.float32) + np.float32(0.01))


@given(AXES, st.integers(0, 15), st.integers(0, 99))
def test_every_integer_comes_back_times_its_step(
    shape: tuple[int, ...], bits: int, seed: int
) -> None:
    codec, given_ = QuantisedLatents(*shape[3:]), drawn(shape, seed, bits)
    found = codec.decode(codec.encode(given_), shape)
    assert found.dtype == np.float32
    assert np.array_equal(found, given_.values.astype(np.float32) * given_.steps[:, None, None])
    assert QuantisedLatents.from_params(codec.params()) == codec


@given(AXES, st.data())
def test_a_slice_keeps_the_latents_that_remain(shape: tuple[int, ...], data: st.DataObject) -> None:
    codec = QuantisedLatents(*shape[3:])
    raw = codec.encode(drawn(shape, 3))
    whole = codec.decode(raw, shape)
    first = data.draw(st.integers(0, shape[0] - 1))
    classes, slots = slice(first, shape[0]), slice(0, data.draw(st.integers(1, shape[1])))
    wanted = whole[classes, slots]
    part = codec.slice_raw(raw, classes, slots, shape)
    assert np.array_equal(codec.decode(part, wanted.shape), wanted)


def test_what_is_lost_is_half_a_step_at_most() -> None:
    latents = np.random.default_rng(0).normal(size=(2, 3, 1, 2, 4, 4)).astype(np.float32)
    steps = np.array([0.5, 0.25], np.float32)
    codec = QuantisedLatents(2, 4, 4)
    found = codec.decode(codec.encode(quantise(latents, steps)), latents.shape)
    assert (np.abs(found - latents).max((0, 1, 2, 4, 5)) <= steps / 2).all()


def test_neighbours_that_are_alike_cost_less() -> None:
    ramp = np.add.outer(np.arange(16), 3 * np.arange(16)).astype(np.int32)
    alike = Quantised(np.tile(ramp, (1, 8, 1, 1, 1, 1)), np.ones(1, np.float32))
    codec = QuantisedLatents(1, 16, 16)
    raw = codec.encode(alike)
    plain = codec.encode(alike._replace(weights=np.zeros((1, 2), np.int64)))
    assert len(raw) < 0.6 * len(plain)
    assert np.array_equal(codec.decode(raw, alike.values.shape), alike.values)


@pytest.mark.parametrize(
    ("value", "step"), [(np.nan, 1), (np.inf, 1), (40_000, 1), (1, 0), (1, -1), (1, 2.0**33)]
)
def test_latents_and_steps_that_do_not_fit_are_refused(value: float, step: float) -> None:
    latents = np.full((1, 1, 1, 1, 1, 1), value, np.float32)
    with pytest.raises(EncodeError, match="step"):
        quantise(latents, np.array([step], np.float32))


def test_latents_of_another_shape_are_refused() -> None:
    codec, small = QuantisedLatents(2, 3, 3), drawn((1, 1, 1, 2, 2, 3), 0)
    with pytest.raises(EncodeError, match="shape"):
        codec.encode(small)
    with pytest.raises(EncodeError):
        codec.encode(drawn((1, 1, 1, 2, 3, 3), 0)._replace(values=np.zeros(3, np.int32)))
    with pytest.raises(PayloadError, match="shape"):
        codec.decode(QuantisedLatents(2, 2, 3).encode(small), small.values.shape)


@given(st.binary(max_size=60), st.integers(0, 59), st.integers(0, 255))
def test_damaged_bytes_decode_or_are_payload_errors(tail: bytes, place: int, byte: int) -> None:
    shape = (1, 2, 1, 2, 3, 2)
    codec = QuantisedLatents(2, 3, 2)
    good = codec.encode(drawn(shape, 1, 3))
    changed = bytearray(good)
    changed[place % len(good)] = byte
    for raw in (bytes(changed), good[:12] + tail):
        with suppress(PayloadError):
            assert codec.decode(raw, shape).shape == shape
