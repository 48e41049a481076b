"""Counter-based randomness: the same words on every machine (spec/codecs.md, "Randomness").

Every random choice a decoder makes is a word of Philox4x32-10 (Salmon et al., "Parallel random
numbers: as easy as 1, 2, 3", SC 2011) with key = the image's 64-bit seed and counter =
(i_lo, i_hi, stream, domain), where i counts blocks of four words. Nothing here depends on an
installed library's generator, so it cannot change under an artifact.
"""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

from ddcodec import tables
from ddcodec.arrays import Array, Float32s, Int64s, Integers, UInt32s, UInt64s
from ddcodec.errors import EncodeError

__all__ = [
    "DOMAIN_ENCODER",
    "DOMAIN_NOISE",
    "DOMAIN_PARTNERS",
    "DOMAIN_VARIATIONS",
    "DOMAIN_VIEWS",
    "derive_seed",
    "mixup_partners",
    "normals",
    "philox4x32",
    "shuffled",
    "uniform_below",
    "variation_seeds",
    "words",
    "words_many",
]

DOMAIN_NOISE = 0  # stream 0: the initial latent; stream s: the noise of step s
DOMAIN_VIEWS = 1  # stream = view index
DOMAIN_ENCODER = 2  # encoder-side choices, never needed to decode
DOMAIN_VARIATIONS = 3  # stream = variation of a picture
DOMAIN_PARTNERS = 4  # stream 0: the partner of a generated picture in mixup

_ROUNDS = 10
_MULTIPLIER_0 = np.uint64(0xD2511F53)
_MULTIPLIER_1 = np.uint64(0xCD9E8D57)
_WEYL_0 = np.uint64(0x9E3779B9)
_WEYL_1 = np.uint64(0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)


def philox4x32(counter: npt.ArrayLike, key: npt.ArrayLike) -> UInt32s:
    """Philox4x32-10 of ``counter`` uint32 [..., 4] under ``key`` uint32 [..., 2] (broadcast).

    Returns:
        uint32 [..., 4]: the block's four words.
    """
    counters = np.asarray(counter, dtype=np.uint64)
    keys = np.asarray(key, dtype=np.uint64)
    c0, c1, c2, c3 = (counters[..., i] for i in range(4))
    k0, k1 = keys[..., 0], keys[..., 1]
    for number in range(_ROUNDS):
        if number:
            k0 = (k0 + _WEYL_0) & _LOW
            k1 = (k1 + _WEYL_1) & _LOW
        # A product of two 32-bit numbers fits uint64, so no carry is lost.
        product_0 = c0 * _MULTIPLIER_0
        product_1 = c2 * _MULTIPLIER_1
        c0 = (product_1 >> _SHIFT) ^ c1 ^ k0
        c1 = product_1 & _LOW
        c2 = (product_0 >> _SHIFT) ^ c3 ^ k1
        c3 = product_0 & _LOW
    return np.stack(np.broadcast_arrays(c0, c1, c2, c3), axis=-1).astype(np.uint32)


