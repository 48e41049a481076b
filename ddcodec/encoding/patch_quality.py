"""The quality at which patches fill a number of bytes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ddcodec.container import NewSection
from ddcodec.container.compression import compress

__all__ = ["LOWEST", "Patches", "fit_patches", "stored_size"]

LOWEST, HIGHEST = 1, 100
"""Qualities of a lossy codec."""

# Bytes rise by about this share with each step of quality.
_STEP = 0.035
# Labels make up for what patches leave, so patches may be so much smaller than they might be.
_CLOSE = 0.03

Code = Callable[[int], Sequence[NewSection]]
"""Quality 1..100 -> the mosaics of an artifact, in the same order and boxes at every quality."""


class Patches(NamedTuple):
    """Mosaics that fill a number of bytes.

    Attributes:
        quality: of each, but for
        finer: so many, the first, which have one more.
    """

    quality: int
    finer: int

    def sections(self, code: Code) -> list[NewSection]:
        """The mosaics themselves."""
        plain = list(code(self.quality))
        if not self.finer:
            return plain
        return [*code(self.quality + 1)[: self.finer], *plain[self.finer :]]


def fit_patches(code: Code, most: int, start: int, *, exactly: bool) -> Patches | None:
    """The finest mosaics within a number of bytes; None if even the coarsest take more.

    Args:
        code: makes them.
        most: bytes that they may take.
        start: a quality that may be near.
        exactly: fill the bytes as well as possible, where nothing else takes what is left.
    """
    low, high, quality = LOWEST - 1, HIGHEST + 1, start
    sizes = dict[int, int]()
    while high - low > 1:
        sizes[quality] = size = stored_size(code(quality))
        if size <= most:
            low = quality
        else:
            high = quality
        if not exactly and (1 - _CLOSE) * most <= size <= most:
            break
        steps = math.log(max(1, most) / size) / _STEP
        quality = min(max(quality + _away_from_zero(steps), low + 1), high - 1)
    if low < LOWEST:
        return None
    if not exactly or low == HIGHEST:
        return Patches(low, 0)
    pairs = zip(code(low), code(low + 1), strict=True)
    more = [stored_size([fine]) - stored_size([plain]) for plain, fine in pairs]
    left, finer = most - sizes[low], 0
    while finer < len(more) and sum(more[: finer + 1]) <= left:
        finer += 1
    return Patches(low, finer)


def stored_size(sections: Sequence[NewSection]) -> int:
    """Bytes of sections as they are written."""
    return sum(len(compress(one.raw, one.codec.compression)) for one in sections)


def _away_from_zero(steps: float) -> int:
    return math.ceil(steps) if steps > 0 else math.floor(steps)
