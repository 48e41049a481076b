"""Canonical msgpack, the encoding of a .ddz file's header (spec/ddz.md, section 4)."""

from __future__ import annotations

import struct
from typing import Any

from tools.conformance.reference.refusal import refuse, require

MAX_NODES, MAX_DEPTH = 1 << 16, 8


class Decoder:
    """Canonical msgpack (section 4): every other encoding is refused where it stands."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at, self.nodes = data, 0, 0

    def take(self, count: int) -> bytes:
        part = self.data[self.at : self.at + count]
        require(len(part) == count, "header", "the header ends within a value")
        self.at += count
        return part

    def number(self, size: int, least: int, signed: bool = False) -> int:
        """A big-endian integer that would not have fitted into the next smaller form."""
        value = int.from_bytes(self.take(size), "big", signed=signed)
        fits = value >= least if signed else value < least
        require(not fits, "non-canonical", f"{value} takes more bytes than it needs")
        return value

    def value(self, depth: int = 1) -> Any:
        tag = self.take(1)[0]
        if tag <= 0x7F:
            return tag
        if tag <= 0x8F:
            return self.map(tag & 15, depth)
        if tag <= 0x9F:
            return self.list(tag & 15, depth)
        if tag <= 0xBF:
            return self.text(tag & 31)
        if tag >= 0xE0:
            return tag - 256
        return self.tagged(tag, depth)

    def tagged(self, tag: int, depth: int) -> Any:
        if tag in (0xC0, 0xC2, 0xC3):
            return {0xC0: None, 0xC2: False, 0xC3: True}[tag]
        if 0xC4 <= tag <= 0xC6:
            return self.take(self.number(*[(1, 0), (2, 1 << 8), (4, 1 << 16)][tag - 0xC4]))
        if 0xCC <= tag <= 0xCF:
            return self.number(*[(1, 128), (2, 1 << 8), (4, 1 << 16), (8, 1 << 32)][tag - 0xCC])
        if 0xD0 <= tag <= 0xD3:
            size, least = [(1, -32), (2, -128), (4, -(1 << 15)), (8, -(1 << 31))][tag - 0xD0]
            return self.number(size, least, signed=True)
        if 0xD9 <= tag <= 0xDB:
            return self.text(self.number(*[(1, 32), (2, 1 << 8), (4, 1 << 16)][tag - 0xD9]))
        if tag in (0xDC, 0xDD):
            return self.list(self.number(*[(2, 16), (4, 1 << 16)][tag - 0xDC]), depth)
        if tag in (0xDE, 0xDF):
            return self.map(self.number(*[(2, 16), (4, 1 << 16)][tag - 0xDE]), depth)
        require(tag != 0xC1, "header", "byte C1 is no msgpack")
        refuse("non-canonical", f"a float or an extension (byte {tag:02X})")

    def text(self, size: int) -> str:
        try:
            return self.take(size).decode("utf-8")
        except UnicodeDecodeError:
            refuse("header", "a string is not UTF-8")

    def enter(self, depth: int) -> None:
        require(depth <= MAX_DEPTH, "limit-exceeded", "nested too deep")
        self.nodes += 1
        require(self.nodes <= MAX_NODES, "limit-exceeded", "too many maps and lists")

    def list(self, count: int, depth: int) -> list[Any]:
        self.enter(depth)
        require(count <= len(self.data) - self.at, "header", "a list is longer than the header")
        return [self.value(depth + 1) for _ in range(count)]

    def map(self, count: int, depth: int) -> dict[str, Any]:
        self.enter(depth)
        require(2 * count <= len(self.data) - self.at, "header", "a map is longer than the header")
        result: dict[str, Any] = {}
        last: bytes | None = None
        for _ in range(count):
            key = self.value(depth + 1)
            require(type(key) is str, "non-canonical", "a key is no string")
            require(key not in result, "non-canonical", f"the key {key!r} occurs twice")
            encoded = key.encode()
            require(last is None or last < encoded, "non-canonical", f"{key!r} is out of order")
            result[key] = self.value(depth + 1)
            last = encoded
        return result


def encode(value: Any) -> bytes:
    """Canonical msgpack of a value; needed to compute the digest and to compare params."""
    if value is None or value is True or value is False:
        return {None: b"\xc0", False: b"\xc2", True: b"\xc3"}[value]
    if type(value) is int:
        return encode_int(value)
    if type(value) is str:
        data = value.encode()
        return encode_length(len(data), 0xA0, 31, b"\xd9\xda\xdb") + data
    if type(value) is bytes:
        return encode_length(len(value), 0, -1, b"\xc4\xc5\xc6") + value
    if type(value) is list:
        return encode_length(len(value), 0x90, 15, b"\0\xdc\xdd") + b"".join(map(encode, value))
    parts = [encode(key) + encode(value[key]) for key in sorted(value)]
    return encode_length(len(value), 0x80, 15, b"\0\xde\xdf") + b"".join(parts)


def encode_int(value: int) -> bytes:
    if -32 <= value <= 127:
        return struct.pack("b" if value < 0 else "B", value)
    if value > 0:
        forms = [(0xCC, ">BB", 1 << 8), (0xCD, ">BH", 1 << 16), (0xCE, ">BI", 1 << 32)]
        for tag, form, end in forms:
            if value < end:
                return struct.pack(form, tag, value)
        return struct.pack(">BQ", 0xCF, value)
    for tag, form, low in [
        (0xD0, ">Bb", -128),
        (0xD1, ">Bh", -(1 << 15)),
        (0xD2, ">Bi", -(1 << 31)),
    ]:
        if value >= low:
            return struct.pack(form, tag, value)
    return struct.pack(">Bq", 0xD3, value)


def encode_length(size: int, fix: int, fix_max: int, tags: bytes) -> bytes:
    if size <= fix_max:
        return bytes([fix | size])
    if size < 1 << 8 and tags[0]:
        return struct.pack(">BB", tags[0], size)
    if size < 1 << 16:
        return struct.pack(">BH", tags[1], size)
    return struct.pack(">BI", tags[2], size)
