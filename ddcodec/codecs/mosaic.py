"""Patches tiled into one picture: what all mosaic codecs share.

Source: spec/codecs.md, "Mosaics". One picture of many patches costs less
than many small files, because headers and statistics are shared.
"""

from __future__ import annotations

import io
import struct
import zlib
from abc import abstractmethod
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from math import isqrt, prod
from typing import ClassVar

import numpy as np
from PIL import Image

from ddcodec.arrays import UInt8s
from ddcodec.codecs.base import (
    ALL,
    Codec,
    check_array,
    check_axes,
)
from ddcodec.errors import EncodeError, PayloadError
from ddcodec.recipe.fields import MAX_SIDE

__all__ = ["MAX_PIXELS", "Mosaic", "grid"]


# 48 MiB decoded, and below the size at which Pillow suspects a decompression bomb.
MAX_PIXELS = 1 << 24

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
class Mosaic(Codec[UInt8s, UInt8s]):
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
    RANGES: ClassVar[Mapping[str, tuple[int, int]]] = {
        "width": (1, MAX_SIDE),
        "height": (1, MAX_SIDE),
    }
    image_format: ClassVar[str]
    max_side: ClassVar[int]

    @property
    def capacity(self) -> int:
        """The most patches that a mosaic holds."""
        # Both sides of the grid grow with the number of patches, never the other way.
        return bisect_right(range(MAX_PIXELS), 0, lo=1, key=lambda n: not self._fits(n)) - 1

    def _fits(self, count: int) -> bool:
        columns, rows = grid(count)
        width, height = columns * self.width, rows * self.height
        return max(width, height) <= self.max_side and width * height <= MAX_PIXELS

    @abstractmethod
    def _save(self, picture: Image.Image, file: io.BytesIO) -> None:
        """Write the picture in ``image_format``."""

    def encode(self, array: UInt8s) -> bytes:
        if getattr(array, "ndim", 0) > 4:
            array = array.reshape(-1, *array.shape[-3:])
        patches = check_array(self.name, array, (np.uint8,), 4, "[n, height, width, 3]")
        if patches.shape[1:] != (self.height, self.width, 3):
            raise EncodeError(
                f"{self.name} of {self.width} x {self.height} patches; got shape {patches.shape}"
            )
        columns, rows = grid(len(patches))
        width, height = columns * self.width, rows * self.height
        if not self._fits(len(patches)):
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

    def decode(self, raw: bytes, shape: tuple[int, ...]) -> UInt8s:
        check_axes(self.name, shape, max(len(shape), 4), "[..., height, width, 3]")
        if shape[-3:] != (self.height, self.width, 3):
            raise PayloadError(f"{self.name} of {self.width} x {self.height} patches: not {shape}")
        n = prod(shape[:-3])
        columns, rows = grid(n)
        size = columns * self.width, rows * self.height
        if not self._fits(n):
            raise PayloadError(f"{self.name}: a mosaic of {n} patches is larger than allowed")
        picture = self._open(raw, size)
        cells = picture.reshape(rows, self.height, columns, self.width, 3).swapaxes(1, 2)
        flat = cells.reshape(rows * columns, self.height, self.width, 3)[:n]
        return np.ascontiguousarray(flat).reshape(shape)

    @abstractmethod
    def _open(self, raw: bytes, size: tuple[int, int]) -> UInt8s:
        """The decoded picture, uint8 [height, width, 3]; checks the file before Pillow does."""

    def _pixels(
        self, file: bytes, size: tuple[int, int], modes: tuple[str, ...] = ("RGB",)
    ) -> UInt8s:
        """What Pillow decodes, its size checked before any pixel is decoded."""
        try:
            with Image.open(io.BytesIO(file), formats=(self.image_format,)) as picture:
                frames = getattr(picture, "n_frames", 1)
                if picture.size != size or picture.mode not in modes or frames != 1:
                    raise PayloadError(
                        f"{self.name}: the picture is {picture.size} {picture.mode} with "
                        f"{frames} frames, but the box needs {size} {modes[-1]} with 1"
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


def _tile(patches: UInt8s, columns: int, rows: int) -> UInt8s:
    n, height, width, _ = patches.shape
    cells = np.empty((rows * columns, height, width, 3), dtype=np.uint8)
    cells[:n] = patches
    # Repeating the edge costs next to nothing in any format, where black would ring.
    cells[n:] = patches[-1, :, -1:]
    picture = cells.reshape(rows, columns, height, width, 3).swapaxes(1, 2)
    return np.ascontiguousarray(picture).reshape(rows * height, columns * width, 3)
