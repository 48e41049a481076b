"""A second decoder of the codecs mosaic-png and mosaic-webp, written from spec/codecs.md alone.

PNG is decoded here, from its chunks on. Of WebP everything but the VP8 frame is read here, and
Pillow decodes that; ``colours`` is how its planes become pixels. ``av1`` does mosaic-avif.
"""

from __future__ import annotations

import io
import struct
import zlib
from math import isqrt, prod
from typing import Any

from PIL import Image

from tools.conformance.reference.arrays import Shape, nest
from tools.conformance.reference.refusal import refuse, require

MAX_PIXELS, MAX_WEBP_SIDE = 1 << 24, 16383


def mosaic_png(raw: bytes, shape: Shape) -> Any:
    """The patches [n][height][width][3] of raw bytes."""
    width, height = sides(shape)
    lines = png_lines(raw, width, height)
    return patches(unfiltered(lines, width, height), shape, width)


def mosaic_webp(raw: bytes, shape: Shape) -> Any:
    """The patches [n][height][width][3] of raw bytes."""
    width, height = sides(shape)
    require(max(width, height) <= MAX_WEBP_SIDE, "payload", "a side is too long")
    check_frame(only_chunk(raw), width, height)
    try:
        with Image.open(io.BytesIO(raw), formats=("WEBP",)) as picture:
            return patches(picture.convert("RGB").tobytes(), shape, width)
    except (OSError, ValueError, SyntaxError, RuntimeError) as error:
        refuse("payload", f"no VP8 picture: {error}")


