"""Interleaved rANS: many lanes, one stream of words (spec/entropy.md, "Coder").

Duda, "Asymmetric numeral systems", arXiv 1311.2540; the interleaving of lanes is Giesen's, arXiv
1402.3392. A decoder pulls: each call names the tables of its symbols, which may depend on
whatever was decoded before. An encoder records the same calls, then codes them backwards.
"""

from __future__ import annotations

import numpy as np

from ddcodec.arrays import Bools, Indices, Int32s, Integers, UInt8s, UInt16s, UInt32s
from ddcodec.entropy.tables import SYMBOLS, TABLE_BITS, TABLES, frequencies, lookup, starts
from ddcodec.errors import EncodeError, HeaderError, PayloadError

__all__ = ["LOWER", "MAX_LANES", "MAX_SYMBOLS_A_WORD", "Active", "Decoder", "Encoder"]

# The lanes of an operation: the first n, or those of an ascending array without repetitions.
Active = int | Indices

MAX_LANES = 1 << 16
MAX_BITS = 16
# No table gives a symbol more than 4081 of 4096, so that a word, or a lane's state, is used up by
# then: a stream of w words in n lanes holds fewer than 4096 (w + n) symbols.
MAX_SYMBOLS_A_WORD = 1 << 12

_WORD_BITS = 16
LOWER = 1 << 16
"""Every state is at least this between operations."""

_STATE_BYTES = 4
_WORD_BYTES = 2
# numpy converts a Python number anew at each use; short steps would be half a quarter slower.
_LOWER_BOUND = np.array(LOWER, np.uint32)
_ONE = np.array(1, np.uint32)
_SLOT_MASK = np.array((1 << TABLE_BITS) - 1, np.uint32)
_SLOT_SHIFT = np.array(TABLE_BITS, np.uint32)
_OFFSET_SHIFT = np.array(8, np.uint32)
_FREQUENCY_SHIFT = np.array(20, np.uint32)
_WORD_SHIFT = np.array(_WORD_BITS, np.uint32)
_WORD_MASK = np.array((1 << _WORD_BITS) - 1, np.uint32)


