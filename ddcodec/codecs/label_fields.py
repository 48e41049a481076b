"""Fields of single pictures: what their labels add to their class's, as a function of the crop.

Source: spec/labels.md, "Codecs".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from ddcodec.arrays import Int16s
from ddcodec.codecs.base import Codec, check_array, check_axes
from ddcodec.codecs.label_model import (
    MAX_ATOMS,
    MAX_FEATURES,
    MAX_VARIATIONS,
    column_groups,
)
from ddcodec.codecs.packed import pack_matrix, unpack_matrix
from ddcodec.errors import EncodeError, PayloadError

__all__ = ["LabelFields"]

_AXES = "[classes, slots, variations, features, atoms]"


@dataclass(frozen=True)
class LabelFields(Codec[Int16s, Int16s]):
    """int16 [classes, slots, F, M, r]: fields of pictures, in the model's field steps.

    Args:
        variations: F, the fields of a slot: one for each of its variations, or 1 for all of them.
        features: M.
        atoms: r.
        band: atoms that share a model of the entropy coder.
    """

    variations: int
    features: int
    atoms: int
    band: int

    name: ClassVar[str] = "label-fields"
    version: ClassVar[int] = 1
    compression: ClassVar[str] = "none"
    RANGES: ClassVar[Mapping[str, tuple[int, int]]] = {
        "variations": (1, MAX_VARIATIONS),
        "features": (1, MAX_FEATURES),
        "atoms": (1, MAX_ATOMS),
        "band": (1, MAX_ATOMS),
    }

    @property
    def shape(self) -> tuple[int, int, int]:
        """(F, M, r): what a slot has."""
        return self.variations, self.features, self.atoms

    def encode(self, array: Int16s) -> bytes:
        fields = check_array(self.name, array, (np.int16,), 5, _AXES)
        if fields.shape[2:] != self.shape:
            raise EncodeError(f"{self} cannot encode fields of shape {fields.shape}")
        rows = fields.reshape(-1, self.features * self.atoms)
        return pack_matrix(rows, column_groups(self.features, self.atoms, self.band))

    def decode(self, raw: bytes, shape: tuple[int, ...]) -> Int16s:
        check_axes(self.name, shape, 5, _AXES)
        if shape[2:] != self.shape:
            raise PayloadError(f"{self.name} of {shape[2:]} differ from their model's; damaged")
        groups = column_groups(self.features, self.atoms, self.band)
        values = unpack_matrix(self.name, raw, prod(shape[:3]), groups)
        if values.min() < -0x8000 or values.max() > 0x7FFF:
            raise PayloadError(f"{self.name}: a value does not fit 16 bits; damaged")
        return values.astype(np.int16).reshape(shape)
