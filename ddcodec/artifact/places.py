"""Indices of items, as loaders and people give them."""

from __future__ import annotations

import operator
from collections.abc import Sequence

from ddcodec.errors import shown

__all__ = ["places_of"]


def places_of(indices: Sequence[int], count: int) -> list[int]:
    """Indices of ``count`` items as they count from the beginning.

    Raises:
        IndexError: there is no such item.
        TypeError: one is no integer.

    >>> places_of([0, -1], 5)
    [0, 4]
    """
    try:
        given = [operator.index(i) for i in indices]
    except TypeError as error:
        raise TypeError(
            f"{shown(indices)} is no index of a dataset: give an integer, a slice, or a list of "
            "integers"
        ) from error
    for i in given:
        if not -count <= i < count:
            raise IndexError(f"there is no item {i} in a dataset of {count}")
    return [i % count for i in given]
