"""Top-k lists of class probabilities, on their way into a file (encoder-side).

What a decoder needs is in ``top_k_labels``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np

from ddcodec.arrays import Array, Indices, Int16s, Int32s, Integers
from ddcodec.errors import EncodeError

__all__ = ["CHUNK", "Lists"]


CHUNK = 1 << 22
"""Values worked on at once."""


@dataclass(frozen=True, eq=False)
class Lists:
    """The entries of n rows that differ from their rest; values in steps (encoder-side).

    Attributes:
        owner: [n], the class of each row, within the section.
        order: int32 [classes, K], the columns of each class by how often they differ.
        columns, values: int32 [n, k], unordered.
        rest: [n].
    """

    owner: Indices
    order: Int32s
    columns: Int32s
    values: Int32s
    rest: Integers

    @classmethod
    def of(cls, array: Int16s, k: int, step: int) -> Self:
        """The entries of int16 [classes, slots, views, K].

        Raises:
            EncodeError: a row has more of them than k, or a value is no multiple of the step.
        """
        count, _, _, width = array.shape
        rows = array.reshape(-1, width)
        if (rows % step).any():
            raise EncodeError(f"logits are not multiples of the step {step}; quantise first")
        rest = np.concatenate([_most_frequent(part) for part in _chunks(rows)])
        differs = rows != rest[:, None]
        most = int(differs.sum(axis=1).max())
        if most > k:
            raise EncodeError(f"a label has {most} entries besides its rest, more than {k}")
        popular = differs.reshape(count, -1, width).sum(axis=1)
        order = np.argsort(-popular, axis=1, kind="stable").astype(np.int32)
        owner = np.repeat(np.arange(count), len(rows) // count)
        columns = np.empty((len(rows), k), np.int32)
        for first, part in zip(range(0, len(rows), _size(rows)), _chunks(differs), strict=True):
            # Where fewer differ, the most popular of the others make up the number.
            here = slice(first, first + len(part))
            by_rank = np.take_along_axis(part, order[owner[here]], axis=1)
            chosen = np.argsort(~by_rank, axis=1, kind="stable")[:, :k]
            columns[here] = np.take_along_axis(order[owner[here]], chosen, axis=1)
        values = np.take_along_axis(rows, columns, axis=1) // step
        return cls(owner, order, columns, values.astype(np.int32), rest // step)

    @property
    def common(self) -> int:
        """The rest of most rows, in steps."""
        values, counts = np.unique(self.rest, return_counts=True)
        return int(values[counts.argmax()])

    def matrix(self, ranked: int, common: bool = False) -> Int32s:
        """int32 [n, 2 k + 1]: the largest value, the rest's drop, k - 1 drops, k ranks.

        Args:
            ranked: columns that have ranks of their own, of each class.
            common: whether rests are told from :attr:`common`, not from the last entry.
        """
        order = np.concatenate(
            [self.order[:, :ranked], np.sort(self.order[:, ranked:], axis=1)], axis=1
        )
        rank = np.empty_like(order)
        places = np.broadcast_to(np.arange(order.shape[1], dtype=np.int32), order.shape)
        np.put_along_axis(rank, order, places, axis=1)
        ranks = rank[self.owner[:, None], self.columns]
        keys = -self.values.astype(np.int64) * order.shape[1] + ranks
        by_value = np.argsort(keys, axis=1)
        values = np.take_along_axis(self.values, by_value, axis=1)
        base = np.int32(self.common) if common else values[:, -1:]
        last = base - self.rest[:, None].astype(np.int32)
        ranks = np.take_along_axis(ranks, by_value, axis=1)
        return np.concatenate([values[:, :1], last, -np.diff(values, axis=1), ranks], axis=1)


def _most_frequent(rows: Int16s) -> Int16s:
    """The value that each row has most often; the lowest of several. int16 [n]."""
    ordered = np.sort(rows, axis=1)
    places = np.arange(rows.shape[1])
    starts = np.where(np.diff(ordered, axis=1, prepend=0) != 0, places, 0)
    run = places - np.maximum.accumulate(starts, axis=1)
    found: Int16s = np.take_along_axis(ordered, run.argmax(axis=1)[:, None], axis=1)[:, 0]
    return found


def _size(rows: Array) -> int:
    return max(1, CHUNK // int(rows.shape[1]))


def _chunks(rows: Array) -> Iterator[Array]:
    for first in range(0, len(rows), _size(rows)):
        yield rows[first : first + _size(rows)]
