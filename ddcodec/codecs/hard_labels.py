"""Hard labels: the class of the row itself, in one byte, or one class index per row.

Source: spec/codecs.md, "Hard labels".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ddcodec.arrays import Int32s
from ddcodec.codecs.base import Codec, check_array, check_axes, check_length
from ddcodec.errors import EncodeError, PayloadError

__all__ = ["OWN_CLASS", "HardLabels"]


OWN_CLASS = -1
MODE_OWN = 0
MODE_EXPLICIT = 1
UNUSED = 0xFFFF


@dataclass(frozen=True)
class HardLabels(Codec[Int32s, Int32s]):
    """int32 [classes, slots, views]: ``OWN_CLASS`` (-1), or a class counted from the origin.

    A section says either "the class of the row" throughout (raw: the byte 0), or a class index
    for every row (raw: the byte 1, then u16 [classes][slots][views], below 65,535). Indices
    count from the first class of the row's origin, so merging does not change them.
    """

    name: ClassVar[str] = "hard-labels"
    version: ClassVar[int] = 1
    compression: ClassVar[str] = "zstd"
    sliced_axes: ClassVar[int] = 3

    def encode(self, array: Int32s) -> bytes:
        labels = check_array(self.name, array, (np.int32,), 3, "[classes, slots, views]")
        if (labels == OWN_CLASS).all():
            return bytes([MODE_OWN])
        if labels.min() < 0 or labels.max() >= UNUSED:
            raise EncodeError(
                "hard labels are all -1 (the class of the row) or all within 0..65,534; "
                f"got {labels.min()}..{labels.max()}"
            )
        return bytes([MODE_EXPLICIT]) + labels.astype("<u2").tobytes()

    def check(self, raw: bytes, shape: tuple[int, ...]) -> None:
        if raw != bytes([MODE_OWN]):
            self.decode(raw, shape)

    def decode(self, raw: bytes, shape: tuple[int, ...]) -> Int32s:
        check_axes(self.name, shape, 3, "[classes, slots, views]")
        if raw[:1] == bytes([MODE_OWN]):
            check_length(self.name, raw, 1)
            return np.full(shape, OWN_CLASS, dtype=np.int32)
        if raw[:1] != bytes([MODE_EXPLICIT]):
            raise PayloadError(f"{self.name}: unknown mode {raw[:1].hex() or 'none'}; use 0 or 1")
        check_length(self.name, raw, 1 + 2 * shape[0] * shape[1] * shape[2])
        labels = np.frombuffer(raw, dtype="<u2", offset=1).astype(np.int32).reshape(shape)
        if (labels == UNUSED).any():
            raise PayloadError(f"{self.name}: label 65,535 is not used; the section is damaged")
        return labels
