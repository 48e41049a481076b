"""Boxes in the table: exact tiling, and finding the box that holds a row.

Everything here costs by the number of boxes, whatever the number of classes, slots or views.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np

from ddcodec.arrays import Bools, Indices, Rows
from ddcodec.byte_cache import ByteCache, BytePool
from ddcodec.container import Box, Section
from ddcodec.recipe.head import Range

__all__ = ["BoxIndex", "Fault", "Ranks", "Span", "tiling_fault"]

_END = 1 << 32  # beyond every class, slot and view
_KEPT = 1 << 24  # bytes


class Span(NamedTuple):
    """Half-open ranges along the three axes; unlike in a ``Box``, none is undivided."""

    classes: tuple[int, int]
    slots: tuple[int, int]
    views: tuple[int, int]


class Fault(NamedTuple):
    """The first cell, in the order class, slot, view, that is not covered exactly once."""

    class_index: int
    slot: int
    view: int
    twice: bool


def tiling_fault(spans: Iterable[Span], whole: Span) -> Fault | None:
    """Why spans do not cover ``whole`` exactly once; None if they do.

    A set of boxes is determined by its corners, each counted with the sign that the mixed
    difference of its indicator function has there. So boxes tile the whole if and only if their
    signed corners are its own: a hole and an overlap of equal area do not cancel. Where the sums
    differ, the first such point is a cell that is covered too often or not at all.

    >>> half = Span((0, 1), (0, 1), (0, 1))
    >>> tiling_fault([half], Span((0, 1), (0, 1), (0, 2)))
    Fault(class_index=0, slot=0, view=1, twice=False)
    """
    corners: defaultdict[tuple[int, int, int], int] = defaultdict(int)
    for span in spans:
        _add_corners(corners, span, 1)
    _add_corners(corners, whole, -1)
    wrong = min((point for point, count in corners.items() if count), default=None)
    return None if wrong is None else Fault(*wrong, twice=corners[wrong] > 0)


def _add_corners(corners: defaultdict[tuple[int, int, int], int], span: Span, count: int) -> None:
    if any(start >= end for start, end in span):
        return
    for ends in product((0, 1), repeat=3):
        point = span[0][ends[0]], span[1][ends[1]], span[2][ends[2]]
        corners[point] += -count if sum(ends) % 2 else count


class Ranks:
    """Places of chosen classes among themselves, so that ranges of classes stay ranges.

    Args:
        ranges: (start, count) of the chosen classes, ascending and apart.

    >>> ranks = Ranks([(2, 3), (8, 1)])
    >>> ranks.count, ranks.of(8), ranks.of(100), ranks.class_at(3)
    (4, 3, 4, 8)
    """

    def __init__(self, ranges: Sequence[Range]) -> None:
        self._starts = [start for start, _ in ranges]
        self._counts = [count for _, count in ranges]
        self._before = [0]
        for count in self._counts:
            self._before.append(self._before[-1] + count)

    @property
    def count(self) -> int:
        """How many classes are chosen."""
        return self._before[-1]

    def of(self, class_index: int) -> int:
        """How many chosen classes come before this one."""
        i = bisect_right(self._starts, class_index) - 1
        if i < 0:
            return 0
        return self._before[i] + min(class_index - self._starts[i], self._counts[i])

    def class_at(self, rank: int) -> int:
        """The chosen class at a place."""
        i = bisect_right(self._before, rank) - 1
        return self._starts[i] + rank - self._before[i]

    def holds(self, start: int, count: int) -> bool:
        """Whether every class of a range is chosen."""
        return self.of(start + count) - self.of(start) == count

    def shared(self, start: int, count: int) -> list[Range]:
        """The chosen classes within a range, as ranges.

        >>> Ranks([(2, 3), (8, 1)]).shared(3, 10)
        [(3, 2), (8, 1)]
        """
        found, i = [], max(0, bisect_right(self._starts, start) - 1)
        while i < len(self._starts) and self._starts[i] < start + count:
            first = max(start, self._starts[i])
            end = min(start + count, self._starts[i] + self._counts[i])
            if first < end:
                found.append((first, end - first))
            i += 1
        return found

    def missing(self, start: int, count: int) -> list[Range]:
        """The other classes within a range, as ranges.

        >>> Ranks([(2, 3), (8, 1)]).missing(3, 7)
        [(5, 3), (9, 1)]
        """
        missing, at = [], start
        for first, number in [*self.shared(start, count), (start + count, 0)]:
            if first > at:
                missing.append((at, first - at))
            at = first + number
        return missing


class _Column(NamedTuple):
    """Sections that hold some neighbouring classes and views, by their slots, which are apart."""

    starts: tuple[int, ...]
    ends: tuple[int, ...]
    sections: tuple[int, ...]


class BoxIndex:
    """The sections of one kind, found by class, slot and view.

    Looking one up takes a binary search; what that needs is made once for all classes and views
    between two edges of boxes, by one comparison for each section.

    Args:
        sections: of one kind, whose boxes tile the table.
        kept: where that is remembered.
    """

    def __init__(self, sections: Sequence[Section], kept: int | BytePool = _KEPT) -> None:
        self.sections = tuple(sections)
        boxes = np.array([s.box for s in sections], np.int64).reshape(-1, 6)
        self._starts = boxes[:, 0::2]
        counts = boxes[:, 1::2]
        self._ends = np.where(counts > 0, self._starts + counts, _END)
        edges = np.concatenate([self._starts, self._ends])
        self._class_edges, _, self._view_edges = (np.unique(axis).tolist() for axis in edges.T)
        self._columns: ByteCache[tuple[int, int], _Column] = ByteCache(
            kept, lambda column: 128 + 96 * len(column.starts)
        )

    def of_class(self, class_index: int) -> tuple[Section, ...]:
        """The sections whose box holds a class."""
        return tuple(self.sections[i] for i in np.flatnonzero(self._holds(0, class_index)).tolist())

    def of_view(self, view: int) -> tuple[Section, ...]:
        """The sections whose box holds a view."""
        return tuple(self.sections[i] for i in np.flatnonzero(self._holds(2, view)).tolist())

    def find(self, class_index: int, slot: int = 0, view: int = 0) -> Section | None:
        """The section that holds a cell, or None."""
        column = self._column(class_index, view)
        i = bisect_right(column.starts, slot) - 1
        if i < 0 or slot >= column.ends[i]:
            return None
        return self.sections[column.sections[i]]

    def find_all(self, rows: Rows, view: int) -> Indices:
        """[n]: the place in ``sections`` of what holds each (class, slot) of [n, 2], or -1."""
        found = np.full(len(rows), -1, np.intp)
        between = np.searchsorted(self._class_edges, rows[:, 0], side="right")
        for group in np.unique(between).tolist():
            members = np.flatnonzero(between == group)
            column = self._column(int(rows[members[0], 0]), view)
            if column.starts:
                slots = rows[members, 1]
                i = np.searchsorted(column.starts, slots, side="right") - 1
                inside = (i >= 0) & (slots < np.array(column.ends)[i])
                found[members] = np.where(inside, np.array(column.sections)[i], -1)
        return found

    def _column(self, class_index: int, view: int) -> _Column:
        key = bisect_right(self._class_edges, class_index), bisect_right(self._view_edges, view)

        def made() -> _Column:
            held = np.flatnonzero(self._holds(0, class_index) & self._holds(2, view))
            held = held[np.argsort(self._starts[held, 1], kind="stable")]
            starts, ends = self._starts[held, 1], self._ends[held, 1]
            return _Column(tuple(starts.tolist()), tuple(ends.tolist()), tuple(held.tolist()))

        return self._columns.get(key, made)

    def _holds(self, axis: int, place: int) -> Bools:
        """[n]: whether each box holds a class (axis 0) or a view (2)."""
        held: Bools = (self._starts[:, axis] <= place) & (place < self._ends[:, axis])
        return held


def span_of(box: Box, slots: int, views: int) -> Span:
    """A box with its undivided axes written out, clipped to so many slots and views."""
    slot_end = box.slot_start + box.slot_count if box.slot_count else slots
    view_end = box.view_start + box.view_count if box.view_count else views
    return Span(
        (box.class_start, box.class_start + box.class_count),
        (box.slot_start, min(slot_end, slots)),
        (box.view_start, min(view_end, views)),
    )