def sides(shape: Shape) -> tuple[int, int]:
    """Width and height of the mosaic of patches [..][height][width][3]."""
    count = prod(shape[:-3])
    columns = isqrt(count - 1) + 1
    width, height = columns * shape[-2], -(-count // columns) * shape[-3]
    require(width * height <= MAX_PIXELS, "payload", "too many pixels")
    return width, height


def patches(pixels: bytes, shape: Shape, across: int) -> Any:
    """Cells of a picture, row by row."""
    count, height, width = prod(shape[:-3]), shape[-3], shape[-2]
    values = bytearray()
    for cell in range(count):
        row, column = divmod(cell, across // width)
        for y in range(row * height, (row + 1) * height):
            start = 3 * (y * across + column * width)
            values += pixels[start : start + 3 * width]
    return nest(values, shape)


# PNG


def png_lines(raw: bytes, width: int, height: int) -> bytes:
    """The filtered lines, each after the number of its filter."""
    require(raw[:8] == bytes([0x89, 0x50, 0x4E, 0x47, 13, 10, 26, 10]), "payload", "no PNG file")
    names, stream, at = [], b"", 8
    while at < len(raw):
        require(at + 12 <= len(raw), "payload", "a cut chunk")
        (length,) = struct.unpack_from(">I", raw, at)
        name, data = raw[at + 4 : at + 8], raw[at + 8 : at + 8 + length]
        at += 12 + length
        require(at <= len(raw), "payload", "a cut chunk")
        (crc,) = struct.unpack_from(">I", raw, at - 4)
        require(zlib.crc32(name + data) == crc, "payload", "the checksum of a chunk")
        if name == b"IHDR":
            kind = struct.pack(">2I5B", width, height, 8, 2, 0, 0, 0)
            require(data == kind, "payload", "another kind of picture")
        elif name == b"IDAT":
            stream += data
        else:
            require(name == b"IEND" and not data, "payload", f"a chunk {name!r}")
        names.append(name)
    ordered = [b"IHDR", *[b"IDAT"] * (len(names) - 2), b"IEND"]
    require(len(names) > 2 and names == ordered, "payload", "chunks missing or out of order")
    size, decoder = height * (1 + 3 * width), zlib.decompressobj()
    try:
        lines = decoder.decompress(stream, size + 1)
    except zlib.error as error:
        refuse("payload", str(error))
    whole = len(lines) == size and decoder.eof and not decoder.unused_data
    require(whole, "payload", "not exactly the lines of the picture")
    return lines


def unfiltered(lines: bytes, width: int, height: int) -> bytes:
    """PNG's section 9: what the filters took away is added again."""
    size, pixels = 3 * width, bytearray()
    above = bytearray(size)
    for y in range(height):
        method, *line = lines[y * (size + 1) : (y + 1) * (size + 1)]
        require(method <= 4, "payload", f"filter {method}")
        for i in range(size):
            a, b = (line[i - 3] if i >= 3 else 0), above[i]
            c = above[i - 3] if i >= 3 else 0
            line[i] = (line[i] + (0, a, b, (a + b) // 2, paeth(a, b, c))[method]) % 256
        above = bytearray(line)
        pixels += above
    return bytes(pixels)


def paeth(a: int, b: int, c: int) -> int:
    p = a + b - c
    return min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]


# WebP


def only_chunk(raw: bytes) -> bytes:
    """The data of the one chunk of a WebP file."""
    require(len(raw) >= 20, "payload", "no WebP file")
    good = raw[:4] == b"RIFF" and raw[8:12] == b"WEBP" and raw[12:16] == b"VP8 "
    require(good, "payload", "not a WebP file of one VP8 frame")
    whole, length = struct.unpack("<I", raw[4:8])[0], struct.unpack("<I", raw[16:20])[0]
    padding = bytes(length % 2)
    require(len(raw) == 20 + length + len(padding), "payload", "another length")
    require(whole == len(raw) - 8, "payload", "another length of the file")
    require(raw[20 + length :] == padding, "payload", "a byte of padding that is not 0")
    return raw[20 : 20 + length]


def check_frame(frame: bytes, width: int, height: int) -> None:
    """RFC 6386, section 9.1, and the first two bits of 9.2."""
    require(len(frame) > 10, "payload", "no frame")
    tag = frame[0] | frame[1] << 8 | frame[2] << 16
    require(tag & 1 == 0, "payload", "no key frame")
    require((tag >> 1) % 8 <= 3, "payload", "an unknown version")
    require((tag >> 4) % 2 == 1, "payload", "a frame that does not show")
    require(10 + (tag >> 5) <= len(frame), "payload", "a cut partition")
    require(frame[3:6] == b"\x9d\x01\x2a", "payload", "no start code")
    require(struct.unpack("<2H", frame[6:10]) == (width, height), "payload", "another size")
    require(frame[10] < 64, "payload", "another colour space, or no clamping")


def colours(planes: tuple[str, str, str], width: int, height: int) -> bytes:
    """RGB pixels, row by row, of the planes in hexadecimal that VP8 reconstructs."""
    luma, *chroma = map(bytes.fromhex, planes)
    pixels = bytearray()
    for y in range(height):
        for x in range(width):
            light = luma[y * width + x] * 19077 >> 8
            blue, red = (enlarged(plane, x, y, width, height) for plane in chroma)
            for value in (
                light + (red * 26149 >> 8) - 14234,
                light - (blue * 6419 >> 8) - (red * 13320 >> 8) + 8708,
                light + (blue * 33050 >> 8) - 17685,
            ):
                pixels.append(min(max(value >> 6, 0), 255))
    return bytes(pixels)


def enlarged(plane: bytes, x: int, y: int, width: int, height: int) -> int:
    """The chroma of pixel (x, y)."""
    across, down = (width + 1) // 2, (height + 1) // 2
    beside, above = other(x, across), other(y, down)
    a = plane[y // 2 * across + x // 2]
    b = plane[y // 2 * across + beside]
    c = plane[above * across + x // 2]
    d = plane[above * across + beside]
    return (a + (a + 3 * b + 3 * c + d + 8 >> 3)) >> 1


def other(place: int, size: int) -> int:
    """The second nearest sample along one axis; at an edge the nearest."""
    return min(max(place // 2 + (1 if place % 2 else -1), 0), size - 1)
