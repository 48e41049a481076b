"""The PNG file that a mosaic is, byte by byte, checked before a library sees it.

Source: spec/codecs.md, "PNG pictures". PNG has pictures of many kinds and chunks of many more, and
libraries differ in what they forgive (a wrong checksum, no end, 16 bits a colour). A mosaic is of
the one kind that all of them read alike.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from ddcodec.errors import PayloadError

__all__ = ["check_png"]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Bits of a colour; RGB; DEFLATE; lines filtered one by one; not interlaced.
_KIND = bytes([8, 2, 0, 0, 0])
_MAX_FILTER = 4  # Paeth


def check_png(raw: bytes, width: int, height: int) -> None:
    """Check that a file is a PNG mosaic of that size: 8-bit RGB, whole, and nothing besides.

    Raises:
        PayloadError: it is not.
    """
    if not raw.startswith(_SIGNATURE):
        raise PayloadError("mosaic-png: the section does not begin as a PNG file")
    chunks = _chunks(raw)
    name, data = next(chunks, (b"", b""))
    if name != b"IHDR" or bytes(data) != struct.pack(">II", width, height) + _KIND:
        raise PayloadError(f"mosaic-png: not an 8-bit RGB picture of {width} x {height} pixels")
    line, decoder, lines = 1 + 3 * width, zlib.decompressobj(), bytearray()
    for name, data in chunks:
        if name != b"IDAT":
            break
        try:
            lines += decoder.decompress(data, 1 + line * height - len(lines))
        except zlib.error as error:
            raise PayloadError(f"mosaic-png: the pixels do not inflate ({error})") from error
        if len(lines) > line * height or decoder.unused_data:
            raise PayloadError("mosaic-png: more pixels than the picture has")
    if name != b"IEND" or len(data) or next(chunks, None) is not None:
        raise PayloadError("mosaic-png: a chunk other than IHDR, IDAT and IEND, or none at the end")
    if len(lines) != line * height or not decoder.eof:
        raise PayloadError("mosaic-png: fewer pixels than the picture has")
    if max(lines[::line]) > _MAX_FILTER:
        raise PayloadError("mosaic-png: a line has an unknown filter")


def _chunks(raw: bytes) -> Iterator[tuple[bytes, memoryview | bytes]]:
    """(name, data) of each chunk up to the last byte, its checksum compared."""
    at, view = len(_SIGNATURE), memoryview(raw)
    while at < len(raw):
        end = at + 12 + int.from_bytes(raw[at : at + 4], "big")
        if end > len(raw):
            raise PayloadError("mosaic-png: the file ends within a chunk")
        if zlib.crc32(view[at + 4 : end - 4]) != int.from_bytes(raw[end - 4 : end], "big"):
            raise PayloadError("mosaic-png: the checksum of a chunk differs")
        yield raw[at + 4 : at + 8], view[at + 8 : end - 4]
        at = end
