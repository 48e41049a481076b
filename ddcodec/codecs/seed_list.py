"""Image seeds listed one by one. Source: spec/codecs.md, "Seeds"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ddcodec.arrays import UInt64s
from ddcodec.codecs.base import Codec, check_array, check_axes, check_length

__all__ = ["SeedList"]


@dataclass(frozen=True)
class SeedList(Codec[UInt64s, UInt64s]):
    """Seeds chosen one by one. Raw: u64 [classes][slots]; decodes to uint64 [classes, slots]."""

    name: ClassVar[str] = "seed-list"
    version: ClassVar[int] = 1
    compression: ClassVar[str] = "zstd"

    def encode(self, array: UInt64s) -> bytes:
        seeds = check_array(self.name, array, (np.uint64,), 2, "[classes, slots]")
        return seeds.astype("<u8").tobytes()

    def decode(self, raw: bytes, shape: tuple[int, ...]) -> UInt64s:
        check_axes(self.name, shape, 2, "[classes, slots]")
        check_length(self.name, raw, 8 * shape[0] * shape[1])
        return np.frombuffer(raw, dtype="<u8").astype(np.uint64).reshape(shape)
