"""Resampling is the exact weighted mean, rounded once."""

from __future__ import annotations

from fractions import Fraction
from math import floor

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from ddcodec.errors import DecodeError, LimitExceededError
from ddcodec.recipe.fields import MAX_SIDE
from ddcodec.synthesis import resample
from ddcodec.synthesis.resample import nearest, resize

Pictures = npt.NDArray[np.uint8]

SIDES = st.integers(1, 9)
SHAPES = st.tuples(st.integers(1, 3), SIDES, SIDES, st.sampled_from([1, 3]))
PICTURES = SHAPES.flatmap(lambda shape: arrays.arrays(np.uint8, shape))


def triangle(source: int, target: int) -> list[list[Fraction]]:
    """Normalised weights [target][source], from the definition and not from the integers."""
    scale = Fraction(source, target)
    rows = []
    for i in range(target):
        centre = (i + Fraction(1, 2)) * scale
        row = [
            max(Fraction(0), 1 - abs(j + Fraction(1, 2) - centre) / max(1, scale))
            for j in range(source)
        ]
        rows.append([weight / sum(row) for weight in row])
    return rows


@given(PICTURES, SIDES, SIDES)
def test_resize_is_the_rational_mean_rounded_half_up(
    images: Pictures, height: int, width: int
) -> None:
    result = resize(images, height, width)
    down, across = triangle(images.shape[1], height), triangle(images.shape[2], width)
    for y, x in [(0, 0), (height - 1, width - 1), (height // 2, width // 3)]:
        mean = sum(
            a * b * int(images[0, j, k, 0])
            for j, a in enumerate(down[y])
            for k, b in enumerate(across[x])
        )
        assert result[0, y, x, 0] == floor(mean + Fraction(1, 2))


def test_a_half_rounds_up() -> None:
    line = np.array([0, 255], dtype=np.uint8).reshape(1, 1, 2, 1)
    assert resize(line, 1, 3).ravel().tolist() == [0, 128, 255]
    line = np.array([10, 20, 30, 250], dtype=np.uint8).reshape(1, 1, 4, 1)
    assert resize(line, 1, 2).ravel().tolist() == [17, 123]


@given(PICTURES)
def test_the_same_size_is_the_identity(images: Pictures) -> None:
    np.testing.assert_array_equal(resize(images, *images.shape[1:3]), images)
    np.testing.assert_array_equal(nearest(images, *images.shape[1:3]), images)


@given(PICTURES, SIDES, SIDES)
def test_mirroring_and_resizing_commute(images: Pictures, height: int, width: int) -> None:
    mirrored = resize(images[:, :, ::-1], height, width)
    np.testing.assert_array_equal(mirrored, resize(images, height, width)[:, :, ::-1])


@given(st.integers(0, 255), SIDES, SIDES, st.integers(1, 200))
def test_a_flat_picture_stays_flat(value: int, height: int, width: int, target: int) -> None:
    images = np.full((1, height, width, 3), value, dtype=np.uint8)
    assert (resize(images, target, 201 - target) == value).all()


@given(PICTURES, SIDES, SIDES)
def test_each_picture_is_resized_on_its_own(images: Pictures, height: int, width: int) -> None:
    alone = np.concatenate([resize(i[None], height, width) for i in images])
    np.testing.assert_array_equal(resize(images, height, width), alone)


# Most need several bands of rows or columns; the last two need float64 and int64 sums.
LARGE = [((96, 130), (150, 70)), ((33, 40), (32, 32)), ((997, 3), (61, 5)), ((4096, 700), (1, 1))]


@pytest.mark.parametrize(("source", "target"), LARGE)
def test_every_number_type_and_band_gives_the_same_bytes(
    source: tuple[int, int], target: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    images = np.random.default_rng(3).integers(0, 256, (1, *source, 2), dtype=np.uint8)
    result = resize(images, *target)
    monkeypatch.setattr(resample, "_carrier", lambda *_: np.dtype(np.int64))
    monkeypatch.setattr(resample, "_VALUES", 1)
    np.testing.assert_array_equal(result, resize(images, *target))


def test_extreme_pictures_reach_every_number_type() -> None:
    """White stays white at the bounds, where sums are largest."""
    reached = set()
    for source, target in [((32, 32), (24, 24)), ((999, 200), (998, 64)), ((4096, 700), (1, 1))]:
        white = np.full((1, *source, 1), 255, dtype=np.uint8)
        assert (resize(white, *target) == 255).all()
        bands = [resample._bands(*axis) for axis in zip(source, target, strict=True)]
        reached.add(resample._carrier(bands[0], bands[1]))
    assert reached == {np.dtype(np.float32), np.dtype(np.float64), np.dtype(np.int64)}


def test_the_bound_on_int64_sums_holds() -> None:
    """The comment of ``_carrier``: no row of weights sums to more than 2**27."""
    for target in (1, 2, 3, 5, 8191, 8192):
        assert max(int(b.sums.max()) for b in resample._bands(MAX_SIDE, target)) <= 1 << 27


@pytest.mark.parametrize("size", [(32, 32), (24, 18), (11, 29), (128, 100), (1, 1), (64, 12)])
def test_pillow_differs_by_its_second_rounding_at_most(
    photo: Pictures, size: tuple[int, int]
) -> None:
    noise = np.random.default_rng(1).integers(0, 256, photo.shape, dtype=np.uint8)
    for images in (photo, noise):
        image = Image.fromarray(images[0]).resize((size[1], size[0]), Image.Resampling.BILINEAR)
        difference = np.abs(np.asarray(image, dtype=int) - resize(images, *size)[0])
        assert difference.max() <= 1


@given(PICTURES, SIDES, SIDES)
def test_nearest_takes_the_pixel_at_the_centre(images: Pictures, height: int, width: int) -> None:
    result = nearest(images, height, width)
    y, x = height - 1, width // 2
    row = floor((y + Fraction(1, 2)) * Fraction(images.shape[1], height))
    column = floor((x + Fraction(1, 2)) * Fraction(images.shape[2], width))
    np.testing.assert_array_equal(result[:, y, x], images[:, row, column])


def test_nothing_to_resize_is_no_error() -> None:
    assert resize(np.empty((0, 8, 8, 3), dtype=np.uint8), 4, 5).shape == (0, 4, 5, 3)


@pytest.mark.parametrize("function", [resize, nearest])
def test_what_is_not_a_picture_is_refused(function: object) -> None:
    assert callable(function)
    images = np.zeros((1, 4, 4, 3), dtype=np.uint8)
    with pytest.raises(DecodeError, match="uint8"):
        function(images.astype(np.float32), 2, 2)
    with pytest.raises(DecodeError, match="axes"):
        function(images[0], 2, 2)
    for size in [(0, 2), (2, MAX_SIDE + 1)]:
        with pytest.raises(LimitExceededError, match="outside"):
            function(images, *size)
