"""A grey AV1 still picture as its bare frame, and as the AVIF file that libraries open.

Source: spec/codecs.md, "AV1 pictures". An AVIF file of one flat colour takes 300 bytes, of which 30
are the picture. The rest follows from its size, so it is left out, and written again on decoding:
the sequence header of AV1 (Bitstream & Decoding Process Specification, section 5.5) and the boxes
of AVIF (version 1.1, on ISO/IEC 23008-12). So a payload cannot say another size, depth or number of
frames than its box, and has no film grain.
"""

from __future__ import annotations

from collections.abc import Iterator

from ddcodec.errors import EncodeError, PayloadError

__all__ = ["bare_picture", "whole_file"]

_DELIMITER, _SEQUENCE, _FRAME = 2, 1, 6  # types of OBUs
# What a sequence may switch on for its frames; all else is fixed.
_TOOLS = 5
_MAX_LEVEL = 31  # "maximum parameters": no promise about the size
_GREY = 4  # the bit of mono_chrome in an av1C box


def whole_file(raw: bytes, width: int, height: int) -> bytes:
    """The AVIF file of a bare picture.

    Args:
        raw: a byte of tools, then the data of the frame's OBU.
        width, height: of the picture in pixels, 1..65536.

    Raises:
        PayloadError: there is no frame, or a tool is unknown.
    """
    if len(raw) < 2 or raw[0] >> _TOOLS:
        raise PayloadError("an AV1 picture begins with its tools, 0..31, and has a frame after it")
    sequence = _sequence_header(raw[0], width, height)
    return _boxes(_obu(_SEQUENCE, sequence) + _obu(_FRAME, raw[1:]), width, height)


def bare_picture(file: bytes, width: int, height: int) -> bytes:
    """What :func:`whole_file` takes, of an AVIF file that an encoder wrote.

    Raises:
        EncodeError: the file is of another kind than those that this module writes.
    """
    try:
        found = [(kind, data) for kind, data in _obus(_media_data(file)) if kind != _DELIMITER]
        (first, header), (second, frame) = found
        tools = _tools_of(header, width, height)
    except (ValueError, IndexError) as error:
        raise EncodeError(f"this AVIF encoder writes another kind of file ({error})") from error
    if (first, second) != (_SEQUENCE, _FRAME):
        raise EncodeError(f"this AVIF encoder writes OBUs of the types {first} and {second}")
    return bytes([tools]) + frame


def _sequence_header(tools: int, width: int, height: int) -> bytes:
    use_128x128, filter_intra, intra_edge, cdef, restoration = (
        tools >> bit & 1 for bit in range(_TOOLS)
    )
    return _packed(
        (0, 3),  # profile: main
        (1, 1),  # still picture
        (1, 1),  # reduced header
        (_MAX_LEVEL, 5),
        (15, 4),  # bits of the width and of the height, less 1
        (15, 4),
        (width - 1, 16),
        (height - 1, 16),
        (use_128x128, 1),
        (filter_intra, 1),
        (intra_edge, 1),
        (0, 1),  # super-resolution
        (cdef, 1),
        (restoration, 1),
        (0, 1),  # high bit depth
        (1, 1),  # monochrome
        (0, 1),  # colour description
        (1, 1),  # full range
        (0, 1),  # film grain
        (1, 1),  # trailing bit
    )


def _tools_of(header: bytes, width: int, height: int) -> int:
    """The tools that an encoder's sequence header switches on; ValueError unless it is ours."""
    bits = "".join(f"{byte:08b}" for byte in header)
    at = 0

    def take(count: int) -> int:
        nonlocal at
        at += count
        return int(bits[at - count : at], 2)

    profile, still, reduced, _level = take(3), take(1), take(1), take(5)
    bits_of_width, bits_of_height = take(4) + 1, take(4) + 1
    size = take(bits_of_width) + 1, take(bits_of_height) + 1
    sizes = [take(1) for _ in range(3)]
    superres, cdef, restoration = take(1), take(1), take(1)
    deep, grey = take(1), take(1)
    if take(1):
        take(24)
    full, grain = take(1), take(1)
    if (profile, still, reduced, size) != (0, 1, 1, (width, height)):
        raise ValueError("not a still picture of the main profile and that size")
    if (superres, deep, grey, full, grain) != (0, 0, 1, 1, 0):
        raise ValueError("not 8 bits of grey in full range, as they are")
    return sum(bit << i for i, bit in enumerate((*sizes, cdef, restoration)))


