"""Patches as one lossy WebP picture. Source: spec/codecs.md, "Mosaics"."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import ClassVar

from PIL import Image

from ddcodec.arrays import UInt8s
from ddcodec.codecs.mosaic import Mosaic
from ddcodec.codecs.webp_still import check_webp
from ddcodec.errors import EncodeError

__all__ = ["WEBP_MAX_SIDE", "MosaicWebp"]

WEBP_MAX_SIDE = 16383
"""Longest side that a WebP file can have, in pixels."""


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

    def _open(self, raw: bytes, size: tuple[int, int]) -> UInt8s:
        check_webp(raw, *size)
        return self._pixels(raw, size)
