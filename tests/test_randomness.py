"""Randomness that is part of the format: known answers and prefixes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddcodec.errors import EncodeError
from ddcodec.randomness import (
    DOMAIN_VIEWS,
    derive_seed,
    normals,
    philox4x32,
    shuffled,
    uniform_below,
    words,
    words_many,
)

SEEDS = st.integers(0, 2**64 - 1)

# kat_vectors of Random123: counter, key, result.
KNOWN = [
    ("00000000 " * 4, "00000000 " * 2, "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff " * 4, "ffffffff " * 2, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    (
        "243f6a88 85a308d3 13198a2e 03707344",
        "a4093822 299f31d0",
        "d16cfe09 94fdcceb 5001e420 24126ea1",
    ),
]


def hexadecimal(text: str) -> list[int]:
    return [int(word, 16) for word in text.split()]


def test_philox_gives_random123s_known_answers_one_by_one_and_together() -> None:
    counters, keys, results = ([hexadecimal(row[i]) for row in KNOWN] for i in range(3))
    for counter, key, result in zip(counters, keys, results, strict=True):
        assert philox4x32(counter, key).tolist() == result
    assert philox4x32(counters, keys).tolist() == results


@given(SEEDS, st.integers(0, 2**32 - 1), st.integers(0, 30), st.integers(0, 30))
def test_fewer_words_are_a_prefix_of_more(seed: int, stream: int, few: int, more: int) -> None:
    longer = words(seed, DOMAIN_VIEWS, stream, few + more)
    assert words(seed, DOMAIN_VIEWS, stream, few).tolist() == longer[:few].tolist()
    assert longer.dtype == np.uint32
    assert longer.shape == (few + more,)


def test_many_seeds_give_what_each_gives_alone() -> None:
    seeds = np.array([0, 1, 2**63, 2**64 - 1], dtype=np.uint64)
    together = words_many(seeds, 0, 5, 7)
    assert [words(int(seed), 0, 5, 7).tolist() for seed in seeds] == together.tolist()


def test_each_seed_may_have_its_own_stream() -> None:
    seeds, streams = np.array([3, 3, 2**64 - 1], dtype=np.uint64), np.array([0, 2**32 - 1, 7])
    together = words_many(seeds, DOMAIN_VIEWS, streams, 6)
    each = zip(seeds.tolist(), streams.tolist(), strict=True)
    assert together.tolist() == [words(seed, DOMAIN_VIEWS, s, 6).tolist() for seed, s in each]


def test_words_are_philox_of_block_stream_and_domain() -> None:
    block = philox4x32([1, 0, 9, DOMAIN_VIEWS], [0x89ABCDEF, 0x01234567])
    assert words(0x0123456789ABCDEF, DOMAIN_VIEWS, 9, 8)[4:].tolist() == block.tolist()


def test_noise_is_standard_normal_on_its_grid() -> None:
    noise = normals(np.arange(8), 0, 4096)
    assert noise.dtype == np.float32
    assert abs(noise.mean()) < 0.02
    assert abs(noise.std() - 1) < 0.01
    assert (noise * 65536 == np.rint(noise * 65536)).all()
    assert normals([3], 0, 5).tolist() == [noise[3, :5].tolist()]
    assert normals([3, 4], 1, 0).shape == (2, 0)


@given(st.integers(0, 2**32 - 1), st.integers(1, 2**32))
def test_uniform_choices_are_exact_for_any_range(word: int, n: int) -> None:
    assert uniform_below(np.array([word], np.uint32), n).tolist() == [word * n >> 32]


@given(SEEDS, st.integers(0, 40))
def test_shuffled_is_a_permutation(seed: int, n: int) -> None:
    assert sorted(shuffled(seed, n).tolist()) == list(range(n))
    assert shuffled(seed, n).tolist() == shuffled(seed, n).tolist()


def test_shuffles_differ_by_stream_and_cannot_be_negative() -> None:
    assert shuffled(1, 20).tolist() != shuffled(1, 20, stream=1).tolist()
    with pytest.raises(EncodeError, match="shuffle"):
        shuffled(1, -1)


def test_derived_seeds_depend_on_base_and_name() -> None:
    seeds = {derive_seed(base, name) for base in (0, 1) for name in ("a", "b")}
    assert len(seeds) == 4
    assert all(0 <= seed < 2**64 for seed in seeds)
