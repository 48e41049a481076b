"""Patches to collages, and pictures to patches."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddcodec.errors import DecodeError, HeaderError, UnsupportedFeatureError
from ddcodec.recipe.layout import Layout
from ddcodec.synthesis.layout import collage, cut


def numbered(count: int, height: int, width: int) -> npt.NDArray[np.uint8]:
    """uint8 [count, height, width, 3]: patch i has the value i everywhere."""
    values = np.arange(count, dtype=np.uint8)[:, None, None, None]
    return np.broadcast_to(values, (count, height, width, 3)).copy()


def test_patches_fill_rows_first() -> None:
    images = collage(numbered(8, 4, 4), 2, 8, 8)
    assert images.shape == (2, 8, 8, 3)
    assert images[0, ::4, ::4, 0].tolist() == [[0, 1], [2, 3]]
    assert images[1, ::4, ::4, 0].tolist() == [[4, 5], [6, 7]]


def test_cells_of_an_odd_size_begin_at_the_floor() -> None:
    image = collage(numbered(9, 5, 5), 3, 8, 8)[0, :, :, 0]
    assert image[:, 0].tolist() == [0, 0, 3, 3, 3, 6, 6, 6]
    assert image[0].tolist() == [0, 0, 1, 1, 1, 2, 2, 2]


@given(st.integers(1, 5), st.integers(1, 6), st.integers(1, 6), st.integers(0, 3))
def test_cut_undoes_collage(grid: int, height: int, width: int, count: int) -> None:
    shape = (count * grid * grid, height, width, 3)
    patches = np.random.default_rng(5).integers(0, 256, shape, dtype=np.uint8)
    images = collage(patches, grid, grid * height, grid * width)
    np.testing.assert_array_equal(cut(images, grid), patches)


@given(st.integers(1, 5), st.integers(5, 13), st.integers(5, 13))
def test_all_patches_of_a_cut_have_one_size(grid: int, height: int, width: int) -> None:
    cells = collage(numbered(grid * grid, 3, 3), grid, height, width)
    patches = cut(cells, grid)
    assert patches.shape == (grid * grid, height // grid, width // grid, 3)
    assert (patches == np.arange(grid * grid)[:, None, None, None]).all()


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(DecodeError, match="whole number of collages"):
        collage(numbered(5, 4, 4), 2, 8, 8)
    with pytest.raises(DecodeError, match="smaller grid"):
        collage(numbered(9, 4, 4), 3, 2, 8)
    with pytest.raises(DecodeError, match="smaller grid"):
        cut(numbered(1, 8, 2), 3)


@pytest.mark.parametrize("layout", [Layout(), Layout("collage", 2), Layout("collage", 64)])
def test_the_header_form_round_trips(layout: Layout) -> None:
    assert Layout.from_map(layout.to_map()) == layout


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "not a map"),
        ({}, "kind"),
        ({"kind": "single"}, "lacks the field 'grid'"),
        ({"kind": "single", "grid": 1, "order": 0}, "unknown field 'order'"),
        ({"kind": 1, "grid": 1}, "'kind', a text"),
        ({"kind": "single", "grid": 2}, r"grid of a single is 2, expected an integer 1\.\.1"),
        ({"kind": "collage", "grid": 1}, r"expected an integer 2\.\.64"),
        ({"kind": "collage", "grid": 65}, r"expected an integer 2\.\.64"),
        ({"kind": "collage", "grid": True}, r"expected an integer 2\.\.64"),
        ({"kind": "collage", "grid": "2"}, r"expected an integer 2\.\.64"),
    ],
)
def test_a_damaged_header_form_is_refused(value: Any, message: str) -> None:
    with pytest.raises(HeaderError, match=message):
        Layout.from_map(value)


def test_a_layout_of_the_future_is_unsupported() -> None:
    with pytest.raises(UnsupportedFeatureError, match="newer ddcodec"):
        Layout.from_map({"kind": "spiral", "grid": 2})
