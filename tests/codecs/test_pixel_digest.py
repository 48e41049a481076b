"""Pixel digests: four bytes that change with any pixel and with the picture's shape."""

from __future__ import annotations

import hashlib
import struct

import numpy as np
import pytest

from ddcodec.codecs.pixel_digest import PixelDigests, pixel_digest
from ddcodec.errors import EncodeError, PayloadError


def test_the_digest_is_the_start_of_a_sha256_over_size_and_pixels() -> None:
    image = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    text = b"ddz/pixels/1\0" + struct.pack("<II", 2, 4) + bytes(range(24))
    assert pixel_digest(image) == hashlib.sha256(text).digest()[:4]
    assert pixel_digest(image) != pixel_digest(image.reshape(4, 2, 3))
    assert pixel_digest(image[:, ::-1]) == pixel_digest(np.ascontiguousarray(image[:, ::-1]))


def test_digests_round_trip_and_slice() -> None:
    digests = np.arange(48, dtype=np.uint8).reshape(3, 4, 4)
    raw = PixelDigests().encode(digests)
    np.testing.assert_array_equal(PixelDigests().decode(raw, (3, 4, 4)), digests)
    cut = PixelDigests().slice_raw(raw, slice(2, 3), slice(0, 2), (3, 4, 4))
    np.testing.assert_array_equal(PixelDigests().decode(cut, (1, 2, 4)), digests[2:, :2])


@pytest.mark.parametrize("image", [np.zeros((2, 2, 4), np.uint8), np.zeros((2, 2, 3))])
def test_only_rgb_bytes_have_a_digest(image: np.ndarray) -> None:
    with pytest.raises(EncodeError):
        pixel_digest(image)


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(EncodeError, match="4 bytes"):
        PixelDigests().encode(np.zeros((1, 1, 3), np.uint8))
    with pytest.raises(PayloadError, match="its box needs"):
        PixelDigests().decode(bytes(5), (1, 1, 4))
    with pytest.raises(PayloadError, match="4 bytes"):
        PixelDigests().decode(bytes(4), (1, 1, 3))