def _packed(*fields: tuple[int, int]) -> bytes:
    """(value, bits) one after the other, from the highest bit on; zeros fill the last byte."""
    text = "".join(f"{value:0{bits}b}" for value, bits in fields)
    text += "0" * (-len(text) % 8)
    return int(text, 2).to_bytes(len(text) // 8, "big")


def _obu(kind: int, data: bytes) -> bytes:
    """An open bitstream unit with its size."""
    length, size = len(data), bytearray()
    while length > 127:
        size.append(length & 127 | 128)
        length >>= 7
    return bytes([kind << 3 | 2, *size, length]) + data


def _obus(stream: bytes) -> Iterator[tuple[int, bytes]]:
    """(type, data) of every open bitstream unit; ValueError or IndexError at odd ones."""
    at = 0
    while at < len(stream):
        if stream[at] & 0b10000111 != 2:
            raise ValueError("an OBU with an extension or without a size")
        kind, length, shift = stream[at] >> 3, 0, 0
        while True:
            at += 1
            length |= (stream[at] & 127) << shift
            shift += 7
            if stream[at] < 128:
                break
        yield kind, stream[at + 1 : at + 1 + length]
        at += 1 + length


def _media_data(file: bytes) -> bytes:
    """The content of the box ``mdat``."""
    at = 0
    while at + 8 <= len(file):
        length = int.from_bytes(file[at : at + 4], "big")
        if file[at + 4 : at + 8] == b"mdat":
            return file[at + 8 : at + length]
        if length < 8:
            break
        at += length
    raise ValueError("no media data")


def _boxes(picture: bytes, width: int, height: int) -> bytes:
    """An AVIF file of one item: ``picture``, the OBUs of a grey AV1 still picture."""
    kind = _box(b"ftyp", b"avif", bytes(4), b"avif", b"mif1", b"miaf")
    size = _box(b"ispe", bytes(4), width.to_bytes(4, "big"), height.to_bytes(4, "big"))
    depth = _box(b"pixi", bytes(4), bytes([1, 8]))
    # Marker and version; profile and level; depth and channels; no delay.
    configuration = _box(b"av1C", bytes([0x81, _MAX_LEVEL, _GREY << 2 | 0b1100, 0]))
    # Item 1 has properties 1 to 3, of which it cannot do without the third.
    associations = _box(b"ipma", bytes(4), bytes([0, 0, 0, 1, 0, 1, 3, 1, 2, 0x83]))
    properties = _box(b"iprp", _box(b"ipco", size, depth, configuration), associations)
    handler = _box(b"hdlr", bytes(8), b"pict", bytes(13))
    primary = _box(b"pitm", bytes(4), b"\0\1")
    item = _box(b"infe", b"\2\0\0\0", b"\0\1\0\0", b"av01", b"\0")
    items = _box(b"iinf", bytes(4), b"\0\1", item)

    def meta(start: int) -> bytes:
        place = start.to_bytes(4, "big") + len(picture).to_bytes(4, "big")
        # Offsets and lengths of 4 bytes; one item, number 1, of one extent in this file.
        extents = b"\x44\0" + bytes([0, 1, 0, 1, 0, 0, 0, 1]) + place
        location = _box(b"iloc", bytes(4), extents)
        return _box(b"meta", bytes(4), handler, primary, location, items, properties)

    start = len(kind) + len(meta(0)) + 8
    return kind + meta(start) + _box(b"mdat", picture)


def _box(kind: bytes, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return (8 + len(content)).to_bytes(4, "big") + kind + content
