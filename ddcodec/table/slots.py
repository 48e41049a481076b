"""Division of classes, slots and views into sections of a readable size (writer-side)."""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["MAX_VALUES", "class_groups", "prefix_groups", "slot_groups"]

MAX_VALUES = 1 << 24
"""Most values (pixels, of patches) that a section may decode to (spec/table.md, "Sections")."""

# The field reports IPC 1, 10, 50: prefixes at these lengths are cut without re-encoding.
_PREFIXES = (1, 10, 50, 100, 200, 500, 1000)


def prefix_groups(total: int) -> Iterator[tuple[int, int]]:
    """(start, count) groups of slots whose ends are the usual prefixes.

    >>> list(prefix_groups(12))
    [(0, 1), (1, 9), (10, 2)]
    """
    start = 0
    for end in (*_PREFIXES, *range(2000, total + 1000, 1000)):
        if start >= total:
            return
        end = min(end, total)
        yield start, end - start
        start = end


def slot_groups(total: int, most: int) -> Iterator[tuple[int, int]]:
    """The same groups, cut so that none has more than ``most`` slots.

    >>> list(slot_groups(12, 5))
    [(0, 1), (1, 5), (6, 4), (10, 2)]
    """
    for start, count in prefix_groups(total):
        for first in range(start, start + count, most):
            yield first, min(most, start + count - first)


def class_groups(classes: int, values: int, most: int = MAX_VALUES) -> Iterator[tuple[int, int]]:
    """(start, count) groups of classes of ``values`` values each, at most ``most`` in a group.

    >>> list(class_groups(5, 4, most=8))
    [(0, 2), (2, 2), (4, 1)]
    """
    size = max(1, most // values)
    for start in range(0, classes, size):
        yield start, min(size, classes - start)
