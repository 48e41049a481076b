"""Rotation: whole turns are exact, and every angle is that of the second implementation."""

from __future__ import annotations

from math import radians, sin

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ddcodec.arrays import UInt8s
from ddcodec.synthesis import rotation
from ddcodec.synthesis.rotation import MAX_DEGREES, rotate, sine
from tools.conformance.reference import synthesis as reference


def noise(count: int, height: int, width: int, channels: int = 3) -> UInt8s:
    shape = count, height, width, channels
    return np.random.default_rng(4).integers(0, 256, shape, dtype=np.uint8)


def test_the_table_is_the_sine() -> None:
    degrees = np.arange(-360, 361)
    exact = [65536 * sin(radians(d)) for d in degrees.tolist()]
    np.testing.assert_allclose(sine(degrees), exact, atol=0.5 + 1e-9)
    assert sine(degrees).tolist() == [reference.sine(d) for d in degrees.tolist()]


@pytest.mark.parametrize(("degrees", "quarters"), [(0, 0), (90, 1), (-90, 3), (180, 2), (-180, 2)])
@pytest.mark.parametrize("side", [1, 2, 5, 16])
def test_quarter_turns_move_pixels(degrees: int, quarters: int, side: int) -> None:
    pictures = noise(2, side, side)
    turned = rotate(pictures, np.array([degrees, 0]))
    np.testing.assert_array_equal(turned[0], np.rot90(pictures[0], quarters))
    np.testing.assert_array_equal(turned[1], pictures[1])


@settings(max_examples=40)
@given(
    st.lists(st.integers(-MAX_DEGREES, MAX_DEGREES), min_size=1, max_size=3),
    st.integers(1, 12),
    st.integers(1, 12),
    st.integers(1, 4),
)
def test_pixels_are_those_of_the_second_implementation(
    degrees: list[int], height: int, width: int, channels: int
) -> None:
    pictures = noise(len(degrees), height, width, channels)
    turned = rotate(pictures, np.array(degrees))
    for picture, d, found in zip(pictures, degrees, turned, strict=True):
        plain = [[tuple(pixel) for pixel in row] for row in picture.tolist()]
        expected = [[list(pixel) for pixel in row] for row in reference.rotate(plain, d)]
        assert found.tolist() == expected


def test_bands_and_batches_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    pictures, degrees = noise(5, 9, 14), np.array([7, -33, 60, 179, -90])
    whole = rotate(pictures, degrees)
    for pixels in (1, 30, 300):
        monkeypatch.setattr(rotation, "_PIXELS", pixels)
        np.testing.assert_array_equal(rotate(pictures, degrees), whole)


def test_turning_back_gives_nearly_the_picture(photo: UInt8s) -> None:
    """Anticlockwise, then clockwise: the middle is the photo again, but for some sharpness."""
    square = photo[:, :48]
    back = rotate(rotate(square, np.array([30])), np.array([-30]))
    middle = (slice(None), slice(14, 34), slice(14, 34))
    assert np.abs(back[middle].astype(int) - square[middle]).mean() < 4
    assert np.abs(rotate(square, np.array([30])).astype(int) - square).mean() > 10


def test_white_stays_white_at_every_angle() -> None:
    degrees = np.arange(-MAX_DEGREES, MAX_DEGREES + 1)
    white = np.full((degrees.size, 6, 7, 3), 255, np.uint8)
    assert (rotate(white, degrees) == 255).all()


def test_an_empty_batch_stays_empty() -> None:
    assert rotate(noise(0, 4, 4), np.zeros(0, np.int64)).shape == (0, 4, 4, 3)
