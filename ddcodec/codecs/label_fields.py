"""Fields of single pictures: what their labels add to their class's, as a function of the crop.

Source: spec/labels.md, "Codecs".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ddcodec.arrays import Int16s
from ddcodec.codecs.base import Codec, check_array, check_axes
from ddcodec.codecs.label_model import MAX_ATOMS, MAX_FEATURES, column_groups
from ddcodec.codecs.packed import pack_matrix, unpack_matrix
from ddcodec.errors import EncodeError, PayloadError

__all__ = ["LabelFields"]


@dataclass(frozen=True)
class LabelFields(Codec[Int16s, Int16s]):
    """int16 [classes, slots, M, r]: the field of each picture, in the model's field steps.

    Args:
        features: M.
        atoms: r.
        band: atoms that share a model of the entropy coder.
    """

    features: int
    atoms: int
    band: int

    name: ClassVar[str] = "label-fields"
    version: ClassVar[int] = 1
    compression: ClassVar[str] = "none"
    RANGES: ClassVar[Mapping[str, tuple[int, int]]] = {
        "features": (1, MAX_FEATURES),
        "atoms": (1, MAX_ATOMS),
        "band": (1, MAX_ATOMS),
    }

    def encode(self, array: Int16s) -> bytes:
        fields = check_array(self.name, array, (np.int16,), 4, "[classes, slots, features, atoms]")
        if fields.shape[2:] != (self.features, self.atoms):
            raise EncodeError(f"{self} cannot encode fields of shape {fields.shape}")
        rows = fields.reshape(-1, self.features * self.atoms)
        return pack_matrix(rows, column_groups(self.features, self.atoms, self.band))

    def decode(self, raw: bytes, shape: tuple[int, ...]) -> Int16s:
        check_axes(self.name, shape, 4, "[classes, slots, features, atoms]")
        if shape[2:] != (self.features, self.atoms):
            raise PayloadError(f"{self.name} of {shape[2:]} differ from their model's; damaged")
        groups = column_groups(self.features, self.atoms, self.band)
        values = unpack_matrix(self.name, raw, shape[0] * shape[1], groups)
        if values.min() < -0x8000 or values.max() > 0x7FFF:
            raise PayloadError(f"{self.name}: a value does not fit 16 bits; damaged")
        return values.astype(np.int16).reshape(shape)
