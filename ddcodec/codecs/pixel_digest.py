"""Pixel digests: four bytes per slot that tell whether a rendering is the one encoded.

Source: spec/codecs.md, "Pixel digests".
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ddcodec.arrays import UInt8s
from ddcodec.codecs.base import Codec, check_array, check_axes, check_length
from ddcodec.errors import EncodeError, PayloadError

__all__ = ["PixelDigests", "digested_variations", "pixel_digest", "slot_digest"]

DOMAIN = b"ddz/pixels/1\0"
SLOT_DOMAIN = b"ddz/pixels/2\0"
_VARIATIONS = 16
_BYTES = 4


def pixel_digest(image: UInt8s) -> bytes:
    """First 4 bytes of SHA-256 over a picture's size and its uint8 [h, w, 3] RGB values.

    Raises:
        EncodeError: not a uint8 [h, w, 3] array.
    """
    return _whole_digest(image)[:_BYTES]


def digested_variations(variations: int) -> int:
    """How many of a slot's pictures its digest is of, the first ones: 16, or all if fewer."""
    return min(variations, _VARIATIONS)


def slot_digest(pictures: UInt8s) -> bytes:
    """First 4 bytes of SHA-256 over the whole digests of a slot's variations, in order.

    Args:
        pictures: uint8 [n, h, w, 3], the first ``digested_variations``.

    Raises:
        EncodeError: not a uint8 [n, h, w, 3] array.
    """
    state = hashlib.sha256(SLOT_DOMAIN)
    for picture in pictures:
        state.update(_whole_digest(picture))
    return state.digest()[:_BYTES]


def _whole_digest(image: UInt8s) -> bytes:
    picture = check_array("pixel-digest", image, (np.uint8,), 3, "[h, w, 3]")
    if picture.shape[2] != 3:
        raise EncodeError(f"a picture has 3 channels, RGB; got shape {picture.shape}")
    size = struct.pack("<II", picture.shape[0], picture.shape[1])
    return hashlib.sha256(DOMAIN + size + picture.tobytes()).digest()


@dataclass(frozen=True)
class PixelDigests(Codec[UInt8s, UInt8s]):
    """uint8 [classes, slots, 4]: the pixel digest of each slot. Raw: the same."""

    name: ClassVar[str] = "pixel-digest"
    version: ClassVar[int] = 1
    compression: ClassVar[str] = "none"

    def encode(self, array: UInt8s) -> bytes:
        digests = check_array(self.name, array, (np.uint8,), 3, "[classes, slots, 4]")
        if digests.shape[2] != 4:
            raise EncodeError(f"a pixel digest has 4 bytes; got shape {digests.shape}")
        return digests.tobytes()

    def decode(self, raw: bytes, shape: tuple[int, ...]) -> UInt8s:
        check_axes(self.name, shape, 3, "[classes, slots, 4]")
        if shape[2] != 4:
            raise PayloadError(f"a pixel digest has 4 bytes; the box says {shape}")
        check_length(self.name, raw, 4 * shape[0] * shape[1])
        return np.frombuffer(raw, dtype=np.uint8).reshape(shape).copy()
