"""Pixel digests: they change with any pixel and with the picture's shape."""

from __future__ import annotations

import hashlib
import struct

import numpy as np
import pytest

from ddcodec.codecs.pixel_digest import PixelDigests, pixel_digest, stored_length
from ddcodec.errors import EncodeError, PayloadError


def test_the_digest_is_a_sha256_over_size_and_pixels() -> None:
    image = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    text = b"ddz/pixels/1\0" + struct.pack("<II", 2, 4) + bytes(range(24))
    assert pixel_digest(image) == hashlib.sha256(text).digest()
    assert pixel_digest(image) != pixel_digest(image.reshape(4, 2, 3))
    assert pixel_digest(image[:, ::-1]) == pixel_digest(np.ascontiguousarray(image[:, ::-1]))


@pytest.mark.parametrize(("slots", "length"), [(1, 4), (2, 2), (3, 2), (4, 1), (50, 1)])
def test_a_class_keeps_four_bytes_or_more(slots: int, length: int) -> None:
    assert stored_length(slots) == length
    assert slots * length >= 4


@pytest.mark.parametrize("length", [1, 4, 32])
def test_digests_round_trip_and_slice(length: int) -> None:
    codec, shape = PixelDigests(length), (3, 4, length)
    digests = np.arange(np.prod(shape), dtype=np.uint16).astype(np.uint8).reshape(shape)
    raw = codec.encode(digests)
    np.testing.assert_array_equal(codec.decode(raw, shape), digests)
    cut = codec.slice_raw(raw, slice(2, 3), slice(0, 2), shape)
    np.testing.assert_array_equal(codec.decode(cut, (1, 2, length)), digests[2:, :2])


@pytest.mark.parametrize("image", [np.zeros((2, 2, 4), np.uint8), np.zeros((2, 2, 3))])
def test_only_rgb_bytes_have_a_digest(image: np.ndarray) -> None:
    with pytest.raises(EncodeError):
        pixel_digest(image)


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(EncodeError, match="4 bytes"):
        PixelDigests(4).encode(np.zeros((1, 1, 3), np.uint8))
    with pytest.raises(PayloadError, match="its box needs"):
        PixelDigests(4).decode(bytes(5), (1, 1, 4))
    with pytest.raises(PayloadError, match="4 bytes"):
        PixelDigests(4).decode(bytes(4), (1, 1, 3))
