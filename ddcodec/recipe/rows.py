"""Rows of a table as a sequence, which takes no memory for what the head only promises."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any, overload

from ddcodec.arrays import Row

__all__ = ["RowGrid"]


class RowGrid(Sequence[Row]):
    """(class index, slot) of every slot of some classes, by class and slot.

    Args:
        classes: class indices, ascending.
        slots: of each class.

    >>> rows = RowGrid([2, 5], 3)
    >>> rows[4], rows[1:3], rows.index((5, 2)), len(rows)
    ((5, 1), [(2, 1), (2, 2)], 5, 6)
    """

    def __init__(self, classes: Sequence[int], slots: int) -> None:
        self.classes = classes
        self.slots = slots

    def __len__(self) -> int:
        return len(self.classes) * self.slots

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> list[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | list[Row]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        place = index + len(self) if index < 0 else index
        if not 0 <= place < len(self):
            raise IndexError(f"there is no row {index} of {len(self)}")
        number, slot = divmod(place, self.slots)
        return self.classes[number], slot

    def index(self, value: Any, start: int = 0, stop: int | None = None) -> int:
        """The place of a row; raises ValueError where it is none of them."""
        class_index, slot = value
        place = bisect_left(self.classes, class_index)
        there = place < len(self.classes) and self.classes[place] == class_index
        found: int = place * self.slots + slot
        if not there or not 0 <= slot < self.slots or not start <= found < (stop or len(self)):
            raise ValueError(f"{value} is none of the rows")
        return found

    def __contains__(self, value: object) -> bool:
        try:
            self.index(value)
        except (TypeError, ValueError):
            return False
        return True

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]
