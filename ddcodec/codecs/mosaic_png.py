"""Patches as one exact PNG picture. Source: spec/codecs.md, "Mosaics"."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import ClassVar

from PIL import Image

from ddcodec.arrays import UInt8s
from ddcodec.codecs.mosaic import MAX_PIXELS, Mosaic
from ddcodec.codecs.png_still import check_png

__all__ = ["MosaicPng"]


@dataclass(frozen=True)
class MosaicPng(Mosaic):
    """An exact PNG mosaic."""

    name: ClassVar[str] = "mosaic-png"
    version: ClassVar[int] = 1
    image_format: ClassVar[str] = "PNG"
    max_side: ClassVar[int] = MAX_PIXELS

    def _save(self, picture: Image.Image, file: io.BytesIO) -> None:
        picture.save(file, "PNG", optimize=True)

    def _open(self, raw: bytes, size: tuple[int, int]) -> UInt8s:
        check_png(raw, *size)
        return self._pixels(raw, size)
