"""Top-k lists of class probabilities, on their way into a file (encoder-side).

What a decoder needs is in ``top_k_labels``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt

from ddcodec.codecs.soft_labels import LOWEST_NATS, MAX_STEP, UNITS_PER_NAT
from ddcodec.errors import EncodeError

__all__ = ["CHUNK", "Lists", "from_top_k"]

Int16s = npt.NDArray[np.int16]
Int32s = npt.NDArray[np.int32]

CHUNK = 1 << 22
"""Values worked on at once."""


def from_top_k(
    indices: npt.ArrayLike,
    logprobs: npt.ArrayLike,
    classes: int,
    *,
    rest: Literal["smoothed", "dropped"] = "smoothed",
    step: int = 1,
) -> Int16s:
    """Integer logits of top-k lists, for ``top-k-labels`` (encoder-side).

    The largest logit of a row is 0: probabilities do not depend on it, and so it costs nothing.

    Args:
        indices: integers [..., k], distinct within a row: classes whose probability is known.
        logprobs: [..., k], their natural log-probabilities at temperature 1, at most 0.
        classes: K.
        rest: what the other K - k classes get. ``smoothed``: the mass that is left, evenly, which
            is the marginal smoothing of FKD (Shen and Xing, ECCV 2022).
            ``dropped``: nothing, so that a reader's softmax renormalises over the k, as LPQLD
            does. The rest is at -511 nats, the lowest logit, of weight 0 up to temperature 24.
        step: logits are multiples of step / 64 nat, 1..2048.

    Returns:
        int16 [..., K].

    Raises:
        EncodeError: shapes, indices or log-probabilities make no sense.
    """
    places, values = np.asarray(indices), np.asarray(logprobs, np.float64)
    if not 1 <= step <= MAX_STEP:
        raise EncodeError(f"step {step} is not within 1..{MAX_STEP} (units of 1/64 nat)")
    if places.shape != values.shape or not 1 <= places.shape[-1] <= classes <= 0xFFFF:
        raise EncodeError(
            f"top-k lists of shapes {places.shape} and {values.shape} are none over {classes} "
            "classes"
        )
    ordered = np.sort(places, axis=-1)
    if ordered.min() < 0 or ordered.max() >= classes or (np.diff(ordered, axis=-1) == 0).any():
        raise EncodeError(f"indices of a list are distinct and within 0..{classes - 1}")
    mass = np.exp(values).sum(axis=-1, keepdims=True)
    if not (values <= 1e-3).all() or not (mass <= 1 + 1e-2).all():
        raise EncodeError("lists hold log-probabilities, at most 0; apply log_softmax first")
    top = values.max(axis=-1, keepdims=True)
    if not np.isfinite(top).all():
        raise EncodeError("a list gives no class any probability")
    left = np.full(top.shape, -np.inf)
    if rest == "smoothed" and values.shape[-1] < classes:
        with np.errstate(divide="ignore"):
            left = np.log(np.maximum(1 - mass, 0) / (classes - values.shape[-1])) - top
    out = np.empty((*places.shape[:-1], classes), np.int16)
    out[...] = _on_grid(left, step)
    np.put_along_axis(out, places, _on_grid(values - top, step), axis=-1)
    return out


def _on_grid(nats: npt.NDArray[np.float64], step: int) -> Int16s:
    lowest = -(LOWEST_NATS * UNITS_PER_NAT // step)
    steps = np.rint(np.maximum(nats, -LOWEST_NATS - 1) * (UNITS_PER_NAT / step))
    return (np.maximum(steps, lowest) * step).astype(np.int16)


@dataclass(frozen=True, eq=False)
class Lists:
    """The entries of n rows that differ from their rest; values in steps (encoder-side).

    Attributes:
        owner: [n], the class of each row, within the section.
        order: int32 [classes, K], the columns of each class by how often they differ.
        columns, values: int32 [n, k], unordered.
        rest: [n].
    """

    owner: npt.NDArray[np.intp]
    order: Int32s
    columns: Int32s
    values: Int32s
    rest: npt.NDArray[np.integer]

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


def _size(rows: npt.NDArray[Any]) -> int:
    return max(1, CHUNK // int(rows.shape[1]))


def _chunks(rows: npt.NDArray[Any]) -> Iterator[npt.NDArray[Any]]:
    for first in range(0, len(rows), _size(rows)):
        yield rows[first : first + _size(rows)]