class Decoder:
    """Reads the operations that an ``Encoder`` recorded, in the same order.

    Args:
        raw: the stream: u32 states of all lanes, then u16 words, little-endian.
        lanes: how many lanes, 1..65536.

    Raises:
        HeaderError: ``lanes`` is out of range.
        PayloadError: the stream is too short, odd in length, or a state is below 2^16.
    """

    def __init__(self, raw: bytes, lanes: int) -> None:
        if not 1 <= lanes <= MAX_LANES:
            raise HeaderError(f"{lanes} lanes; an entropy-coded stream has 1 to {MAX_LANES}")
        if len(raw) < _STATE_BYTES * lanes or len(raw) % _WORD_BYTES:
            raise PayloadError(f"{len(raw)} bytes are no entropy-coded stream of {lanes} lanes")
        self._states = np.frombuffer(raw, "<u4", lanes).astype(np.uint32)
        self._words = np.frombuffer(raw, "<u2", offset=_STATE_BYTES * lanes).astype(np.uint32)
        self._next = 0
        if (self._states < _LOWER_BOUND).any():
            raise PayloadError("an entropy-coded stream starts with a state below 2^16; damaged")
        self._lanes = lanes
        self._scratch = (
            np.empty(lanes, np.uint32),
            np.empty(lanes, np.uint32),
            np.empty(lanes, np.bool_),
        )
        self._first = (self._states, *self._scratch)  # the buffers, cut to so many lanes
        self._lookup = lookup()
        self._flat_lookup = self._lookup.reshape(-1)

    @property
    def lanes(self) -> int:
        """How many lanes the stream has."""
        return self._lanes

    def symbols(self, tables: UInt8s | int, active: Active) -> UInt8s:
        """One symbol in each active lane.

        Args:
            tables: the table of each, uint8 [n]; or one table for all, 0..255.
            active: n for the first n lanes, or an ascending array of n lanes.

        Returns:
            uint8 [n], 0..15, in ascending order of lanes.

        Raises:
            PayloadError: the stream ends.
        """
        x, slots, entries, low = self._buffers(active)
        np.bitwise_and(x, _SLOT_MASK, slots)
        # Slots are in range; "clip" only spares the copy that "raise" makes to keep its promise.
        if isinstance(tables, np.ndarray):
            np.copyto(entries, tables)
            np.left_shift(entries, _SLOT_SHIFT, entries)
            np.bitwise_or(slots, entries, slots)
            self._flat_lookup.take(slots, None, entries, "clip")
        else:
            self._lookup[tables].take(slots, None, entries, "clip")
        symbols = entries.astype(np.uint8)
        np.right_shift(x, _SLOT_SHIFT, x)
        np.right_shift(entries, _FREQUENCY_SHIFT, slots)
        np.multiply(x, slots, x)
        np.right_shift(entries, _OFFSET_SHIFT, entries)
        np.bitwise_and(entries, _SLOT_MASK, entries)
        np.add(x, entries, x)
        self._renormalise(x, low)
        if not isinstance(active, int):
            self._states[active] = x
        return symbols

    def bits(self, counts: Integers | int, active: Active) -> Int32s:
        """An unsigned number of ``counts`` raw bits in each active lane.

        Args:
            counts: bits of each, 0..16, integers [n]; or one count for all.
            active: n for the first n lanes, or an ascending array of n lanes.

        Returns:
            int32 [n].

        Raises:
            PayloadError: the stream ends.
        """
        x, widths, values, low = self._buffers(active)
        if isinstance(counts, int):
            np.bitwise_and(x, np.uint32((1 << counts) - 1), values)
            np.right_shift(x, np.uint32(counts), x)
        else:
            np.copyto(widths, counts, casting="unsafe")
            np.left_shift(_ONE, widths, values)
            np.subtract(values, _ONE, values)
            np.bitwise_and(values, x, values)
            np.right_shift(x, widths, x)
        self._renormalise(x, low)
        if not isinstance(active, int):
            self._states[active] = x
        return values.astype(np.int32)

    def as_numbers(self) -> tuple[list[int], list[int]]:
        """The states of all lanes, and the words that are left."""
        return self._states.tolist(), self._words[self._next :].tolist()

    def go_on(self, states: list[int], words: int) -> None:
        """Go on from other states, behind so many more words."""
        self._states[:] = states
        self._next += words

    def finish(self) -> None:
        """Check that all was read and every lane is where its encoder began.

        Raises:
            PayloadError: it is not so: the stream is damaged.
        """
        if self._next != self._words.size or (self._states != _LOWER_BOUND).any():
            raise PayloadError("an entropy-coded stream does not end as it should; it is damaged")

    def _buffers(self, active: Active) -> tuple[UInt32s, UInt32s, UInt32s, Bools]:
        """States of the active lanes (a copy for an array of lanes), and buffers as long."""
        if not isinstance(active, int):
            # Mostly few lanes, those with an escape: the buffers stay cut for the many.
            x = self._states.take(active)
            return x, np.empty_like(x), np.empty_like(x), np.empty(x.shape, np.bool_)
        if not 0 <= active <= self._lanes:
            raise ValueError(f"{active} active lanes of {self._lanes}")
        if len(self._first[0]) != active:
            slots, entries, low = self._scratch
            self._first = (self._states[:active], slots[:active], entries[:active], low[:active])
        return self._first

    def _renormalise(self, x: UInt32s, low: Bools) -> None:
        """Shift the next words into states below 2^16, in ascending order of lanes."""
        np.less(x, _LOWER_BOUND, low)
        (lanes,) = low.nonzero()
        if not lanes.size:
            return
        end = self._next + lanes.size
        if end > self._words.size:
            raise PayloadError("an entropy-coded stream ends too early; it is damaged")
        refilled = x.take(lanes)
        np.left_shift(refilled, _WORD_SHIFT, refilled)
        np.bitwise_or(refilled, self._words[self._next : end], refilled)
        x[lanes] = refilled
        self._next = end


