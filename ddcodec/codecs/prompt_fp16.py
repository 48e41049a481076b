"""Learned token vectors of each class, exactly as 16-bit floating-point numbers.

Source: spec/codecs.md, "Prompts".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ddcodec.arrays import Array, Float16s, Float32s
from ddcodec.codecs.base import Codec, check_array, check_axes, check_length
from ddcodec.errors import EncodeError, PayloadError

__all__ = ["AXES", "FLOATS", "PromptFp16", "join_planes", "split_planes", "to_fp16"]

FLOATS: tuple[type[np.generic], ...] = (np.float16, np.float32)
AXES = "[classes, tokens, dim]"


def split_planes(halves: Array) -> bytes:
    """Low bytes of all fp16 values, then their high bytes: signs and exponents compress."""
    planes = np.ascontiguousarray(halves, dtype="<f2").view(np.uint8).reshape(-1, 2)
    return planes.T.tobytes()


def join_planes(raw: bytes, name: str) -> Float16s:
    planes = np.frombuffer(raw, dtype=np.uint8).reshape(2, -1)
    halves = np.ascontiguousarray(planes.T).view("<f2").astype(np.float16).reshape(-1)
    if not np.isfinite(halves).all():
        raise PayloadError(f"{name}: an fp16 number is not finite; the section is damaged")
    return halves


def to_fp16(values: Array) -> Float16s:
    with np.errstate(over="ignore", under="ignore"):
        halves = values.astype(np.float16)
    if not np.isfinite(halves).all():
        raise EncodeError("token vectors must be finite and fit fp16 (below 65,520)")
    return halves


@dataclass(frozen=True)
class PromptFp16(Codec[Array, Float32s]):
    """fp16 vectors. Raw: low byte plane, high byte plane. Decodes to float32, exactly the fp16s.

    Encodes float16 or float32 [classes, tokens, dim]; float32 is rounded to nearest even.
    """

    name: ClassVar[str] = "prompt-fp16"
    version: ClassVar[int] = 1
    compression: ClassVar[str] = "zstd"

    def encode(self, array: Array) -> bytes:
        return split_planes(to_fp16(check_array(self.name, array, FLOATS, 3, AXES)))

    def decode(self, raw: bytes, shape: tuple[int, ...]) -> Float32s:
        check_axes(self.name, shape, 3, AXES)
        classes, tokens, dim = shape
        check_length(self.name, raw, 2 * classes * tokens * dim)
        return join_planes(raw, self.name).astype(np.float32).reshape(shape)

    def _cut(self, raw: bytes, slices: tuple[slice, ...], shape: tuple[int, ...]) -> Array:
        return self.decode(raw, shape)[slices[0]]  # prompts have no slot axis
