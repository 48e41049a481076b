"""Soft labels: what each view's label adds to the prediction of the fields.

Source: spec/labels.md, "Codecs".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from ddcodec.arrays import Indices, Int32s
from ddcodec.codecs.base import Codec, check_axes
from ddcodec.codecs.label_model import MAX_ATOMS, MAX_STEP, column_groups
from ddcodec.codecs.packed import pack_matrix, unpack_matrix
from ddcodec.errors import EncodeError, PayloadError
from ddcodec.recipe.fields import check_integer

__all__ = ["SoftLabels"]

AXES = "[classes, slots, views, columns]"
_NOTHING = b"\0"  # no section is empty


@dataclass(frozen=True)
class SoftLabels(Codec[Int32s, Int32s]):
    """int32 [classes, slots, views, columns]: symbols of the atoms, or steps of the logits.

    Args:
        columns: r symbols per label in the model's basis; K in the domain of logits; 0 for labels
            that are their prediction, which is one zero byte.
        band: columns that share a model of the entropy coder.
        step: 0 for the basis; else symbols are multiples of step / 64 nat of each logit (1 is
            lossless).
    """

    columns: int
    band: int
    step: int = 0

    name: ClassVar[str] = "soft-labels"
    version: ClassVar[int] = 1
    compression: ClassVar[str] = "none"
    sliced_axes: ClassVar[int] = 3
    RANGES: ClassVar[Mapping[str, tuple[int, int]]] = {
        "columns": (0, 0xFFFF),
        "band": (1, 0xFFFF),
        "step": (0, MAX_STEP),
    }

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> Self:
        codec = super().from_params(params)
        if codec.step == 0:
            check_integer(f"codec {cls.name}: columns", codec.columns, 0, MAX_ATOMS)
        return codec

    def encode(self, array: Int32s) -> bytes:
        if array.ndim != 4 or array.dtype != np.int32 or 0 in array.shape[:3]:
            raise EncodeError(f"{self.name} encodes int32 arrays {AXES}; got {array.shape}")
        if array.shape[3] != self.columns:
            raise EncodeError(f"{self} cannot encode symbols of shape {array.shape}")
        if not self.columns:
            return _NOTHING
        return pack_matrix(array.reshape(-1, self.columns), self._groups())

    def check(self, raw: bytes, shape: tuple[int, ...]) -> None:
        if self.columns or raw != _NOTHING:
            self.decode(raw, shape)

    def decode(self, raw: bytes, shape: tuple[int, ...]) -> Int32s:
        check_axes(self.name, shape[:3], 3, AXES)
        if shape[3:] != (self.columns,):
            raise PayloadError(f"{self.name} of {self.columns} columns; the table needs {shape}")
        if not self.columns:
            if raw != _NOTHING:
                raise PayloadError(f"{self.name}: bytes where nothing is coded; damaged")
            return np.zeros(shape, np.int32)
        rows = shape[0] * shape[1] * shape[2]
        return unpack_matrix(self.name, raw, rows, self._groups()).reshape(shape)

    def _groups(self) -> Indices:
        return column_groups(1, self.columns, self.band)
