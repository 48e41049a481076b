"""Rows of a table are a sequence like any list, and take no memory."""

from __future__ import annotations

import pickle
import sys

import pytest

from ddcodec.recipe.rows import RowGrid

ROWS = RowGrid((2, 5, 6), 4)
LISTED = [(c, s) for c in (2, 5, 6) for s in range(4)]


def test_rows_are_by_class_and_slot() -> None:
    assert list(ROWS) == LISTED and len(ROWS) == 12
    assert ROWS == LISTED and LISTED == ROWS and LISTED[1:] != ROWS
    assert (ROWS[0], ROWS[7], ROWS[-1]) == ((2, 0), (5, 3), (6, 3))
    assert ROWS[::-3] == LISTED[::-3] and ROWS[20:] == []
    assert pickle.loads(pickle.dumps(ROWS)) == ROWS


@pytest.mark.parametrize("place", [12, -13])
def test_there_is_no_row_beyond(place: int) -> None:
    with pytest.raises(IndexError, match=f"no row {place} of 12"):
        ROWS[place]


def test_rows_are_found_by_what_they_are() -> None:
    assert [ROWS.index(row) for row in LISTED] == list(range(12))
    assert (5, 3) in ROWS and (5, 4) not in ROWS and (3, 0) not in ROWS and (7, 0) not in ROWS
    with pytest.raises(ValueError, match="none of the rows"):
        ROWS.index((2, 1), 2)


def test_millions_of_rows_take_no_memory() -> None:
    rows = RowGrid(range(1 << 10), 1 << 21)
    assert len(rows) == 1 << 31 and rows[(1 << 31) - 1] == (1023, (1 << 21) - 1)
    assert sys.getsizeof(rows) < 100
