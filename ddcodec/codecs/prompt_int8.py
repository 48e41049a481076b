"""Learned token vectors of each class in 8 bits, with one scale per token.

Source: spec/codecs.md, "Prompts".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ddcodec.arrays import Array, Float16s, Float32s, Int8s
from ddcodec.codecs.base import ALL, Codec, check_array, check_axes, check_length
from ddcodec.codecs.prompt_fp16 import AXES, FLOATS, join_planes, split_planes, to_fp16
from ddcodec.errors import EncodeError, PayloadError

__all__ = ["PromptInt8", "PromptLoss", "prompt_loss"]


@dataclass(frozen=True)
class PromptInt8(Codec[Array, Float32s]):
    """int8 vectors with one fp16 scale per token row: value = float32(q) * float32(scale), exact.

    Raw: the scales [classes][tokens] as low and high byte planes, then q int8
    [classes][tokens][dim], -127..127. Encodes float16 or float32, decodes to float32.
    """

    name: ClassVar[str] = "prompt-int8"
    version: ClassVar[int] = 1
    compression: ClassVar[str] = "zstd"

    def encode(self, array: Array) -> bytes:
        values = check_array(self.name, array, FLOATS, 3, AXES).astype(np.float64)
        if not np.isfinite(values).all():
            raise EncodeError("token vectors must be finite")
        scales = to_fp16(np.abs(values).max(axis=-1) / 127)
        divisors = np.where(scales == 0, 1.0, scales.astype(np.float64))[..., None]
        q = np.clip(np.rint(values / divisors), -127, 127).astype(np.int8)
        return split_planes(scales) + q.tobytes()

    def decode(self, raw: bytes, shape: tuple[int, ...]) -> Float32s:
        scales, q = self._parts(raw, shape)
        return q.astype(np.float32) * scales.astype(np.float32)[..., None]

    def _parts(self, raw: bytes, shape: tuple[int, ...]) -> tuple[Float16s, Int8s]:
        check_axes(self.name, shape, 3, AXES)
        classes, tokens, dim = shape
        rows = classes * tokens
        check_length(self.name, raw, rows * (2 + dim))
        scales = join_planes(raw[: 2 * rows], self.name)
        if np.signbit(scales).any():
            raise PayloadError(f"{self.name}: a scale is negative; the section is damaged")
        q = np.frombuffer(raw, dtype=np.int8, offset=2 * rows)
        if (q == -128).any():
            raise PayloadError(f"{self.name}: a value is -128, which is not used; damaged section")
        return scales.reshape(classes, tokens), q.reshape(shape)

    def slice_raw(
        self,
        raw: bytes,
        class_slice: slice,
        slot_slice: slice,
        shape: tuple[int, ...],
        view_slice: slice = ALL,
    ) -> bytes:
        """Cut the stored integers themselves: quantising again could move a subnormal scale."""
        scales, q = self._parts(raw, shape)
        if not q[class_slice].size:
            raise EncodeError(f"{self.name}: the slice has no class")
        return split_planes(scales[class_slice]) + q[class_slice].tobytes()


@dataclass(frozen=True)
class PromptLoss:
    """What int8 costs a set of token vectors, measured.

    Args:
        rms: root-mean-square error of an element.
        relative: rms divided by the elements' root mean square.
        worst_row: the largest relative error of one token row.
    """

    rms: float
    relative: float
    worst_row: float

    def to_map(self) -> dict[str, Any]:
        """For JSON reports."""
        return {"rms": self.rms, "relative": self.relative, "worst_row": self.worst_row}


def prompt_loss(array: Array) -> PromptLoss:
    """Measure the error of ``PromptInt8`` on float16 or float32 [classes, tokens, dim].

    Raises:
        EncodeError: as ``PromptInt8.encode``.
    """
    codec = PromptInt8()
    decoded = codec.decode(codec.encode(array), array.shape).astype(np.float64)
    values = array.astype(np.float64)
    error = np.sqrt(np.mean((decoded - values) ** 2, axis=-1))
    size = np.sqrt(np.mean(values**2, axis=-1))
    rms = float(np.sqrt(np.mean(error**2)))
    whole = float(np.sqrt(np.mean(size**2)))
    worst = float(np.max(np.divide(error, size, out=np.zeros_like(error), where=size > 0)))
    return PromptLoss(rms, rms / whole if whole else 0.0, worst)
