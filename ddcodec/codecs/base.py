"""The base of every codec: a map, exact or lossy, between an array and a section's raw bytes.

A codec is a frozen dataclass whose fields are its parameters. The container compresses the raw
bytes; nothing here knows of files.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from math import prod
from typing import Any, ClassVar, Generic, Self, TypeVar

import numpy as np

from ddcodec.arrays import Array
from ddcodec.container import CodecSpec
from ddcodec.errors import EncodeError, PayloadError
from ddcodec.recipe.fields import check_integer, read_map

__all__ = [
    "ALL",
    "MOST_RAW",
    "MOST_RAW_A_VALUE",
    "Array",
    "Codec",
    "check_array",
    "check_axes",
    "check_length",
]

In = TypeVar("In")
Out = TypeVar("Out")

ALL = slice(None)

MOST_RAW, MOST_RAW_A_VALUE = 1 << 16, 32
"""Raw bytes of a section are at most so many, and so many more for each value it decodes to."""


class Codec(ABC, Generic[In, Out]):
    """One entry of the closed codec registry (spec/codecs.md).

    Class attributes:
        name, version: what the file's index calls the codec.
        compression: the container compression a writer uses for it.
        sliceable: decoding, slicing and encoding again keeps every remaining value.
        sliced_axes: leading axes of the array that a slice cuts: class, slot and, if 3, view.
        RANGES: the codec's integer parameters, which are its fields, with (low, high) of each.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    compression: ClassVar[str]
    sliceable: ClassVar[bool] = True
    sliced_axes: ClassVar[int] = 2
    RANGES: ClassVar[Mapping[str, tuple[int, int]]] = {}

    @abstractmethod
    def encode(self, array: In) -> bytes:
        """Raw bytes of an array.

        Raises:
            EncodeError: the dtype, shape or values cannot be encoded.
        """

    @abstractmethod
    def decode(self, raw: bytes, shape: tuple[int, ...]) -> Out:
        """The array of the shape that the section's box implies.

        Raises:
            PayloadError: the bytes do not decode to that shape.
        """

    def check(self, raw: bytes, shape: tuple[int, ...]) -> None:
        """Raise PayloadError unless ``decode`` would succeed.

        Where a few bytes stand for many values, a codec sees that without making them all.
        """
        self.decode(raw, shape)

    def most_raw(self, shape: tuple[int, ...]) -> int:
        """The most raw bytes that a section of a shape may have; no encoder needs as many."""
        return MOST_RAW + MOST_RAW_A_VALUE * prod(shape)

    def params(self) -> dict[str, Any]:
        """The parameters a decoder needs; part of the file's index and content digest."""
        return {name: getattr(self, name) for name in self.RANGES}

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> Self:
        """The codec of stored parameters.

        Raises:
            HeaderError: a parameter is unknown, missing, of a wrong type or out of range.
        """
        where = f"codec {cls.name}"
        read_map(params, where, tuple(cls.RANGES))
        for name, span in cls.RANGES.items():
            check_integer(f"{where}: {name}", params[name], *span)
        return cls(**params)

    def spec(self) -> CodecSpec:
        """How the file's index describes this codec."""
        return CodecSpec(self.name, self.version, self.compression, self.params())

    def slice_raw(
        self,
        raw: bytes,
        class_slice: slice,
        slot_slice: slice,
        shape: tuple[int, ...],
        view_slice: slice = ALL,
    ) -> bytes:
        """Raw bytes of a part of a section: its class, slot and (where it has them) view axes.

        Slices count from the section's own start. Axes that the codec's array lacks are ignored.

        Raises:
            EncodeError: the codec is not sliceable, or the part has no rows.
            PayloadError: ``raw`` does not decode.
        """
        if not self.sliceable:
            raise EncodeError(f"{self.name} is lossy and cannot be cut; copy the section whole")
        slices = (class_slice, slot_slice, view_slice)[: self.sliced_axes]
        return self.encode(self._cut(raw, slices, shape))

    def _cut(self, raw: bytes, slices: tuple[slice, ...], shape: tuple[int, ...]) -> Any:
        array: Any = self.decode(raw, shape)
        return array[slices]


def check_axes(name: str, shape: tuple[int, ...], count: int, axes: str) -> None:
    """Raise PayloadError unless ``shape`` has ``count`` axes, each at least 1."""
    if len(shape) != count or min(shape) < 1:
        raise PayloadError(f"{name} decodes to {axes}, each at least 1; the box says {shape}")


def check_length(name: str, raw: bytes, wanted: int) -> None:
    """Raise PayloadError unless ``raw`` has exactly ``wanted`` bytes."""
    if len(raw) != wanted:
        raise PayloadError(
            f"{name}: {len(raw)} raw bytes, but its box needs {wanted}; the section is damaged"
        )


def check_array(
    name: str, array: Any, dtypes: tuple[type[np.generic], ...], ndim: int, axes: str
) -> Array:
    """The array itself, or EncodeError unless dtype and axes are right and no axis is empty."""
    names = " or ".join(dtype.__name__ for dtype in dtypes)
    if not isinstance(array, np.ndarray) or array.dtype.newbyteorder("=") not in [
        np.dtype(dtype) for dtype in dtypes
    ]:
        kind = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
        raise EncodeError(f"{name} encodes {names} arrays {axes}; got {kind}")
    if array.ndim != ndim or prod(array.shape) == 0:
        raise EncodeError(f"{name} encodes arrays {axes}, none empty; got shape {array.shape}")
    return array
