"""Philox words and noise (spec/codecs.md, section 2), in plain Python."""

from __future__ import annotations

import struct
from collections.abc import Sequence

U32 = 0xFFFFFFFF


def philox(counter: Sequence[int], key: Sequence[int]) -> tuple[int, int, int, int]:
    """Section 2: four words of a block."""
    c0, c1, c2, c3 = counter
    for i in range(10):
        p, q = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        a, b = (key[0] + i * 0x9E3779B9) & U32, (key[1] + i * 0xBB67AE85) & U32
        c0, c1, c2, c3 = (q >> 32) ^ c1 ^ a, q & U32, (p >> 32) ^ c3 ^ b, p & U32
    return c0, c1, c2, c3


def words(seed: int, domain: int, stream: int, count: int) -> list[int]:
    """Section 2: the first words of a stream."""
    key = (seed & U32, seed >> 32)
    blocks = (philox((i & U32, i >> 32, stream, domain), key) for i in range(-(-count // 4)))
    return [word for block in blocks for word in block][:count]


def variation_seed(seed: int, variation: int) -> int:
    """Section 2: the seed of a variation."""
    low, high = words(seed, 3, variation, 2)
    return low | high << 32 if variation else seed


def mixup_partner(seed: int, number: int) -> int:
    """image2image.md, section 2: the picture that a generated one is mixed with."""
    return words(seed, 4, 0, 1)[0] * (number + 1) >> 32


def normals(table: bytes, seed: int, stream: int, count: int) -> list[float]:
    """Section 2: noise, from the bytes of the normal table."""
    values = []
    for word in words(seed, 0, stream, -(-count // 2)):
        for half in (word & 0xFFFF, word >> 16):
            (magnitude,) = struct.unpack_from("<i", table, 4 * (half & 0x7FFF))
            values.append((-magnitude if half >> 15 else magnitude) / 65536)
    return values[:count]
