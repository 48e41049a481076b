"""DEFLATE streams put together by hand (RFC 1951), one block of fixed Huffman codes each.

They depend on no library's version, where a library's compressor may choose otherwise tomorrow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

MATCHES = range(3, 259)
# RFC 1951, section 3.2.5: (code, extra bits, smallest value) of lengths and of distances.
LENGTHS = [(257 + i, 0, 3 + i) for i in range(8)]
LENGTHS += [(265 + i, 1 + i // 4, (4 + i % 4 << 1 + i // 4) + 3) for i in range(20)]
LENGTHS += [(285, 0, 258)]
DISTANCES = [(i, 0, 1 + i) for i in range(4)]
DISTANCES += [(4 + i, 1 + i // 2, (2 + i % 2 << 1 + i // 2) + 1) for i in range(26)]

Bits = tuple[int, int]


def deflated_by_hand(data: bytes, dictionary: bytes) -> bytes:
    """One last block; the longest match is always taken, the nearest of several."""
    return block(symbols(data, dictionary))


def zeros_by_hand(runs: int) -> bytes:
    """One last block of a zero byte and ``runs`` times 258 more."""
    return block([literal(0), *[literal(285), (0, 5)] * runs])


def block(codes: Iterable[Bits]) -> bytes:
    """One last block of fixed codes, and the end of it."""
    bits = "".join(f"{code:0{count}b}"[::-1] for code, count in [(1, 1), (1, 2), *codes] if count)
    return int(f"{bits}0000000"[::-1], 2).to_bytes(-(-(len(bits) + 7) // 8), "little")


def symbols(data: bytes, dictionary: bytes) -> Iterator[Bits]:
    """Codes and their numbers of bits, lowest bit first."""
    whole, at = dictionary + data, len(dictionary)
    while at < len(whole):
        length, start = longest(whole, at)
        if length == 0:
            yield literal(whole[at])
            at += 1
            continue
        for code, extra, least in reversed(LENGTHS):
            if length >= least:
                yield literal(code)
                yield length - least, extra
                break
        for code, extra, least in reversed(DISTANCES):
            if at - start >= least:
                yield reverse(code, 5), 5
                yield at - start - least, extra
                break
        at += length


def longest(whole: bytes, at: int) -> tuple[int, int]:
    """Length and start of the longest earlier match of 3 to 258 bytes, or 0 and 0."""
    best = 0, 0
    for length in MATCHES:
        if at + length > len(whole):
            break
        start = whole.rfind(whole[at : at + length], 0, at + length - 1)
        if start < 0:
            break
        best = length, start
    return best


def literal(symbol: int) -> Bits:
    """RFC 1951, section 3.2.6: the fixed code of a literal or length."""
    for first, code, count in ((280, 0b11000000, 8), (256, 0, 7), (144, 0b110010000, 9)):
        if symbol >= first:
            return reverse(code + symbol - first, count), count
    return reverse(0b00110000 + symbol, 8), 8


def reverse(code: int, count: int) -> int:
    """Huffman codes stand with their highest bit first."""
    return int(f"{code:0{count}b}"[::-1], 2)
