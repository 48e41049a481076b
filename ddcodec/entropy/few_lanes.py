"""Integers of a stream of few lanes, one by one: what numpy does in a step is for many at once.

A step of numpy takes as long for one lane as for a hundred, and a hostile stream has one
lane and a quarter of a million steps. Source: spec/entropy.md, "Coder" and "Integers".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np

from ddcodec.arrays import Int32s
from ddcodec.entropy.rans import LOWER, Decoder
from ddcodec.entropy.tables import ESCAPE, TABLE_BITS, lookup
from ddcodec.errors import PayloadError

__all__ = ["FEW", "decode_few"]

FEW = 4
"""Most lanes for which this is the faster way."""

_MASK = (1 << TABLE_BITS) - 1


def decode_few(decoder: Decoder, models: Sequence[tuple[int, int]], rows: int) -> Int32s:
    """What ``decode_integers`` gives, for one column after the other in each step.

    Args:
        decoder: the stream, of ``FEW`` lanes at most; it goes on behind what is read.
        models: the table and the shift of each column.
        rows: how many; row r is in lane r mod lanes.

    Returns:
        int32 [columns, rows].

    Raises:
        PayloadError: the stream ends.
    """
    states, words = decoder.as_numbers()
    lanes, take = len(states), iter(words)
    used = len(words)
    out = np.empty((len(models), rows), np.int32)
    plans = [(number, _entries(table), shift) for number, (table, shift) in enumerate(models)]
    reader = _bits_of(states, lambda: next(take))
    try:
        for first in range(0, rows, lanes):
            active = range(min(lanes, rows - first))
            for number, entries, shift in plans:
                values = [0] * lanes
                escaped = []
                for i in active:
                    x = states[i]
                    entry = entries[x & _MASK]
                    x = (x >> TABLE_BITS) * (entry >> 20) + (entry >> 8 & _MASK)
                    states[i] = x if x >= LOWER else x << 16 | next(take)
                    symbol = entry & 15
                    if symbol == ESCAPE:
                        escaped.append(i)
                    else:
                        values[i] = symbol >> 1 ^ -(symbol & 1)
                lengths = [reader(i, 4) for i in escaped]
                for i, length in zip(escaped, lengths, strict=True):
                    zigzag = (1 << length | reader(i, length)) + ESCAPE - 1
                    values[i] = zigzag >> 1 ^ -(zigzag & 1)
                if shift:
                    for i in active:
                        values[i] = values[i] << shift | reader(i, shift)
                out[number, first : first + len(active)] = values[: len(active)]
    except StopIteration:
        raise PayloadError("an entropy-coded stream ends too early; it is damaged") from None
    decoder.go_on(states, used - sum(1 for _ in take))
    return out


def _bits_of(states: list[int], word: Callable[[], int]) -> Callable[[int, int], int]:
    """(lane, count) -> an unsigned number of so many raw bits of the lane."""

    def read(i: int, count: int) -> int:
        value = states[i] & ((1 << count) - 1)
        x = states[i] >> count
        states[i] = x if x >= LOWER else x << 16 | word()
        return value

    return read


@lru_cache(maxsize=32)
def _entries(table: int) -> list[int]:
    """What a decoder needs of each slot of a table; see ``tables.lookup``."""
    found: list[int] = lookup()[table].tolist()
    return found
