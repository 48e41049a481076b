"""Image seeds derived from class names, in four bytes per class.

Source: spec/codecs.md, "Seeds".
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ddcodec.arrays import Indices, UInt32s, UInt64s
from ddcodec.codecs.base import ALL, Codec, check_axes, check_length
from ddcodec.errors import EncodeError
from ddcodec.randomness import philox4x32

__all__ = ["SeedDerived", "SeedKeys", "class_key"]


# "SEED" in ASCII: keeps derived seeds apart from every other stream of the base seed.
SEED_STREAM = 0x53454544

_CHUNK = 1 << 16  # seeds made at once: 130 bytes are worked on for each of them


def class_key(name: str) -> int:
    """A class's 32-bit key: the first 4 bytes, little-endian, of SHA-256 of its UTF-8 name.

    It depends on the name alone, so a class keeps its seeds in any subset or merge.
    """
    return int.from_bytes(hashlib.sha256(name.encode("utf-8")).digest()[:4], "little")


@dataclass(frozen=True)
class SeedKeys:
    """What ``SeedDerived`` stores.

    Args:
        base: 64-bit base seed.
        keys: one 32-bit class key per class.
    """

    base: int
    keys: tuple[int, ...]


@dataclass(frozen=True)
class SeedDerived(Codec[SeedKeys, UInt64s]):
    """Seeds derived from a base seed and the class names: 4 bytes per class, at any IPC.

    Raw: base u64, then one class key u32 a class. Decodes to uint64 [classes, slots]:
    seed = words 0 (low) and 1 (high) of Philox4x32-10 with key = base and counter =
    (class_key, slot, 0x53454544, 0). Slots count from 0, so a section of derived seeds always
    starts at slot 0.
    """

    name: ClassVar[str] = "seed-derived"
    version: ClassVar[int] = 1
    compression: ClassVar[str] = "zstd"

    @classmethod
    def raw_from(cls, base: int, names: Sequence[str]) -> bytes:
        """Raw bytes for a base seed and the section's class names, in class order.

        Raises:
            EncodeError: the base does not fit 64 bits, or there is no class.
        """
        return cls().encode(SeedKeys(base, tuple(class_key(name) for name in names)))

    def encode(self, array: SeedKeys) -> bytes:
        if not 0 <= array.base < 1 << 64:
            raise EncodeError(f"base seed {array.base} does not fit 64 bits unsigned")
        if not array.keys or not all(0 <= key < 1 << 32 for key in array.keys):
            raise EncodeError("seed-derived needs at least one class key, each of 32 bits")
        return array.base.to_bytes(8, "little") + np.array(array.keys, dtype="<u4").tobytes()

    def decode(self, raw: bytes, shape: tuple[int, ...]) -> UInt64s:
        check_axes(self.name, shape, 2, "[classes, slots]")
        classes, slots = shape
        numbers = self.numbers(raw, classes)
        seeds = np.empty(classes * slots, np.uint64)
        for start in range(0, len(seeds), _CHUNK):
            places = np.arange(start, min(start + _CHUNK, len(seeds)))
            seeds[places] = self.seeds_at(numbers, *divmod(places, slots))
        return seeds.reshape(shape)

    def check(self, raw: bytes, shape: tuple[int, ...]) -> None:
        self.numbers(raw, shape[0])

    def numbers(self, raw: bytes, classes: int) -> UInt32s:
        """uint32 [2 + classes]: the base seed, low word first, and a key for each class.

        Raises:
            PayloadError: ``raw`` is of another number of classes.
        """
        check_length(self.name, raw, 8 + 4 * classes)
        return np.frombuffer(raw, dtype="<u4").astype(np.uint32)

    def seeds_at(self, numbers: UInt32s, classes: Indices, slots: Indices) -> UInt64s:
        """uint64 [n]: the seeds of slots [n] of classes [n], counted from the section's first.

        Takes the time and the memory of n seeds, however many the section stands for.

        Args:
            numbers: as :meth:`numbers` returns them.
        """
        counter = np.zeros((len(slots), 4), dtype=np.uint64)
        counter[:, 0] = numbers[2 + classes]
        counter[:, 1] = slots
        counter[:, 2] = SEED_STREAM
        words = philox4x32(counter, numbers[:2]).astype(np.uint64)
        seeds: UInt64s = words[:, 0] | (words[:, 1] << np.uint64(32))
        return seeds

    def slice_raw(
        self,
        raw: bytes,
        class_slice: slice,
        slot_slice: slice,
        shape: tuple[int, ...],
        view_slice: slice = ALL,
    ) -> bytes:
        """Keep the keys of some classes; the first slots are the same at any IPC."""
        check_axes(self.name, shape, 2, "[classes, slots]")
        classes, slots = shape
        check_length(self.name, raw, 8 + 4 * classes)
        if slot_slice.indices(slots)[::2] != (0, 1):
            raise EncodeError("derived seeds start at slot 0; store the slice as a seed-list")
        keys = np.frombuffer(raw, dtype="<u4", offset=8)[class_slice]
        base = int.from_bytes(raw[:8], "little")
        return self.encode(SeedKeys(base, tuple(int(key) for key in keys)))
