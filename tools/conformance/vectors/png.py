"""PNG files put together by hand, faults included, whose bytes depend on no library's version."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence


def png(width: int, height: int, rows: Sequence[bytes]) -> bytes:
    """An RGB picture; its zlib stream is one stored block, so it is the same with every zlib."""
    lines = b"".join(b"\0" + row for row in rows)
    return png_file(header(width, height), ("IDAT", stream(lines)), END)


Chunk = tuple[str, bytes]
END: Chunk = ("IEND", b"")


def png_file(*chunks: Chunk) -> bytes:
    """A file of chunks, their checksums right."""
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data))
        + name.encode()
        + data
        + struct.pack(">I", zlib.crc32(name.encode() + data))
        for name, data in chunks
    )


def header(
    width: int, height: int, *, depth: int = 8, colour: int = 2, interlace: int = 0
) -> Chunk:
    return "IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)


def stream(lines: bytes) -> bytes:
    """Filtered lines as one zlib stream."""
    stored = struct.pack("<BHH", 1, len(lines), len(lines) ^ 0xFFFF) + lines
    return b"\x78\x01" + stored + struct.pack(">I", zlib.adler32(lines))
