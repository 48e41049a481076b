"""Seeds: derived ones depend on the class name alone, listed ones are kept as they are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as hnp

from ddcodec.codecs.seed_derived import SeedDerived, SeedKeys, class_key
from ddcodec.codecs.seed_list import SeedList
from ddcodec.errors import EncodeError, PayloadError

NAMES = ["cat", "dog", "ship"]


def test_a_class_keeps_its_seeds_in_any_company_and_at_any_ipc() -> None:
    all_three = SeedDerived().decode(SeedDerived.raw_from(7, NAMES), (3, 10))
    alone = SeedDerived().decode(SeedDerived.raw_from(7, ["ship"]), (1, 4))
    np.testing.assert_array_equal(alone[0], all_three[2, :4])
    assert len(np.unique(all_three)) == 30


def test_class_keys_are_the_start_of_the_names_digest() -> None:
    assert class_key("") == int.from_bytes(bytes.fromhex("e3b0c442"), "little")


def test_slicing_derived_seeds_keeps_keys() -> None:
    raw = SeedDerived.raw_from(7, NAMES)
    cut = SeedDerived().slice_raw(raw, slice(1, 3), slice(0, 5), (3, 10))
    assert cut == SeedDerived.raw_from(7, NAMES[1:])


def test_derived_seeds_cannot_start_at_a_later_slot() -> None:
    with pytest.raises(EncodeError, match="seed-list"):
        SeedDerived().slice_raw(SeedDerived.raw_from(7, NAMES), slice(None), slice(1, 5), (3, 10))


@pytest.mark.parametrize(
    "keys", [SeedKeys(-1, (1,)), SeedKeys(2**64, (1,)), SeedKeys(0, ()), SeedKeys(0, (2**32,))]
)
def test_seed_keys_out_of_range_are_refused(keys: SeedKeys) -> None:
    with pytest.raises(EncodeError):
        SeedDerived().encode(keys)


@given(hnp.arrays(np.uint64, hnp.array_shapes(min_dims=2, max_dims=2)))
def test_seed_lists_round_trip(seeds: np.ndarray) -> None:
    raw = SeedList().encode(seeds)
    np.testing.assert_array_equal(SeedList().decode(raw, seeds.shape), seeds)


def test_a_seed_list_is_sliced_by_class_and_slot() -> None:
    seeds = np.arange(12, dtype=np.uint64).reshape(3, 4)
    raw = SeedList().slice_raw(SeedList().encode(seeds), slice(1, 3), slice(0, 2), (3, 4))
    np.testing.assert_array_equal(SeedList().decode(raw, (2, 2)), seeds[1:, :2])


@pytest.mark.parametrize("seeds", [np.zeros((2, 2)), np.zeros(3, np.uint64), [[1]]])
def test_seed_lists_are_uint64_tables(seeds: np.ndarray) -> None:
    with pytest.raises(EncodeError, match=r"uint64|classes, slots"):
        SeedList().encode(seeds)


@pytest.mark.parametrize("codec", [SeedDerived(), SeedList()])
def test_wrong_lengths_are_named_before_anything_is_allocated(
    codec: SeedDerived | SeedList,
) -> None:
    with pytest.raises(PayloadError, match="its box needs"):
        codec.decode(b"x" * 12, (1 << 20, 1 << 30))
    with pytest.raises(PayloadError, match="each at least 1"):
        codec.decode(b"", (0, 1))
