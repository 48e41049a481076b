"""Pixel digests: a few bytes per slot that tell whether a rendering is the one encoded.

Source: spec/codecs.md, "Pixel digests".
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ddcodec.arrays import UInt8s
from ddcodec.codecs.base import Codec, check_array, check_axes, check_length
from ddcodec.errors import EncodeError, PayloadError

__all__ = ["PixelDigests", "digested_variations", "pixel_digest", "slot_digest", "stored_length"]

DOMAIN = b"ddz/pixels/1\0"
SLOT_DOMAIN = b"ddz/pixels/2\0"
_VARIATIONS = 16
_BYTES_PER_CLASS = 4


def pixel_digest(image: UInt8s) -> bytes:
    """SHA-256 over a picture's size and its uint8 [h, w, 3] RGB values, 32 bytes.

    Raises:
        EncodeError: not a uint8 [h, w, 3] array.
    """
    picture = check_array("pixel-digest", image, (np.uint8,), 3, "[h, w, 3]")
    if picture.shape[2] != 3:
        raise EncodeError(f"a picture has 3 channels, RGB; got shape {picture.shape}")
    size = struct.pack("<II", picture.shape[0], picture.shape[1])
    return hashlib.sha256(DOMAIN + size + picture.tobytes()).digest()


def digested_variations(variations: int) -> int:
    """How many of a slot's pictures its digest is of, the first ones: 16, or all if fewer."""
    return min(variations, _VARIATIONS)


def slot_digest(pictures: UInt8s) -> bytes:
    """SHA-256 over the digests of a slot's variations, in order, 32 bytes.

    Args:
        pictures: uint8 [n, h, w, 3], the first ``digested_variations``.

    Raises:
        EncodeError: not a uint8 [n, h, w, 3] array.
    """
    state = hashlib.sha256(SLOT_DOMAIN)
    for picture in pictures:
        state.update(pixel_digest(picture))
    return state.digest()


def stored_length(slots: int) -> int:
    """How many bytes of each slot's digest a writer stores: at least four of every class.

    What makes pictures drift, another library or processor, changes many of them. So a byte of
    each of many slots tells as surely as four of one.
    """
    return -(-_BYTES_PER_CLASS // min(slots, _BYTES_PER_CLASS))


@dataclass(frozen=True)
class PixelDigests(Codec[UInt8s, UInt8s]):
    """uint8 [classes, slots, length]: the first bytes of each slot's digest. Raw: the same.

    Args:
        length: bytes stored of each digest.
    """

    length: int

    name: ClassVar[str] = "pixel-digest"
    version: ClassVar[int] = 2
    compression: ClassVar[str] = "none"
    RANGES: ClassVar[Mapping[str, tuple[int, int]]] = {"length": (1, 32)}

    def encode(self, array: UInt8s) -> bytes:
        digests = check_array(self.name, array, (np.uint8,), 3, "[classes, slots, length]")
        if digests.shape[2] != self.length:
            raise EncodeError(f"digests of {self.length} bytes each; got shape {digests.shape}")
        return digests.tobytes()

    def decode(self, raw: bytes, shape: tuple[int, ...]) -> UInt8s:
        check_axes(self.name, shape, 3, "[classes, slots, length]")
        if shape[2] != self.length:
            raise PayloadError(f"digests of {self.length} bytes each; the box says {shape}")
        check_length(self.name, raw, self.length * shape[0] * shape[1])
        return np.frombuffer(raw, dtype=np.uint8).reshape(shape).copy()
