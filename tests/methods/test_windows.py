"""Windows of pictures of any shape."""

from __future__ import annotations

import numpy as np
import pytest

from ddcodec.methods.windows import alike, cut, framed, seen_at, window_of


@pytest.mark.parametrize(
    ("shape", "frame"),
    [
        ((32, 32), (32, 32)),
        ((500, 375), (40, 32)),  # 10.67 eighths
        ((333, 500), (32, 48)),
        ((20, 400), (32, 64)),  # twice as long as high, at most
        ((8, 8), (32, 32)),
    ],
)
def test_pictures_come_in_few_shapes(shape: tuple[int, int], frame: tuple[int, int]) -> None:
    picture = np.zeros((*shape, 3), np.uint8)
    assert framed(picture, 32).shape == (*frame, 3)


def test_what_is_too_long_loses_both_ends() -> None:
    picture = np.zeros((4, 16, 3), np.uint8)
    picture[:, 4:12] = 200
    assert (framed(picture, 4) == 200).all()


def test_a_picture_of_the_right_size_is_left_as_it_is() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (16, 20, 3), np.uint8)
    assert (framed(picture, 16) == picture).all()


def test_pictures_of_one_shape_come_together_and_a_few_at_a_time() -> None:
    pictures = [np.zeros((4, side, 3), np.uint8) for side in (4, 5, 4, 4, 5)]
    assert [rows.tolist() for rows in alike(pictures, 2)] == [[0, 2], [3], [1, 4]]


def test_sizes_are_rounded_up_to_what_the_prior_can_see() -> None:
    assert seen_at((256, 320), 64, 8) == (64, 80)
    assert seen_at((256, 288), 64, 16) == (64, 80)
    assert seen_at((16, 16), 32, 4) == (32, 32)


def test_a_window_has_the_shape_of_a_training_image() -> None:
    assert window_of((256, 320), (224, 224), (7, 8)) == (224, 224)
    assert window_of((64, 64), (40, 20), (1, 2)) == (16, 32)
    assert window_of((32, 32), (32, 32), (1, 1)) == (32, 32)


def test_windows_that_stick_out_are_moved_in() -> None:
    pictures = np.arange(2 * 6 * 6 * 3, dtype=np.uint8).reshape(2, 6, 6, 3)
    found = cut(pictures, np.array([[1, 2], [5, 0]]), (4, 4), (4, 4))
    assert (found[0] == pictures[0, 1:5, 2:6]).all()
    assert (found[1] == pictures[1, 2:6, 0:4]).all()
