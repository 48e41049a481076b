"""Known answers of mosaics: pictures within the profiles of spec/codecs.md, section 5, and beyond.

Every fault is one that libraries forgive, or some of them. The pixels of PNG come from the second
decoder, those of WebP are written down.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from tools.conformance.reference.arrays import Shape
from tools.conformance.reference.codecs import decode, version_of
from tools.conformance.reference.refusal import Refused
from tools.conformance.vectors import avif, webp
from tools.conformance.vectors.png import END, Chunk, header, png, png_file, stream

Case = tuple[str, bytes]  # what it shows, and the file

# Three patches of 2 x 1 pixels in four cells.
PNG_SHAPE = (3, 1, 2, 3)
CELLS = [bytes([i, 0, 0, i, 0, 1]) for i in range(3)] + [bytes(6)]
ROWS = [CELLS[0] + CELLS[1], CELLS[2] + CELLS[3]]
LINES = b"".join(b"\0" + row for row in ROWS)
SIZE = (4, 2)
DATA: Chunk = ("IDAT", stream(LINES))
# One patch of 2 x 5 pixels, a line of each filter.
FILTERED = b"".join(bytes([i, 9, 50, 200, 255, 1, 130 + i]) for i in range(5))


def mosaics() -> list[dict[str, Any]]:
    """All vectors of the three codecs."""
    return [
        *answers("mosaic-avif", avif.SHAPE, avif_cases()),
        *answers("mosaic-png", PNG_SHAPE, [("three patches", png(*SIZE, ROWS))]),
        *answers("mosaic-png", (1, 5, 2, 3), [("a line of each filter", filtered())]),
        *answers("mosaic-png", PNG_SHAPE, png_cases()),
        *answers("mosaic-png", (5, 1, 2, 3), [("five patches need more cells", png(*SIZE, ROWS))]),
        *answers("mosaic-webp", webp.SHAPE, webp_good(), webp.PIXELS),
        *answers("mosaic-webp", webp.SHAPE, webp_cases()),
        *answers("mosaic-webp", (5, *webp.SHAPE[1:]), [("five patches need more cells", webp.RAW)]),
    ]


def answers(
    codec: str, shape: Shape, cases: Iterator[Case] | list[Case], array: Any = None
) -> Iterator[dict[str, Any]]:
    """Each file with its pixels, or with the code of the error."""
    params = {"height": shape[1], "width": shape[2]}
    base = {"codec": codec, "version": version_of(codec), "params": params}
    for what, raw in cases:
        vector = {**base, "what": what, "shape": [*shape], "raw": raw.hex()}
        try:
            found = decode({"name": codec, **base}, raw, shape)
        except Refused as error:
            yield vector | {"error": error.code}
        else:
            yield vector | {"array": found if array is None else array}


def avif_cases() -> Iterator[Case]:
    """Of a bare AV1 picture: it knows no size, so none can be wrong."""
    yield "three patches", avif.RAW
    yield "cut", avif.RAW[:-30]
    yield "a tool that is unknown", b"\x20" + avif.RAW[1:]
    yield "no frame", avif.RAW[:1]


def filtered() -> bytes:
    return png_file(header(2, 5), ("IDAT", stream(FILTERED)), END)


def changed(raw: bytes, at: int, value: int) -> bytes:
    """The file with another byte at a place, counted from the end if negative."""
    at %= len(raw)
    return raw[:at] + bytes([value]) + raw[at + 1 :]


def png_cases() -> Iterator[Case]:
    """A picture in three chunks, and what is no mosaic."""
    good, pixels = png(*SIZE, ROWS), DATA[1]
    parts: list[Chunk] = [("IDAT", part) for part in (pixels[:5], b"", pixels[5:])]
    yield "its pixels in three chunks", png_file(header(*SIZE), *parts, END)
    yield from png_kinds()
    first = header(*SIZE)
    for name, data in (
        ("tRNS", bytes(6)),
        ("acTL", struct.pack(">2I", 1, 0)),
        ("gAMA", struct.pack(">I", 45455)),
        ("tEXt", b"Title\0a mosaic"),
        ("PLTE", bytes(3)),
    ):
        yield f"a chunk {name}", png_file(first, (name, data), DATA, END)
    yield "a chunk between pixels", png_file(first, parts[0], ("tEXt", b"a\0b"), parts[2], END)
    yield "no pixels", png_file(first, END)
    yield "no header", png_file(DATA, END)
    yield "two headers", png_file(first, first, DATA, END)
    yield "no end", png_file(first, DATA)
    yield "an end that holds something", png_file(first, DATA, ("IEND", b"\0"))
    yield "two ends", png_file(first, DATA, END, END)
    yield "a byte after the end", good + b"\0"
    yield "cut", good[:-30]
    yield "another signature", changed(good, 0, 0x88)
    yield "a wrong checksum of the header", changed(good, 32, good[32] ^ 1)
    yield "a wrong checksum of the pixels", changed(good, -13, good[-13] ^ 1)
    yield "a wrong checksum of the end", changed(good, -1, good[-1] ^ 1)
    for what, data in png_streams():
        yield what, png_file(first, ("IDAT", data), END)


def png_kinds() -> Iterator[Case]:
    """Pictures of other kinds, all of which PNG allows, of as many pixels."""
    wide = b"".join(b"\0" + bytes(b for v in row for b in (v, 0)) for row in ROWS)
    for what, first, lines in (
        ("16 bits a colour", header(*SIZE, depth=16), wide),
        ("grey", header(*SIZE, colour=0), bytes(2 * 5)),
        ("grey and alpha", header(*SIZE, colour=4), bytes(2 * 9)),
        ("alpha", header(*SIZE, colour=6), bytes(2 * 17)),
        ("interlaced", header(*SIZE, interlace=1), bytes([0, *bytes(3)] * 3 + [0] * 20)),
        ("another size", header(2, 4), bytes(4 * 7)),
    ):
        yield what, png_file(first, ("IDAT", stream(lines)), END)
    indexed = png_file(
        header(*SIZE, colour=3), ("PLTE", bytes(3)), ("IDAT", stream(bytes(2 * 5))), END
    )
    yield "a palette", indexed


def png_streams() -> Iterator[Case]:
    """Pixels that do not inflate to the lines of the picture, or to more."""
    good = stream(LINES)
    yield "a line too few", stream(LINES[:13])
    yield "a byte too many", stream(LINES + b"\0")
    yield "a filter that is unknown", stream(b"\5" + LINES[1:])
    yield "another checksum of the lines", changed(good, -1, good[-1] ^ 1)
    yield "no checksum of the lines", good[:-4]
    yield "a byte after the stream", good + b"\0"
    yield "a preset dictionary", b"\x78\x20" + bytes(4) + good[2:]
    yield "no zlib stream", LINES


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    """A WebP file of chunks, each filled up to an even length."""
    body = b"WEBP" + b"".join(
        name + struct.pack("<I", len(data)) + data + bytes(len(data) % 2) for name, data in chunks
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def webp_good() -> Iterator[Case]:
    yield "three patches", webp.RAW
    yield "of odd length", riff((b"VP8 ", webp.FRAME + b"\0"))


def webp_cases() -> Iterator[Case]:
    """What is no mosaic, though libraries open most of it."""
    frame, raw = (b"VP8 ", webp.FRAME), webp.RAW
    # Flags, three bytes that are reserved, and width and height less 1.
    size = struct.pack("<I", 15)[:3] + struct.pack("<I", 11)[:3]
    extended = {bit: (b"VP8X", bytes([bit, 0, 0, 0]) + size) for bit in (0, 2, 4, 8, 16, 32)}
    still = (b"ANMF", bytes(6) + size + bytes(4) + riff(frame)[12:])
    yield "lossless", riff((b"VP8L", webp.LOSSLESS))
    yield "extended", riff(extended[0], frame)
    yield "alpha", riff(extended[16], (b"ALPH", webp.ALPHA), frame)
    yield "alpha that is promised and missing", riff(extended[16], frame)
    yield "an animation of one frame", riff(extended[2], (b"ANIM", bytes(6)), still)
    yield "a colour profile", riff(extended[32], (b"ICCP", bytes(128)), frame)
    yield "notes of a camera", riff(extended[8], frame, (b"EXIF", b"II*\0" + bytes(8)))
    yield "notes", riff(extended[4], frame, (b"XMP ", b"<x/>"))
    yield "a chunk that is unknown", riff(frame, (b"none", b""))
    yield "a byte after the end", raw + b"\0"
    yield "two bytes after the picture", raw[:4] + b"\x62" + raw[5:] + b"\0\0"
    yield "a byte of padding that is not 0", changed(riff((b"VP8 ", webp.FRAME + b"\0")), -1, 1)
    yield "no byte of padding", raw[:4] + b"\x5f" + raw[5:16] + b"\x53" + raw[17:-1]
    yield "another length of the file", changed(raw, 4, 0x5E)
    yield "another length of the picture", changed(raw, 16, 0x52)
    yield "cut", raw[:-30]
    yield "no frame", riff((b"VP8 ", b""))
    yield "no key frame", changed(raw, 20, raw[20] | 1)
    yield "an unknown version", changed(raw, 20, raw[20] | 8)
    yield "a frame that does not show", changed(raw, 20, raw[20] & ~16)
    yield "a first partition beyond the picture", changed(raw, 22, 1)
    yield "another start code", changed(raw, 23, 0)
    yield "another size", changed(raw, 26, 15)
    yield "to be enlarged", changed(raw, 27, 0x40)
    yield "another colour space", changed(raw, 30, 0x80)
    yield "pixels that are not clamped", changed(raw, 30, 0x40)
