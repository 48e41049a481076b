"""Patches as one AV1 picture, exact on every machine. Source: spec/codecs.md, "AV1 pictures".

What AV1 decodes is integer arithmetic and normative; how an AVIF library makes RGB of it is not. So
the planes of our own colour transform are coded as one grey picture, each below the other.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, field
from functools import cache
from typing import ClassVar

import numpy as np
from PIL import Image, features

from ddcodec.arrays import UInt8s
from ddcodec.codecs.av1_still import bare_picture, whole_file
from ddcodec.codecs.mosaic import Mosaic
from ddcodec.errors import EncodeError, MissingDependencyError, PayloadError

__all__ = ["AVIF_MAX_SIDE", "MANY_PIXELS", "MosaicAvif"]

AVIF_MAX_SIDE = 10922
"""Longest side of a mosaic in pixels: libraries open 32,768, and there are three planes."""

# A picture of 32 x 32 pixels that uses the tools AV1 has for grey and shows nearly every grey, and
# the SHA-256 of its planes. libaom 3.6, libgav1 0.18, dav1d 1.0 and 1.5 are of one mind about it.
_KNOWN_PICTURE = bytes.fromhex(
    "1e45080000292852eb99d0aa88041b0c649ef7d7b1aa952ce97dd19436bf7b7ea508b0b14088533c3f07623b"
    "6bd83db5aee4f388b7591dd7dbfe62703d73216e11336c722530da3687362d7ef24ae319bf9bacb81818756a"
    "9f4976d5d552174e647cf8e22dac3579d9504d27cda19f35d6e73f6803f04a114fe0b469bb50362eee3154c9"
    "cdcc004c4c56ecb3f30f1e80815acf05f2cddbfcc9992edebb1e3392d4047144e488feff170f9e105dc9f977"
    "7a13dda77def383103bd839a76e367b6bf37ab611199088c6e46607e38f6de69034af5822fd1ead25cb83551"
    "d68b9a345fa0f4118c2e5280e58a81"
)
_KNOWN_ANSWER = "545c0b3c7c717bb95834328dabd5a2deb07405c895d1938f389441b0224cd362"

_INSTALL = (
    "put Pillow's own build in its place: pip uninstall pillow, then pip install 'pillow>=11.3'"
)

MANY_PIXELS = 1 << 20
"""Mosaics of more pixels are coded faster, at about a tenth more bytes."""


@dataclass(frozen=True)
class MosaicAvif(Mosaic):
    """A lossy AV1 mosaic: the planes Y, Co and Cg, one below the other, as one grey still picture.

    Args:
        quality: 0..100, for the encoder only; a decoder needs none, so it is no parameter.
    """

    quality: int = field(default=35, compare=False)

    name: ClassVar[str] = "mosaic-avif"
    version: ClassVar[int] = 1
    sliceable: ClassVar[bool] = False
    image_format: ClassVar[str] = "AVIF"
    max_side: ClassVar[int] = AVIF_MAX_SIDE

    def __post_init__(self) -> None:
        if not 0 <= self.quality <= 100:
            raise EncodeError(f"AVIF quality {self.quality} is not within 0..100")

    def _save(self, picture: Image.Image, file: io.BytesIO) -> None:
        _check_decoder()
        planes = _planes(np.asarray(picture))
        _, height, width = planes.shape
        whole = io.BytesIO()
        Image.fromarray(planes.reshape(3 * height, width)).save(
            whole,
            "AVIF",
            quality=self.quality,
            speed=3 if height * width <= MANY_PIXELS else 6,
            subsampling="4:0:0",
            range="full",
            codec="aom",
            # One thread and one tile: the same patches give the same bytes.
            max_threads=1,
            autotiling=False,
            advanced={"tune": "psnr", "enable-cdef": "1"},
        )
        file.write(bare_picture(whole.getvalue(), width, 3 * height))

    def _open(self, raw: bytes, size: tuple[int, int]) -> UInt8s:
        _check_decoder()
        return _rgb(self._grey(raw, size))

    def _grey(self, raw: bytes, size: tuple[int, int]) -> UInt8s:
        """uint8 [3, height, width], the planes."""
        width, height = size
        tall = width, 3 * height
        pixels = self._pixels(whole_file(raw, *tall), tall, ("L", "RGB"))
        # Pillow before 13 shows grey pictures as RGB.
        grey = pixels if pixels.ndim == 2 else pixels[..., 0]
        return np.ascontiguousarray(grey).reshape(3, height, width)


def _planes(picture: UInt8s) -> UInt8s:
    """uint8 [3, height, width] Y, Co, Cg of uint8 [height, width, 3] RGB."""
    red, green, blue = np.moveaxis(picture.astype(np.int16), -1, 0)
    planes = [
        (red + 2 * green + blue + 2) >> 2,
        ((red - blue + 1) >> 1) + 128,
        ((2 * green - red - blue + 2) >> 2) + 128,
    ]
    return np.stack(planes).clip(0, 255).astype(np.uint8)


def _rgb(planes: UInt8s) -> UInt8s:
    """uint8 [height, width, 3] RGB of uint8 [3, height, width] Y, Co, Cg."""
    luma, orange, green = planes.astype(np.int16) - np.array([0, 128, 128], np.int16)[:, None, None]
    rest = luma - green
    picture = np.stack([rest + orange, luma + green, rest - orange], axis=-1)
    return picture.clip(0, 255).astype(np.uint8)


@cache
def _check_decoder() -> None:
    """Decode a picture whose pixels are known, once.

    Raises:
        MissingDependencyError: Pillow has no AVIF decoder, or one that shows other pixels.
    """
    if not features.check("avif"):
        raise MissingDependencyError(f"this Pillow cannot open AVIF pictures; {_INSTALL}")
    try:
        planes = MosaicAvif(32, 32)._grey(_KNOWN_PICTURE, (32, 32))
    except PayloadError as error:
        raise MissingDependencyError(
            f"this Pillow cannot open an AVIF picture that is known to be good ({error.message}); "
            f"{_INSTALL}"
        ) from error
    if hashlib.sha256(planes.tobytes()).hexdigest() != _KNOWN_ANSWER:
        raise MissingDependencyError(
            f"this Pillow shows other pixels of an AVIF picture than it should; {_INSTALL}"
        )
