"""Patches tiled into one picture and coded as WebP (lossy) or PNG (exact).

Source: spec/codecs.md, "mosaic-webp" and "mosaic-png". One picture of many patches costs less
than many small files, because headers and statistics are shared.
"""

from __future__ import annotations

import io
import struct
import zlib
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isqrt, prod
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from PIL import Image

from ddcodec.codecs.base import (
    ALL,
    Codec,
    check_array,
    check_axes,
    check_params,
    int_param,
)
from ddcodec.errors import EncodeError, PayloadError

__all__ = ["MAX_PATCH", "MAX_PIXELS", "Mosaic", "MosaicPng", "MosaicWebp", "grid"]

Pixels = npt.NDArray[np.uint8]

MAX_PATCH = 8192
# 192 MiB decoded, and below the size at which Pillow suspects a decompression bomb.
MAX_PIXELS = 1 << 26
WEBP_MAX_SIDE = 16383

# What Pillow is known to raise on hostile bytes.
_PILLOW_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    EOFError,
    OverflowError,
    RuntimeError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)


def grid(n: int) -> tuple[int, int]:
    """Columns and rows of a mosaic of n patches: ceil(sqrt(n)) columns, as few rows as hold n."""
    columns = isqrt(n - 1) + 1
    return columns, -(-n // columns)


@dataclass(frozen=True)
class Mosaic(Codec[Pixels, Pixels]):
    """uint8 [n, height, width, 3] RGB, row-major on a grid of ceil(sqrt(n)) columns.

    More leading axes are allowed, such as [classes, slots, patches, height, width, 3]; n is
    their product. Blank cells at the end repeat the last patch's right edge and are ignored.

    Args:
        width: of a patch, pixels.
        height: of a patch, pixels.
    """

    width: int
    height: int

    compression: ClassVar[str] = "none"
    image_format: ClassVar[str]
    max_side: ClassVar[int]

    def params(self) -> dict[str, Any]:
        return {"width": self.width, "height": self.height}

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> Self:
        check_params(cls.name, params, ("width", "height"))
        sides = (int_param(cls.name, params, key, 1, MAX_PATCH) for key in ("width", "height"))
        return cls(*sides)

    @abstractmethod
    def _save(self, picture: Image.Image, file: io.BytesIO) -> None:
        """Write the picture in ``image_format``."""

    def encode(self, array: Pixels) -> bytes:
        if getattr(array, "ndim", 0) > 4:
            array = array.reshape(-1, *array.shape[-3:])
        patches = check_array(self.name, array, (np.uint8,), 4, "[n, height, width, 3]")
        if patches.shape[1:] != (self.height, self.width, 3):
            raise EncodeError(
                f"{self.name} of {self.width} x {self.height} patches; got shape {patches.shape}"
            )
        columns, rows = grid(len(patches))
        width, height = columns * self.width, rows * self.height
        if max(width, height) > self.max_side or width * height > MAX_PIXELS:
            raise EncodeError(
                f"a mosaic of {len(patches)} patches would be {width} x {height} pixels, too "
                f"large for {self.name}; put fewer classes or slots in a section"
            )
        file = io.BytesIO()
        try:
            self._save(Image.fromarray(_tile(patches, columns, rows)), file)
        except _PILLOW_ERRORS as error:
            raise EncodeError(f"Pillow cannot write this {self.image_format}: {error}") from error
        return file.getvalue()

    def decode(self, raw: bytes, shape: tuple[int, ...]) -> Pixels:
        check_axes(self.name, shape, max(len(shape), 4), "[..., height, width, 3]")
        if shape[-3:] != (self.height, self.width, 3):
            raise PayloadError(f"{self.name} of {self.width} x {self.height} patches: not {shape}")
        n = prod(shape[:-3])
        columns, rows = grid(n)
        size = columns * self.width, rows * self.height
        if size[0] * size[1] > MAX_PIXELS or max(size) > self.max_side:
            raise PayloadError(f"{self.name}: a mosaic of {n} patches is larger than allowed")
        picture = self._open(raw, size)
        cells = picture.reshape(rows, self.height, columns, self.width, 3).swapaxes(1, 2)
        flat = cells.reshape(rows * columns, self.height, self.width, 3)[:n]
        return np.ascontiguousarray(flat).reshape(shape)

    def _open(self, raw: bytes, size: tuple[int, int]) -> Pixels:
        """The decoded picture, its size checked before any pixel is decoded."""
        try:
            with Image.open(io.BytesIO(raw), formats=(self.image_format,)) as picture:
                frames = getattr(picture, "n_frames", 1)
                if picture.size != size or picture.mode != "RGB" or frames != 1:
                    raise PayloadError(
                        f"{self.name}: the picture is {picture.size} {picture.mode} with "
                        f"{frames} frames, but the box needs {size} RGB with 1"
                    )
                return np.asarray(picture)
        except PayloadError:
            raise
        except _PILLOW_ERRORS as error:
            raise PayloadError(
                f"{self.name}: not a readable {self.image_format} picture ({error})"
            ) from error

    def slice_raw(
        self,
        raw: bytes,
        class_slice: slice,
        slot_slice: slice,
        shape: tuple[int, ...],
        view_slice: slice = ALL,
    ) -> bytes:
        """As ``Codec.slice_raw``; ``shape`` must separate [classes, slots, ..., h, w, 3]."""
        if len(shape) < 5:
            raise EncodeError(f"{self.name}: give the shape as [classes, slots, ..., h, w, 3]")
        return super().slice_raw(raw, class_slice, slot_slice, shape, view_slice)


def _tile(patches: Pixels, columns: int, rows: int) -> Pixels:
    n, height, width, _ = patches.shape
    cells = np.empty((rows * columns, height, width, 3), dtype=np.uint8)
    cells[:n] = patches
    # Repeating the edge costs next to nothing in either format, where black would ring.
    cells[n:] = patches[-1, :, -1:]
    picture = cells.reshape(rows, columns, height, width, 3).swapaxes(1, 2)
    return np.ascontiguousarray(picture).reshape(rows * height, columns * width, 3)


@dataclass(frozen=True)
class MosaicWebp(Mosaic):
    """A lossy WebP mosaic. VP8's decoder is integer arithmetic and normative (RFC 6386).

    Args:
        quality: 0..100, for the encoder only; a decoder needs none, so it is no parameter.
    """

    quality: int = field(default=60, compare=False)

    name: ClassVar[str] = "mosaic-webp"
    version: ClassVar[int] = 1
    sliceable: ClassVar[bool] = False
    image_format: ClassVar[str] = "WEBP"
    max_side: ClassVar[int] = WEBP_MAX_SIDE

    def __post_init__(self) -> None:
        if not 0 <= self.quality <= 100:
            raise EncodeError(f"WebP quality {self.quality} is not within 0..100")

    def _save(self, picture: Image.Image, file: io.BytesIO) -> None:
        picture.save(file, "WEBP", lossless=False, quality=self.quality, method=6)


@dataclass(frozen=True)
class MosaicPng(Mosaic):
    """An exact PNG mosaic."""

    name: ClassVar[str] = "mosaic-png"
    version: ClassVar[int] = 1
    image_format: ClassVar[str] = "PNG"
    max_side: ClassVar[int] = MAX_PIXELS

    def _save(self, picture: Image.Image, file: io.BytesIO) -> None:
        picture.save(file, "PNG", optimize=True)
