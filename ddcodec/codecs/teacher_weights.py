"""A classifier with weights of a few bits, entropy coded: the teacher instead of its labels.

Source: spec/teacher.md, "Codec". The architecture is one of a closed list, so a section holds
numbers alone; which bits its outputs have is the affair of ``ddcodec.labels.teacher``.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from ddcodec.arrays import Float32s, Int8s
from ddcodec.codecs.base import ALL, Codec
from ddcodec.codecs.teacher_layers import Layer, layers_of
from ddcodec.entropy import best_model, pack, unpack
from ddcodec.errors import EncodeError, PayloadError
from ddcodec.recipe.fields import MAX_SIDE, check_integer, check_text, read_map

__all__ = ["MAX_BITS", "MIN_BITS", "LayerWeights", "StoredWeights", "TeacherWeights"]


MIN_BITS, MAX_BITS = 3, 8
_FULL_SCALE = 65536  # of the input's statistics
_MAX_SHIFT = 7
# A lane of the entropy coder costs two bytes: as many as make that a thousandth, or so.
_WEIGHTS_A_LANE = 2048
_STATISTICS = struct.Struct("<6I")
_LENGTH = struct.Struct("<I")


@dataclass(frozen=True, eq=False)
class LayerWeights:
    """One layer: a weight is ``values * scale``.

    Attributes:
        values: int8, of the layer's shape.
        scale: float32 [out], positive, exact in 16 bits.
        vectors: float32 [n, out], finite, exact in 16 bits: a bias, or a norm's factor and shift.
    """

    values: Int8s
    scale: Float32s
    vectors: Float32s


@dataclass(frozen=True, eq=False)
class StoredWeights:
    """All numbers of a stored teacher.

    Attributes:
        mean, std: of the input by channel, in 1/65536 of the range 0..1.
        layers: in the order of ``layers_of``.
    """

    mean: tuple[int, int, int]
    std: tuple[int, int, int]
    layers: tuple[LayerWeights, ...]


@dataclass(frozen=True)
class TeacherWeights(Codec[StoredWeights, StoredWeights]):
    """Raw: mean and std, then for each layer its small numbers and one entropy-coded stream.

    Args:
        arch: one of ``codecs.teacher_layers.NAMES``.
        bits: of a weight; values are within +-(2^(bits-1) - 1).
        classes: outputs, the columns of a label.
        side: of the square pictures in pixels.
    """

    arch: str
    bits: int
    classes: int
    side: int

    RANGES: ClassVar[Mapping[str, tuple[int, int]]] = {
        "bits": (MIN_BITS, MAX_BITS),
        "classes": (1, 0xFFFF),
        "side": (1, MAX_SIDE),
    }

    name: ClassVar[str] = "teacher-weights"
    version: ClassVar[int] = 1
    compression: ClassVar[str] = "zstd"

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The shapes; raises UnsupportedFeatureError where there is no such network."""
        return layers_of(self.arch, self.classes, self.side)

    @property
    def top(self) -> int:
        """The largest magnitude of a value."""
        return int(2 ** (self.bits - 1)) - 1

    @property
    def plain_bytes(self) -> int:
        """Bytes of all its numbers as float32."""
        return sum(4 * layer.shape[0] * (layer.terms + layer.vectors) for layer in self.layers)

    def params(self) -> dict[str, Any]:
        return {"arch": self.arch, **super().params()}

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> Self:
        where = f"codec {cls.name}"
        read_map(params, where, ("arch", *cls.RANGES))
        check_text(f"{where}: arch", params["arch"])
        for name, span in cls.RANGES.items():
            check_integer(f"{where}: {name}", params[name], *span)
        layers_of(params["arch"], params["classes"], params["side"])
        return cls(**params)

    def encode(self, array: StoredWeights) -> bytes:
        layers = self.layers
        if len(array.layers) != len(layers):
            raise EncodeError(f"a {self.arch} has {len(layers)} layers, not {len(array.layers)}")
        _check_statistics(array.mean, array.std, EncodeError)
        parts = [_STATISTICS.pack(*array.mean, *array.std)]
        for weights, layer in zip(array.layers, layers, strict=True):
            _check_layer(weights, layer, self.top)
            parts.append(_encode_layer(weights, layer))
        return b"".join(parts)

    def most_raw(self, shape: tuple[int, ...]) -> int:
        return super().most_raw((self.plain_bytes // 4,))

    def decode(self, raw: bytes, shape: tuple[int, ...] = ()) -> StoredWeights:
        reader = _Reader(raw)
        numbers = _STATISTICS.unpack(reader.take(_STATISTICS.size))
        mean, std = numbers[:3], numbers[3:]
        _check_statistics(mean, std, PayloadError)
        layers = tuple(_decode_layer(reader, layer, self.top) for layer in self.layers)
        if reader.left:
            raise PayloadError(f"{self.name}: {reader.left} bytes too many; the section is damaged")
        return StoredWeights(mean, std, layers)

    def slice_raw(
        self,
        raw: bytes,
        class_slice: slice,
        slot_slice: slice,
        shape: tuple[int, ...],
        view_slice: slice = ALL,
    ) -> bytes:
        """The whole teacher: every row of its origin needs all of it."""
        return raw


class _Reader:
    """Takes bytes off the front, and says so when there are too few."""

    def __init__(self, raw: bytes) -> None:
        self._raw, self._at = raw, 0

    @property
    def left(self) -> int:
        return len(self._raw) - self._at

    def take(self, count: int) -> bytes:
        if count > self.left:
            raise PayloadError(f"{TeacherWeights.name}: cut short; the section is damaged")
        self._at += count
        return self._raw[self._at - count : self._at]


def lanes_of(layer: Layer) -> int:
    """Lanes of a layer's stream: one for 2,048 weights, and no more than it has rows."""
    return max(1, min(layer.terms, layer.shape[0] * layer.terms // _WEIGHTS_A_LANE))


def _encode_layer(weights: LayerWeights, layer: Layer) -> bytes:
    out = layer.shape[0]
    rows = weights.values.reshape(out, -1)
    models = [best_model(row, _MAX_SHIFT) for row in rows]
    tables, shifts = (np.array(column, np.uint8) for column in zip(*models, strict=True))
    stream = pack(rows.T, tables, shifts, lanes_of(layer))
    halves = np.concatenate([weights.scale[None], weights.vectors]).astype("<f2")
    planes = halves.view(np.uint8).reshape(-1, 2).T.tobytes()
    return planes + tables.tobytes() + shifts.tobytes() + _LENGTH.pack(len(stream)) + stream


def _decode_layer(reader: _Reader, layer: Layer, top: int) -> LayerWeights:
    out = layer.shape[0]
    count = out * (1 + layer.vectors)
    planes = np.frombuffer(reader.take(2 * count), np.uint8).reshape(2, count)
    floats = np.ascontiguousarray(planes.T).view("<f2").astype(np.float32).reshape(-1, out)
    if not np.isfinite(floats).all() or not (floats[0] > 0).all():
        raise PayloadError(
            f"{TeacherWeights.name}: a number is not finite, or a scale not positive; damaged"
        )
    tables = np.frombuffer(reader.take(out), np.uint8)
    shifts = np.frombuffer(reader.take(out), np.uint8)
    if (shifts > _MAX_SHIFT).any():
        raise PayloadError(f"{TeacherWeights.name}: a shift is above {_MAX_SHIFT}; damaged")
    stream = reader.take(*_LENGTH.unpack(reader.take(_LENGTH.size)))
    values = unpack(stream, layer.terms, out, tables, shifts, lanes_of(layer))
    if values.min() < -top or values.max() > top:
        raise PayloadError(f"{TeacherWeights.name}: a weight is beyond +-{top}; damaged section")
    shaped = np.ascontiguousarray(values.T.astype(np.int8)).reshape(layer.shape)
    return LayerWeights(shaped, floats[0].copy(), floats[1:].copy())


def _check_statistics(
    mean: tuple[int, ...], std: tuple[int, ...], error: type[EncodeError] | type[PayloadError]
) -> None:
    if not all(0 <= v <= _FULL_SCALE for v in mean) or not all(1 <= v <= _FULL_SCALE for v in std):
        raise error(f"{TeacherWeights.name}: mean {mean} or deviation {std} is out of range")


def _check_layer(weights: LayerWeights, layer: Layer, top: int) -> None:
    out, name = layer.shape[0], TeacherWeights.name
    shapes = weights.values.shape, weights.scale.shape, weights.vectors.shape
    if shapes != (layer.shape, (out,), (layer.vectors, out)):
        raise EncodeError(f"{name}: a layer of shapes {shapes} where {layer} is wanted")
    if weights.values.dtype != np.int8 or np.abs(weights.values.astype(np.int16)).max() > top:
        raise EncodeError(f"{name} encodes int8 weights within +-{top}")
    small = np.concatenate([weights.scale[None], weights.vectors])
    with np.errstate(over="ignore", under="ignore"):
        exact = small.astype(np.float16).astype(np.float32) == small
    if not (exact & np.isfinite(small)).all() or not (weights.scale > 0).all():
        raise EncodeError(f"{name}: scales and vectors must be finite numbers of 16 bits")
