"""A second entropy coder, written from spec/entropy.md alone, without numpy.

    python -m tools.conformance.reference.entropy STREAM LANES ROWS TABLE:SHIFT ...

Prints the rows of integers in a file that holds one stream, with a table and a shift for each
column, as JSON. Plain Python, lane after lane, and slow: it is there to prove that the
specification suffices. It codes as well, which the specification leaves to a writer.
"""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TypeVar

from tools.conformance.reference.refusal import Refused, report, require

# Section 3
ZEROS = [513, 732, 961, 1200, 1480, 1761, 2058, 2480]
ZEROS += [2832, 3155, 3455, 3685, 3866, 3985, 4050, 4081]
GEOMETRIC = [35, 56, 83, 111, 124, 147, 175, 212]
GAUSSIAN = [57, 99, 183, 206, 222, 234, 242, 248]

Item = TypeVar("Item")
Each = Sequence[int] | int


@cache
def frequencies(table: int) -> tuple[int, ...]:
    """Section 3: the frequencies of a table's symbols."""
    zero, shape = table >> 4, table & 15
    if shape < 8:
        a, exponents = GEOMETRIC[shape], [n - 1 for n in range(32)]
    else:
        a, exponents = GAUSSIAN[shape - 8], [n * n - 1 for n in range(32)]
    weights = [0] + [2**32 * a ** exponents[n] // 256 ** exponents[n] for n in range(1, 32)]
    escape = 2 * sum(weights[8:])
    total = 2 * sum(weights[1:8]) + escape
    mass = 4096 - ZEROS[zero]

    def share(weight: int) -> int:
        return max(1, (2 * mass * weight + total) // (2 * total))

    tail = [share(weights[n]) for n in range(1, 8) for _ in "-+"] + [share(escape)]
    return (4096 - sum(tail), *tail)


@cache
def slots(table: int) -> tuple[tuple[int, int, int], ...]:
    """Symbol, frequency and first slot of the symbol, for each of a table's 4096 slots."""
    found: list[tuple[int, int, int]] = []
    for symbol, frequency in enumerate(frequencies(table)):
        found += [(symbol, frequency, len(found))] * frequency
    return tuple(found)


def each(item: Each, lanes: Sequence[int]) -> Sequence[int]:
    """One number for every lane."""
    return [item] * len(lanes) if isinstance(item, int) else item


class Reader:
    """Section 2: a stream being read. Operations name their lanes, in ascending order."""

    def __init__(self, raw: bytes, lanes: int) -> None:
        require(1 <= lanes <= 65536, "header", f"{lanes} lanes")
        require(len(raw) >= 4 * lanes and len(raw) % 2 == 0, "payload", f"{len(raw)} bytes")
        self.states = list(struct.unpack_from(f"<{lanes}I", raw))
        self.words = list(struct.unpack_from(f"<{len(raw) // 2 - 2 * lanes}H", raw, 4 * lanes))
        self.next = 0
        require(min(self.states) >= 2**16, "payload", "a state below 2^16")

    def put(self, lane: int, x: int) -> None:
        """A lane's new state, after a word if it wants one."""
        if x < 2**16:
            require(self.next < len(self.words), "payload", "the words are at an end")
            x = x << 16 | self.words[self.next]
            self.next += 1
        self.states[lane] = x

    def symbols(self, tables: Each, lanes: Sequence[int]) -> list[int]:
        values = []
        for lane, table in zip(lanes, each(tables, lanes), strict=True):
            x = self.states[lane]
            symbol, frequency, start = slots(table)[x % 4096]
            values.append(symbol)
            self.put(lane, frequency * (x >> 12) + x % 4096 - start)
        return values

    def bits(self, counts: Each, lanes: Sequence[int]) -> list[int]:
        values = []
        for lane, count in zip(lanes, each(counts, lanes), strict=True):
            x = self.states[lane]
            values.append(x % 2**count)
            self.put(lane, x >> count)
        return values

    def integers(self, tables: Each, shifts: Each, lanes: Sequence[int]) -> list[int]:
        """Section 4."""
        zigzag = self.symbols(tables, lanes)
        escaped = [i for i, symbol in enumerate(zigzag) if symbol == 15]
        if escaped:
            lengths = self.bits(4, [lanes[i] for i in escaped])
            tails = self.bits(lengths, [lanes[i] for i in escaped])
            for i, length, tail in zip(escaped, lengths, tails, strict=True):
                zigzag[i] = 14 + 2**length + tail
        places = each(shifts, lanes)
        low = self.bits(places, lanes)
        high = [u // 2 if u % 2 == 0 else -(u + 1) // 2 for u in zigzag]
        return [h * 2**k + rest for h, k, rest in zip(high, places, low, strict=True)]

    def finish(self) -> None:
        require(self.next == len(self.words), "payload", "words are left over")
        require(set(self.states) == {2**16}, "payload", "a state is not 2^16 at the end")


def read_matrix(
    raw: bytes, rows: int, lanes: int, tables: Sequence[int], shifts: Sequence[int]
) -> list[list[int]]:
    """Section 5: rows of integers."""
    require(len(tables) == len(shifts), "header", "each column has a table and a shift")
    require(all(shift <= 15 for shift in shifts), "header", "a shift above 15")
    reader = Reader(raw, lanes)
    room = 4096 * (len(raw) // 2 - lanes)
    require(rows * len(tables) <= room, "payload", "the stream is too short")
    result: list[list[int]] = []
    for row in range(0, rows, lanes):
        active = range(min(lanes, rows - row))
        columns = [reader.integers(t, k, active) for t, k in zip(tables, shifts, strict=True)]
        result += [[column[lane] for column in columns] for lane in active]
    reader.finish()
    return result


class Writer:
    """Section 2, *Note*: numbers pushed one by one, to be coded backwards."""

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        self.pushed: list[tuple[int, int, int, int]] = []  # lane, frequency, start, total

    def symbols(self, values: Sequence[int], tables: Each, lanes: Sequence[int]) -> None:
        for lane, value, table in zip(lanes, values, each(tables, lanes), strict=True):
            parts = frequencies(table)
            self.pushed.append((lane, parts[value], sum(parts[:value]), 4096))

    def bits(self, values: Sequence[int], counts: Each, lanes: Sequence[int]) -> None:
        for lane, value, count in zip(lanes, values, each(counts, lanes), strict=True):
            self.pushed.append((lane, 1, value, 2**count))

    def integers(
        self, values: Sequence[int], tables: Each, shifts: Each, lanes: Sequence[int]
    ) -> None:
        places = each(shifts, lanes)
        high = [value // 2**k for value, k in zip(values, places, strict=True)]
        zigzag = [2 * h if h >= 0 else -2 * h - 1 for h in high]
        self.symbols([min(u, 15) for u in zigzag], tables, lanes)
        escaped = [i for i, u in enumerate(zigzag) if u >= 15]
        if escaped:
            numbers = [zigzag[i] - 14 for i in escaped]
            lengths = [number.bit_length() - 1 for number in numbers]
            assert max(lengths) <= 15
            self.bits(lengths, 4, [lanes[i] for i in escaped])
            tails = [n - 2**length for n, length in zip(numbers, lengths, strict=True)]
            self.bits(tails, lengths, [lanes[i] for i in escaped])
        self.bits([v % 2**k for v, k in zip(values, places, strict=True)], places, lanes)

    def finish(self) -> bytes:
        states, words = [2**16] * self.lanes, []
        for lane, frequency, start, total in reversed(self.pushed):
            x = states[lane]
            if x >= frequency * 2**32 // total:
                words.append(x % 2**16)
                x >>= 16
            states[lane] = x // frequency * total + x % frequency + start
        words.reverse()
        return struct.pack(f"<{self.lanes}I{len(words)}H", *states, *words)


def write_matrix(
    rows: Sequence[Sequence[int]], lanes: int, tables: Sequence[int], shifts: Sequence[int]
) -> bytes:
    """Section 5: the stream of rows of integers."""
    writer = Writer(lanes)
    for row in range(0, len(rows), lanes):
        part = rows[row : row + lanes]
        for column, (table, shift) in enumerate(zip(tables, shifts, strict=True)):
            values = [line[column] for line in part]
            writer.integers(values, table, shift, range(len(part)))
    return writer.finish()


def main(arguments: list[str]) -> int:
    try:
        path, lanes, rows = arguments[0], int(arguments[1]), int(arguments[2])
        models = [[int(part, 0) for part in model.split(":")] for model in arguments[3:]]
        tables, shifts = [m[0] for m in models], [m[1] for m in models]
    except (IndexError, ValueError):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        found = read_matrix(Path(path).read_bytes(), rows, lanes, tables, shifts)
    except Refused as error:
        return report(path, error)
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
