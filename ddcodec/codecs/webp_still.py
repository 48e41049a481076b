"""The WebP file that a mosaic is, byte by byte, checked before a library sees it.

Source: spec/codecs.md, "WebP pictures". A WebP file may also hold an animation, a lossless picture,
transparency, a colour profile and notes; a mosaic is one opaque VP8 key frame (RFC 6386) alone.
"""

from __future__ import annotations

import struct

from ddcodec.errors import PayloadError

__all__ = ["check_webp"]

_HEADER = struct.Struct("<4sI8sI")  # RIFF, its length, WEBP and VP8, its length
_FRAME = struct.Struct("<3s3sHH")  # tag, start code, width, height
_START = b"\x9d\x01\x2a"
_MAX_VERSION = 3


def check_webp(raw: bytes, width: int, height: int) -> None:
    """Check that a file is a WebP mosaic of that size: one VP8 frame, and nothing besides.

    Raises:
        PayloadError: it is not.
    """
    if len(raw) <= _HEADER.size + _FRAME.size:
        raise PayloadError("mosaic-webp: the section is too short for a WebP file")
    riff, whole, kind, length = _HEADER.unpack_from(raw)
    if riff != b"RIFF" or kind != b"WEBPVP8 ":
        raise PayloadError("mosaic-webp: the section is not a WebP file of a VP8 picture alone")
    end = _HEADER.size + length
    if len(raw) != 8 + whole or whole % 2 or len(raw) - end not in (0, 1) or any(raw[end:]):
        raise PayloadError("mosaic-webp: the lengths of the file and of its picture do not fit")
    tag, start, wide, high = _FRAME.unpack_from(raw, _HEADER.size)
    bits = int.from_bytes(tag, "little")
    # Bit 0 is clear in key frames, bit 4 is set in frames that show.
    if bits & 0b10001 != 0b10000 or bits >> 1 & 7 > _MAX_VERSION or start != _START:
        raise PayloadError("mosaic-webp: the picture is not a VP8 key frame that shows")
    if (wide, high) != (width, height):  # the two bits above the 14 of each ask for enlargement
        raise PayloadError(f"mosaic-webp: the picture is not one of {width} x {height} pixels")
    if _FRAME.size + (bits >> 5) > length:
        raise PayloadError("mosaic-webp: the first partition ends after the picture")
    if raw[_HEADER.size + _FRAME.size] >= 64:  # these two bits come first, and are not yet skewed
        raise PayloadError("mosaic-webp: another colour space, or pixels that are not clamped")