class Encoder:
    """Records operations, and codes them all in ``finish``.

    Args:
        lanes: how many lanes, 1..65536. Each costs two bytes more than what it carries.

    Raises:
        EncodeError: ``lanes`` is out of range.
    """

    def __init__(self, lanes: int) -> None:
        if not 1 <= lanes <= MAX_LANES:
            raise EncodeError(f"{lanes} lanes; an entropy-coded stream has 1 to {MAX_LANES}")
        self._lanes = lanes
        self._operations: list[tuple[UInt8s | int | None, UInt16s, UInt8s | None, Active]] = []

    @property
    def lanes(self) -> int:
        """How many lanes the stream has."""
        return self._lanes

    def symbols(self, values: Integers, tables: UInt8s | int, active: Active) -> None:
        """One symbol in each active lane; see ``Decoder.symbols``.

        Args:
            values: integers [n], 0..15.

        Raises:
            EncodeError: a value is out of range, or there is not one a lane.
        """
        values = self._checked(values, active)
        if values.size and (values.min() < 0 or values.max() >= SYMBOLS):
            raise EncodeError(f"a symbol is not within 0..{SYMBOLS - 1}")
        if isinstance(tables, np.ndarray):
            tables = tables.astype(np.uint8)
        elif not 0 <= tables < TABLES:
            raise EncodeError(f"table {tables} is not within 0..{TABLES - 1}")
        self._record(tables, values, None, active)

    def bits(self, values: Integers, counts: Integers | int, active: Active) -> None:
        """``counts`` raw bits in each active lane; see ``Decoder.bits``.

        Args:
            values: integers [n], each below 2^counts.

        Raises:
            EncodeError: a value or count is out of range, or there is not one a lane.
        """
        values = self._checked(values, active)
        widths = np.broadcast_to(np.asarray(counts), values.shape)
        if values.size:
            if widths.min() < 0 or widths.max() > MAX_BITS:
                raise EncodeError(f"a count of raw bits is not within 0..{MAX_BITS}")
            if values.min() < 0 or (values.astype(np.int64) >> widths).any():
                raise EncodeError("a number has more bits than it is given")
        self._record(None, values, widths.astype(np.uint8), active)

    def finish(self) -> bytes:
        """Code what was recorded: u32 states of all lanes, then u16 words, little-endian."""
        states = np.full(self._lanes, LOWER, np.uint32)
        words: list[UInt16s] = []
        for tables, values, counts, active in reversed(self._operations):
            lanes = slice(active) if isinstance(active, int) else active
            x = states[lanes]
            if counts is None:
                assert tables is not None
                x = _push_symbols(x, values, tables, words)
            else:
                x = _push_bits(x, values, counts, words)
            states[lanes] = x
        words.reverse()
        return b"".join((states.astype("<u4").tobytes(), *(w.tobytes() for w in words)))

    def _record(
        self, tables: UInt8s | int | None, values: Integers, counts: UInt8s | None, active: Active
    ) -> None:
        """Keep copies: what is handed in may be a buffer that is used again."""
        lanes = active if isinstance(active, int) else active.copy()
        self._operations.append((tables, values.astype(np.uint16), counts, lanes))

    def _checked(self, values: Integers, active: Active) -> Integers:
        count = active if isinstance(active, int) else len(active)
        if not 0 <= count <= self._lanes or np.shape(values) != (count,):
            shape = np.shape(values)
            raise EncodeError(f"values {shape} for {count} of {self._lanes} lanes")
        return values


def _push_symbols(
    x: UInt32s, values: UInt16s, tables: UInt8s | int, words: list[UInt16s]
) -> UInt32s:
    """States [n] after taking a symbol each; appends the words that had to go."""
    index = values + np.multiply(tables, SYMBOLS, dtype=np.intp)
    frequency = frequencies().reshape(-1).take(index).astype(np.uint32)
    start = starts().reshape(-1).take(index)
    x = _make_room(x, x >= frequency << _FREQUENCY_SHIFT, words)
    quotient, remainder = np.divmod(x, frequency)
    result: UInt32s = (quotient << _SLOT_SHIFT) + remainder + start
    return result


def _push_bits(x: UInt32s, values: UInt16s, counts: UInt8s, words: list[UInt16s]) -> UInt32s:
    """States [n] after taking raw bits; appends the words that had to go."""
    wide = counts.astype(np.uint32)
    # Compared after a shift, since 2^32 is the bound of an empty number.
    x = _make_room(x, x.astype(np.uint64) >> (np.uint64(2 * _WORD_BITS) - wide) > 0, words)
    result: UInt32s = (x << wide) | values
    return result


def _make_room(x: UInt32s, full: Bools, words: list[UInt16s]) -> UInt32s:
    """Move the low word of each full state to the stream."""
    (lanes,) = full.nonzero()
    if lanes.size:
        x = x.copy()
        out = x[lanes]
        words.append((out & _WORD_MASK).astype("<u2"))
        x[lanes] = out >> _WORD_SHIFT
    return x
