"""The labels to be coded, and how pictures appear in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from ddcodec.arrays import Float32s, Float64s, Indices, Int16s, Int64s
from ddcodec.byte_cache import ByteCache
from ddcodec.codecs.label_model import UNITS_PER_NAT
from ddcodec.labels.features import ONE
from ddcodec.labels.reconstruction import Appearance

__all__ = ["LabelSet", "Logits", "divergence", "softmax"]

# Pieces of logits kept in memory.
_KEPT_BYTES = 256 << 20


class Logits:
    """Logits of N pictures in V views over K classes, read piece by piece along the pictures.

    Labels of a thousand classes outgrow the memory, so pieces are read when they are needed, and
    the last ones kept.

    Args:
        shape: (N, V, K).
        pictures: N of a piece; the last one may have fewer.
        read: the number of a piece -> int16 [pictures, V, K], in 1/64 nat.
    """

    def __init__(
        self, shape: tuple[int, int, int], pictures: int, read: Callable[[int], Int16s]
    ) -> None:
        self.shape = shape
        self._labels = pictures * shape[1]
        self._read = read
        self._kept: ByteCache[int, Int16s] = ByteCache(_KEPT_BYTES, lambda piece: piece.nbytes)

    @classmethod
    def of(cls, array: Int16s) -> Logits:
        """Logits in memory, int16 [N, V, K]."""
        n, v, k = array.shape
        return cls((n, v, k), n, lambda _: array)

    def __len__(self) -> int:
        return self.shape[0]

    def rows(self, chosen: slice | Indices) -> Int16s:
        """int16 [n, K] of labels, ascending; label n is view n mod V of picture n // V."""
        count, classes = self.shape[0] * self.shape[1], self.shape[2]
        if isinstance(chosen, slice):
            chosen = np.arange(*chosen.indices(count))
        out = np.empty((len(chosen), classes), np.int16)
        pieces = range(-(-count // self._labels))
        ends = np.searchsorted(chosen, [self._labels * (i + 1) for i in pieces])
        start = 0
        for number, end in zip(pieces, ends.tolist(), strict=True):
            if start < end:
                piece = self._kept.get(number, lambda number=number: self._read(number))  # type: ignore[misc]
                flat = piece.reshape(-1, classes)
                out[start:end] = flat[chosen[start:end] - number * self._labels]
            start = end
        return out


@dataclass(frozen=True, eq=False)
class LabelSet:
    """Labels of N slots in V views over the K classes of one origin.

    Attributes:
        logits: [N, V, K], log-probabilities (or logits) in 1/64 nat.
        classes: [N], the class of each slot.
        features: int64 [N, V, M], of the picture that each shows of its own.
        partners: [N, V], which slot is mixed in; None where views do not mix.
        partner_features: int64 [N, V, M], all zero where no pixel of the partner shows.
        temperature: the student's.
        variations: F, the fields of a slot: view v has that of number v mod F.
    """

    logits: Logits
    classes: Indices
    features: Int64s
    partners: Indices | None
    partner_features: Int64s | None
    temperature: float
    variations: int = 1

    @property
    def owners(self) -> int:
        """Number of fields, N F: field n is number n mod F of slot n // F."""
        return len(self.logits) * self.variations

    @property
    def count(self) -> int:
        """Number of labels, N V; label n is view n mod V of slot n // V."""
        return int(self.logits.shape[0]) * int(self.logits.shape[1])

    def nats(self, rows: slice | Indices) -> Float32s:
        """float32 [n, K]: logits of some labels, their mean over classes zero."""
        values = np.asarray(self.logits.rows(rows), np.float32) / UNITS_PER_NAT
        centred: Float32s = values - values.mean(axis=1, keepdims=True)
        return centred

    @cached_property
    def appearances(self) -> tuple[Appearance, ...]:
        """The pictures that show in all labels, in order."""
        slots, views, features = self.features.shape
        number = np.tile(np.arange(views) % self.variations, slots)

        def appearance(owners: Indices, values: Int64s) -> Appearance:
            places = owners * self.variations + number
            return Appearance(places, self.classes[owners], values.reshape(-1, features))

        shown = [appearance(np.repeat(np.arange(slots), views), self.features)]
        if self.partners is not None and self.partner_features is not None:
            shown.append(appearance(self.partners.reshape(-1), self.partner_features))
        return tuple(shown)

    def design(self, owners: int, *, by_class: bool) -> sparse.csr_matrix:
        """The matrix that turns fields [owners x M, r] into predictions [N V, r].

        Args:
            owners: number of fields: of pictures, or of classes.
            by_class: whether a picture's field is its class's.
        """
        width = self.features.shape[2]
        total = sparse.csr_matrix((self.count, owners * width), dtype=np.float32)
        for one in self.appearances:
            who = one.classes if by_class else one.fields
            columns = who[:, None] * width + np.arange(width)
            starts = np.arange(self.count + 1) * width
            values = (one.features / ONE).astype(np.float32)
            part = sparse.csr_matrix(
                (values.reshape(-1), columns.reshape(-1), starts), shape=total.shape
            )
            part.eliminate_zeros()
            total = total + part
        return total


def softmax(logits: Float32s, temperature: float) -> Float32s:
    """Probabilities at a temperature: float32 [n, K]."""
    scaled = logits / np.float32(temperature)
    scaled -= scaled.max(axis=1, keepdims=True)
    np.exp(scaled, out=scaled)
    scaled /= scaled.sum(axis=1, keepdims=True)
    return scaled


def divergence(target: Float32s, coded: Float32s, temperature: float) -> Float64s:
    """KL divergence in nats at a temperature, of each row: float64 [n]."""
    a = target.astype(np.float64) / temperature
    b = coded.astype(np.float64) / temperature
    a -= _log_sum(a)
    b -= _log_sum(b)
    return np.asarray((np.exp(a) * (a - b)).sum(axis=1))


def _log_sum(values: Float64s) -> Float64s:
    peak = values.max(axis=1, keepdims=True)
    total: Float64s = peak + np.log(np.exp(values - peak).sum(axis=1, keepdims=True))
    return total