def words_many(seeds: npt.ArrayLike, domain: int, stream: int | Integers, count: int) -> UInt32s:
    """The first ``count`` words of a stream of each seed.

    Args:
        seeds: uint64 [n], one 64-bit seed per image.
        domain: one of the ``DOMAIN_`` constants.
        stream: the stream within the domain, 0 <= stream < 2^32: one for all, or of each seed [n].
        count: words wanted of each seed.

    Returns:
        uint32 [n, count]. A shorter request is a prefix of a longer one.
    """
    keys64 = np.asarray(seeds, dtype=np.uint64).reshape(-1)
    blocks = np.arange(-(-count // 4), dtype=np.uint64)
    streams = np.asarray(stream, dtype=np.uint64).reshape(-1, 1)
    counters = np.zeros((streams.size, blocks.size, 4), dtype=np.uint64)
    counters[..., 0] = blocks & _LOW
    counters[..., 1] = blocks >> _SHIFT
    counters[..., 2] = streams
    counters[..., 3] = domain
    keys = np.stack([keys64 & _LOW, keys64 >> _SHIFT], axis=-1)[:, None, :]
    block_words = philox4x32(counters, keys)
    result: UInt32s = block_words.reshape(keys64.size, 4 * blocks.size)[:, :count]
    return result


def words(seed: int, domain: int, stream: int, count: int) -> UInt32s:
    """The first ``count`` words of one stream of one seed, uint32 [count]."""
    one: UInt32s = words_many(np.array([seed], dtype=np.uint64), domain, stream, count)[0]
    return one


def normals(seeds: npt.ArrayLike, stream: int, count: int) -> Float32s:
    """Standard normal noise on a 2^-16 grid, float32 [n, count], in ``DOMAIN_NOISE``.

    Each word gives its low, then its high 16 bits: bit 15 is the sign and the low 15 bits index
    the normative table T_NORM. Every value is an integer times 2^-16 below 2^24 of them, so the
    float32 is exact.
    """
    source = words_many(seeds, DOMAIN_NOISE, stream, -(-count // 2))
    halves = np.empty((*source.shape, 2), dtype=np.uint32)
    halves[..., 0] = source & np.uint32(0xFFFF)
    halves[..., 1] = source >> np.uint32(16)
    flat = halves.reshape(source.shape[0], 2 * source.shape[1])[:, :count]
    magnitude = tables.normal()[flat & np.uint32(0x7FFF)]
    signed = np.where(flat >> np.uint32(15), -magnitude, magnitude)
    noise: Float32s = signed.astype(np.float32) * np.float32(2.0**-16)
    return noise


def uniform_below(word: npt.ArrayLike, n: npt.ArrayLike) -> Int64s:
    """Map 32-bit words to 0 <= r < n by (word * n) >> 32; ``n`` in 1..2^32, broadcast.

    The bias, at most n / 2^32, is part of the definition: a decoder must reproduce it.
    """
    product = np.asarray(word, dtype=np.uint64) * np.asarray(n, dtype=np.uint64)
    result: Array = product >> _SHIFT
    return result.astype(np.int64)


def variation_seeds(seeds: npt.ArrayLike, variations: npt.ArrayLike) -> UInt64s:
    """The seeds that variations of generated pictures are drawn from.

    Args:
        seeds: uint64 [n], as stored or derived.
        variations: integers [n], or one for all, 0 to 2^32 - 1.

    Returns:
        uint64 [n]: the seed itself for variation 0; else word 0 (low) and word 1 (high) of the
        seed's stream u, u the variation, in ``DOMAIN_VARIATIONS``.

    Source: spec/codecs.md, "Seeds of variations".
    """
    own = np.asarray(seeds, dtype=np.uint64).reshape(-1)
    which = np.broadcast_to(np.asarray(variations, dtype=np.int64), own.shape)
    drawn = words_many(own, DOMAIN_VARIATIONS, which, 2).astype(np.uint64)
    derived: UInt64s = drawn[:, 0] | (drawn[:, 1] << _SHIFT)
    return np.where(which == 0, own, derived)


def mixup_partners(seeds: npt.ArrayLike, numbers: npt.ArrayLike) -> Int64s:
    """The pictures of its class that generated pictures mix with: themselves or earlier ones.

    Args:
        seeds: uint64 [n], of the variation of each picture.
        numbers: integers [n], each picture's number in its class, 0 to 2^32 - 1.

    Returns:
        int64 [n]: a choice among 0 to the picture's own number, by word 0 of the seed's stream 0
        in ``DOMAIN_PARTNERS``. None is later, so whatever keeps a picture keeps its partner.

    Source: spec/image2image.md, "Mixup".
    """
    drawn = words_many(seeds, DOMAIN_PARTNERS, 0, 1)[:, 0]
    return uniform_below(drawn, np.asarray(numbers, np.uint64) + np.uint64(1))


def derive_seed(base: int, name: str) -> int:
    """A 64-bit seed from a base seed and a name: SHA-256, first 8 bytes little-endian.

    Encoder-side: a decoder reads seeds from the ``seeds`` section and never derives them so.
    """
    text = b"ddz/seed/1\0" + base.to_bytes(8, "little") + name.encode("utf-8")
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "little")


def shuffled(seed: int, n: int, stream: int = 0) -> Int64s:
    """A permutation of 0..n-1, int64 [n]: stable order of n 64-bit keys from ``DOMAIN_ENCODER``.

    Encoder-side. Key i is word 2i (low) and word 2i + 1 (high) of the stream.

    Raises:
        EncodeError: ``n`` is negative.
    """
    if n < 0:
        raise EncodeError(f"cannot shuffle {n} items; give a count of 0 or more")
    pairs = words(seed, DOMAIN_ENCODER, stream, 2 * n).astype(np.uint64).reshape(n, 2)
    keys: UInt64s = pairs[:, 0] | (pairs[:, 1] << _SHIFT)
    return np.argsort(keys, kind="stable").astype(np.int64)
