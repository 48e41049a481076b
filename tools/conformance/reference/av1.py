"""A second decoder of the codec mosaic-avif, written from spec/codecs.md alone, without numpy.

Pillow decodes AV1 itself, from a file that is put together here. All else is plain Python.
"""

from __future__ import annotations

import io
import struct
from math import isqrt, prod
from typing import Any

from PIL import Image

from tools.conformance.reference.arrays import Shape, nest
from tools.conformance.reference.refusal import refuse, require

MAX_PIXELS, MAX_SIDE = 1 << 24, 10922
# The sequence header, a letter for each bit that varies: tools a to e, width - 1 and height - 1.
SEQUENCE = "000111111111111111" + "w" * 16 + "h" * 16 + "abc0de010101"
# All boxes of a file before its picture; every number that is not given here is 0.
LENGTHS = {"ftyp": 28, "meta": 208, "hdlr": 33, "pitm": 14, "iloc": 30, "iinf": 35, "infe": 21}
LENGTHS |= {"iprp": 84, "ipco": 54, "ispe": 20, "pixi": 14, "av1C": 12, "ipma": 22}


def mosaic_avif(raw: bytes, shape: Shape) -> list[Any]:
    """The patches [n][height][width][3] of raw bytes."""
    count, height, width = prod(shape[:-3]), shape[-3], shape[-2]
    columns = isqrt(count - 1) + 1
    rows = -(-count // columns)
    across, down = columns * width, rows * height
    require(max(across, down) <= MAX_SIDE, "payload", "a side is too long")
    require(across * down <= MAX_PIXELS, "payload", "too many pixels")
    planes = split(grey(raw, across, 3 * down), 3)
    values: list[int] = []
    for patch in range(count):
        top, left = patch // columns * height, patch % columns * width
        for y in range(top, top + height):
            for x in range(left, left + width):
                values += rgb(*(plane[y * across + x] for plane in planes))
    array: list[Any] = nest(values, shape)
    return array


def rgb(luma: int, orange: int, green: int) -> list[int]:
    rest = luma - (green - 128)
    colours = rest + orange - 128, luma + green - 128, rest - (orange - 128)
    return [min(max(value, 0), 255) for value in colours]


def split(data: bytes, parts: int) -> list[bytes]:
    size = len(data) // parts
    return [data[i * size : (i + 1) * size] for i in range(parts)]


def grey(raw: bytes, width: int, height: int) -> bytes:
    """The pixels of a bare AV1 picture."""
    require(len(raw) >= 2 and raw[0] < 32, "payload", "no tools or no frame")
    try:
        with Image.open(io.BytesIO(avif(raw, width, height))) as picture:
            require(picture.size == (width, height), "payload", "another size")
            return picture.getchannel(0).tobytes()
    except (OSError, ValueError, SyntaxError, RuntimeError) as error:
        refuse("payload", f"no AV1 picture: {error}")


def avif(raw: bytes, width: int, height: int) -> bytes:
    """The AVIF file that holds a bare picture."""
    bits = SEQUENCE
    for letter, tool in zip("abcde", range(5), strict=True):
        bits = bits.replace(letter, str(raw[0] >> tool & 1))
    bits = bits.replace("w" * 16, f"{width - 1:016b}").replace("h" * 16, f"{height - 1:016b}")
    header = int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")
    picture = bytes([0x0A, len(header)]) + header + b"\x32" + leb128(len(raw) - 1) + raw[1:]
    start = LENGTHS["ftyp"] + LENGTHS["meta"] + 8
    parts = [
        box("ftyp") + b"avif\0\0\0\0avifmif1miaf",
        box("meta") + bytes(4),
        box("hdlr") + bytes(8) + b"pict" + bytes(13),
        box("pitm") + struct.pack(">IH", 0, 1),
        box("iloc") + struct.pack(">I2B4H2I", 0, 0x44, 0, 1, 1, 0, 1, start, len(picture)),
        box("iinf") + struct.pack(">IH", 0, 1),
        box("infe") + struct.pack(">I2H4sB", 2 << 24, 1, 0, b"av01", 0),
        box("iprp"),
        box("ipco"),
        box("ispe") + struct.pack(">3I", 0, width, height),
        box("pixi") + struct.pack(">I2B", 0, 1, 8),
        box("av1C") + bytes([0x81, 0x1F, 0x1C, 0]),
        box("ipma") + struct.pack(">2IH4B", 0, 1, 1, 3, 1, 2, 0x83),
        struct.pack(">I4s", 8 + len(picture), b"mdat"),
        picture,
    ]
    return b"".join(parts)


def box(name: str) -> bytes:
    return struct.pack(">I4s", LENGTHS[name], name.encode())


def leb128(value: int) -> bytes:
    """Seven bits in a byte, the lowest first; all but the last have their highest bit set."""
    parts = []
    while True:
        value, part = value >> 7, value & 127
        parts.append(part | (128 if value else 0))
        if not value:
            return bytes(parts)
