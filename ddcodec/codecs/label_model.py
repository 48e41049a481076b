"""The part of soft labels that an origin shares: means of classes, a basis, fields of classes.

Source: spec/labels.md, "Codecs".
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, TypeVar

import numpy as np
import numpy.typing as npt

from ddcodec.arrays import Array, Indices, Int8s, Int16s, Int32s, UInt16s
from ddcodec.codecs.base import MOST_RAW_A_VALUE, Codec
from ddcodec.codecs.packed import pack_matrix, unpack_matrix
from ddcodec.errors import EncodeError, PayloadError

__all__ = ["LabelModel", "LabelModelCodec", "column_groups"]

Integer = TypeVar("Integer", np.int8, np.int16)

UNITS_PER_NAT = 64
"""Logits are integers, in 1/64 nat."""

MAX_STEP = 2048
"""The coarsest step of a quantised logit, in 1/64 nat."""

# The means are a matrix of classes by classes, within what a section may decode to.
MAX_LABEL_CLASSES = 1 << 12
MAX_FEATURES = 64
MAX_ATOMS = 1024
MAX_VARIATIONS = 1 << 24
_LENGTH = struct.Struct("<I")


@dataclass(frozen=True, eq=False)
class LabelModel:
    """The arrays of a label model; K classes, M features, r atoms.

    Attributes:
        means: int16 [K, K], the mean logits of each class, in the model's mean steps.
        basis: int8 [r, K], what one unit of an atom's coefficient adds to the logits.
        class_fields: int16 [K, M, r].
        class_steps, field_steps: uint16 [M], coefficient units of one unit of a class's or a
            picture's field.
        units: uint16 [r], coefficient units of one innovation symbol, each at least 1.
    """

    means: Int16s
    basis: Int8s
    class_fields: Int16s
    class_steps: UInt16s
    field_steps: UInt16s
    units: UInt16s


@dataclass(frozen=True)
class LabelModelCodec(Codec[LabelModel, LabelModel]):
    """Codec ``label-model``.

    Args:
        classes: K.
        features: M, the number of features of an appearance.
        atoms: r, the number of rows of the basis.
        band: atoms that share a model of the entropy coder.
        mean_step: unit of the means, in 1/64 nat.
        shift: logits are a product with the basis, divided by 2^shift.
        parts, degree, response: the feature set (``labels.appearances``).
        variations: fields of a slot: one for each of its variations, or 1 for all of them.
    """

    classes: int
    features: int
    atoms: int
    band: int
    mean_step: int
    shift: int
    parts: int
    degree: int
    response: int
    variations: int = 1

    name: ClassVar[str] = "label-model"
    version: ClassVar[int] = 1
    compression: ClassVar[str] = "none"
    sliceable: ClassVar[bool] = False

    RANGES: ClassVar[Mapping[str, tuple[int, int]]] = {
        "classes": (1, MAX_LABEL_CLASSES),
        "features": (1, MAX_FEATURES),
        "atoms": (0, MAX_ATOMS),
        "band": (1, MAX_ATOMS),
        "mean_step": (1, MAX_STEP),
        "shift": (0, 24),
        "parts": (1, 2),
        "degree": (0, 3),
        "response": (0, 1),
        "variations": (1, MAX_VARIATIONS),
    }

    @property
    def shape(self) -> tuple[int, int, int]:
        """(K, M, r), the shape of the class fields."""
        return self.classes, self.features, self.atoms

    def encode(self, array: LabelModel) -> bytes:
        if self.classes > MAX_LABEL_CLASSES:
            raise EncodeError(
                f"{self.classes} classes share no label model; at most {MAX_LABEL_CLASSES}"
            )
        shapes = (array.means.shape, array.basis.shape, array.class_fields.shape)
        wanted = (self.classes,) * 2, (self.atoms, self.classes), self.shape
        if shapes != wanted or len(array.units) != self.atoms or not array.units.all():
            raise EncodeError(f"{self} cannot encode a model of shapes {shapes}")
        matrices: tuple[Array, ...] = (
            array.means,
            array.basis.T,
            array.class_fields.reshape(self.classes, -1),
        )
        packed = [pack_matrix(m, g) for m, g in zip(matrices, self._groups(), strict=True)]
        steps = np.concatenate([array.class_steps, array.field_steps, array.units])
        return steps.astype("<u2").tobytes() + b"".join(
            _LENGTH.pack(len(part)) + part for part in packed
        )

    def most_raw(self, shape: tuple[int, ...]) -> int:
        others = self.classes * (self.classes + self.atoms)
        return super().most_raw(shape) + MOST_RAW_A_VALUE * others

    def decode(self, raw: bytes, shape: tuple[int, ...]) -> LabelModel:
        if shape != self.shape:
            raise PayloadError(f"{self.name} of {self.shape}; the origin needs {shape}")
        count = 2 * self.features + self.atoms
        start = 2 * count
        if len(raw) < start:
            raise PayloadError(f"{self.name}: {len(raw)} raw bytes are too few; damaged")
        steps = np.frombuffer(raw, "<u2", count).astype(np.uint16)
        class_steps, field_steps, units = np.split(steps, [self.features, 2 * self.features])
        if not units.all():
            raise PayloadError(f"{self.name}: a symbol's unit is 0; the section is damaged")
        matrices = []
        for part, groups in zip(_parts(self.name, raw, start), self._groups(), strict=True):
            matrices.append(unpack_matrix(self.name, part, self.classes, groups))
        means, basis, fields = matrices
        return LabelModel(
            _narrow(self.name, means, np.int16),
            np.ascontiguousarray(_narrow(self.name, basis, np.int8).T),
            _narrow(self.name, fields, np.int16).reshape(self.shape),
            class_steps,
            field_steps,
            units,
        )

    def _groups(self) -> tuple[Indices, ...]:
        return (
            np.zeros(self.classes, np.intp),
            column_groups(1, self.atoms, self.band),
            column_groups(self.features, self.atoms, self.band),
        )


def column_groups(features: int, atoms: int, band: int) -> Indices:
    """Groups of the columns [features, atoms]: ``band`` neighbouring atoms of one feature."""
    bands = -(-atoms // band)
    groups = np.arange(features)[:, None] * bands + np.arange(atoms) // band
    return groups.reshape(-1).astype(np.intp)


def _parts(name: str, raw: bytes, start: int) -> list[bytes]:
    """The three packed matrices after the steps, each behind its length."""
    parts = []
    for _ in range(3):
        if len(raw) - start < _LENGTH.size:
            raise PayloadError(f"{name}: a matrix is missing; the section is damaged")
        (length,) = _LENGTH.unpack_from(raw, start)
        start += _LENGTH.size
        if length > len(raw) - start:
            raise PayloadError(f"{name}: a matrix reaches beyond the section; damaged")
        parts.append(raw[start : start + length])
        start += length
    if start != len(raw):
        raise PayloadError(f"{name}: {len(raw) - start} bytes too many; the section is damaged")
    return parts


def _narrow(name: str, values: Int32s, dtype: type[Integer]) -> npt.NDArray[Integer]:
    limits = np.iinfo(dtype)
    if values.min(initial=0) < limits.min or values.max(initial=0) > limits.max:
        raise PayloadError(f"{name}: a value does not fit {limits.bits} bits; damaged")
    return values.astype(dtype)
