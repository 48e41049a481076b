"""Stored draws: any crop, flip, partner and box comes back; a batch shares its box for nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ddcodec.arrays import Int32s
from ddcodec.codecs.view_draws import NUMBERS, ViewDraws
from ddcodec.errors import EncodeError, PayloadError

HEIGHT, WIDTH = 20, 28


def drawn(shape: tuple[int, int, int], seed: int, mixed: float, batches: int = 2) -> Int32s:
    """Draws of pictures of 28 x 20 pixels, each view in so many batches of one box each."""
    rng = np.random.default_rng(seed)
    out = np.zeros((*shape, NUMBERS), np.int32)
    rows = out.reshape(-1, NUMBERS)
    for row in rows:
        high, wide = rng.integers(1, HEIGHT + 1), rng.integers(1, WIDTH + 1)
        top, left = rng.integers(HEIGHT - high + 1), rng.integers(WIDTH - wide + 1)
        row[:5] = top, left, high, wide, rng.integers(2)
    for view in range(shape[2]):
        order = rng.permutation(shape[0] * shape[1])
        for batch in np.array_split(order, batches):
            top, left = rng.integers(HEIGHT), rng.integers(WIDTH)
            bottom, right = rng.integers(top, HEIGHT) + 1, rng.integers(left, WIDTH) + 1
            for picture, partner in zip(batch, rng.permutation(batch), strict=True):
                if rng.random() < mixed:
                    c, s = np.subtract(divmod(partner, shape[1]), divmod(picture, shape[1]))
                    numbers = c, s, top, bottom, left, right
                    out[picture // shape[1], picture % shape[1], view, 5:] = numbers
    return out


SHAPES = st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 3))


@given(SHAPES, st.integers(0, 1 << 32), st.sampled_from([0.0, 0.5, 1.0]), st.integers(1, 12))
@settings(max_examples=60, deadline=None)
def test_draws_round_trip(
    shape: tuple[int, int, int], seed: int, mixed: float, batches: int
) -> None:
    codec, draws = ViewDraws(HEIGHT, WIDTH), drawn(shape, seed, mixed, batches)
    np.testing.assert_array_equal(codec.decode(codec.encode(draws), draws.shape), draws)


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_a_slice_keeps_partners_that_it_does_not_hold(data: st.DataObject) -> None:
    shape = data.draw(SHAPES)
    codec, draws = ViewDraws(HEIGHT, WIDTH), drawn(shape, data.draw(st.integers(0, 99)), 0.8)
    parts = []
    for length in shape:
        start = data.draw(st.integers(0, length - 1))
        parts.append(slice(start, data.draw(st.integers(start + 1, length))))
    raw = codec.slice_raw(codec.encode(draws), parts[0], parts[1], draws.shape, parts[2])
    kept = draws[tuple(parts)]
    np.testing.assert_array_equal(codec.decode(raw, kept.shape), kept)


def test_nothing_is_paid_for_what_is_not_varied() -> None:
    plain = np.zeros((10, 10, 20, NUMBERS), np.int32)
    plain[..., 2:4] = HEIGHT, WIDTH
    assert len(ViewDraws(HEIGHT, WIDTH).encode(plain)) < 40


def test_a_batch_pays_for_its_box_once_and_for_partners_by_its_size() -> None:
    """Of 400 pictures in 4 batches, a partner and its box take about log2(400) bits."""
    shape, codec = (20, 20, 10), ViewDraws(HEIGHT, WIDTH)
    mixed = drawn(shape, 1, 1.0, batches=4)
    alone = mixed.copy()
    alone[..., 5:] = 0
    bits = 8 * (len(codec.encode(mixed)) - len(codec.encode(alone))) / 4000
    assert 8.6 < bits < 10.5


@pytest.mark.parametrize(
    "numbers",
    [
        (0, 0, 21, 28, 0, 0, 0, 0, 0, 0, 0),
        (1, 0, 20, 28, 0, 0, 0, 0, 0, 0, 0),
        (-1, 0, 20, 28, 0, 0, 0, 0, 0, 0, 0),
        (0, 1, 20, 28, 0, 0, 0, 0, 0, 0, 0),
        (0, 0, 0, 28, 0, 0, 0, 0, 0, 0, 0),
        (0, 0, 20, 28, 2, 0, 0, 0, 0, 0, 0),
        (0, 0, 20, 28, 0, 1, 0, 0, 0, 0, 0),
        (0, 0, 20, 28, 0, 0, 0, 0, 5, 3, 3),
        (0, 0, 20, 28, 0, 0, 0, 0, 21, 0, 5),
        (0, 0, 20, 28, 0, 0, 0, 5, 4, 0, 5),
        (0, 0, 20, 28, 0, 1 << 20, 0, 0, 5, 0, 5),
    ],
)
def test_draws_that_no_picture_has_are_refused(numbers: tuple[int, ...]) -> None:
    with pytest.raises(EncodeError, match="none of a picture of 28 x 20"):
        ViewDraws(HEIGHT, WIDTH).encode(np.array(numbers, np.int32).reshape(1, 1, 1, NUMBERS))


def test_arrays_of_another_form_are_refused() -> None:
    codec = ViewDraws(HEIGHT, WIDTH)
    with pytest.raises(EncodeError, match="int32 arrays"):
        codec.encode(np.zeros((1, 1, 1, NUMBERS), np.int64))
    with pytest.raises(EncodeError, match="got shape"):
        codec.encode(np.zeros((1, 1, 1, 10), np.int32))
    with pytest.raises(PayloadError, match="the box says"):
        codec.decode(b"", (1, 1, 1, 10))
