"""Sections hold what a reader accepts, and end where people cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddcodec.errors import RequestError
from ddcodec.methods.patch_mosaics import PatchCoding, most_slots
from ddcodec.table.slots import MAX_VALUES, class_groups, prefix_groups, slot_groups


@given(st.integers(1, 5_000), st.integers(1, 200))
def test_groups_of_slots_hold_every_slot_once_and_end_at_prefixes(total: int, most: int) -> None:
    groups = list(slot_groups(total, most))
    assert [s for start, count in groups for s in range(start, start + count)] == list(range(total))
    assert all(1 <= count <= most for _, count in groups)
    ends = {start + count for start, count in groups}
    assert ends >= {end for end in (1, 10, 50, 100, 200, 500, 1000) if end <= total}


def test_small_pictures_are_divided_at_prefixes_alone() -> None:
    assert list(slot_groups(60, most_slots((32, 32), 1, PatchCoding()))) == list(prefix_groups(60))


@given(st.integers(1, 3_000), st.integers(1, 1 << 25))
def test_groups_of_classes_hold_every_class_once(classes: int, values: int) -> None:
    groups = list(class_groups(classes, values))
    assert sum(count for _, count in groups) == classes
    assert all(count * values <= MAX_VALUES or count == 1 for _, count in groups)


@pytest.mark.parametrize(
    ("size", "per_slot", "slots"),
    [
        ((512, 512), 1, 64),
        ((1024, 1024), 1, 16),
        ((512, 512), 4, 16),
        ((4096, 4096), 1, 1),
        ((4096, 16), 1, 9),
    ],
)
def test_a_mosaic_holds_as_many_slots_as_its_pixels_and_sides_allow(
    size: tuple[int, int], per_slot: int, slots: int
) -> None:
    assert most_slots(size, per_slot, PatchCoding()) == slots


@pytest.mark.parametrize("size", [(4097, 4097), (8192, 8192)])
def test_pictures_that_no_mosaic_holds_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(RequestError, match="cannot be stored"):
        most_slots(size, 1, PatchCoding())
