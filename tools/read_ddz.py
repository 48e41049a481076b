"""A second reader of .ddz files, written from spec/ddz.md alone; it imports nothing of ddcodec.

    python tools/read_ddz.py FILE...

For each file: structure, checksums and content digest are verified, and the header is printed as
JSON (bytes as hexadecimal). A refused file ends with exit code 3 (malformed), 4 (integrity) or 5
(unsupported) and its error code on stderr. Needs Python 3.11 and ``zstandard``.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
import sys
import zlib
from typing import Any, NoReturn

import zstandard

MAX_HEADER, MAX_NODES, MAX_DEPTH, MAX_SECTIONS = 4 << 20, 1 << 16, 8, 1 << 16
MAX_SECTION, MAX_TOTAL, MAX_WINDOW = 256 << 20, 64 << 30, 8 << 20
U32 = 0xFFFFFFFF
CRITICAL = "label-fields label-model labels patches prompts schedule seeds teacher"
KIND_FLAGS = {"pixels": 3} | dict.fromkeys(CRITICAL.split(), 0)
EXIT_CODES = {
    "checksum-mismatch": 4,
    "digest-mismatch": 4,
    "unsupported-version": 5,
    "unknown-codec": 5,
}


class Refused(Exception):
    """The file is refused; ``code`` is one of those in section 10 of the specification."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def refuse(code: str, message: str) -> NoReturn:
    raise Refused(code, message)


def require(condition: bool, code: str, message: str) -> None:
    if not condition:
        refuse(code, message)


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


def read_header(data: bytes) -> dict[str, Any]:
    """Steps 1 to 10: prelude, header checksum and canonical msgpack."""
    magic = b"\x89DDZ\r\n\x1a\n"
    if data[:8] != magic:
        refuse("truncated" if magic.startswith(data[:8]) else "bad-magic", "not a .ddz file")
    require(len(data) >= 32, "truncated", "the prelude is not complete")
    major, minor, flags, header_len, crc, file_len = struct.unpack("<HHIIIQ", data[8:32])
    known = major == 1 and minor == 0 and flags == 0
    require(known, "unsupported-version", f"version {major}.{minor}, flags {flags:#x}")
    require(header_len <= MAX_HEADER, "limit-exceeded", "the header is too large")
    require(32 + header_len <= file_len, "header", "the header does not fit into the file")
    require(len(data) == file_len, "truncated", f"{len(data)} bytes instead of {file_len}")
    encoded = data[32 : 32 + header_len]
    require(zlib.crc32(encoded) == crc, "checksum-mismatch", "the header's CRC-32 differs")
    decoder = Decoder(encoded)
    header = decoder.value()
    require(decoder.at == len(encoded), "header", "bytes follow the header's value")
    check_map(header, ["digest", "head", "index", "info"])
    digest = header["digest"]
    require(type(digest) is bytes and len(digest) == 32, "header", "the digest is not 32 bytes")
    require(type(header["head"]) is dict and type(header["info"]) is dict, "header", "no map")
    check_index(header["index"], 32 + header_len, file_len)
    return header


def check_map(value: Any, keys: list[str]) -> None:
    require(type(value) is dict and list(value) == keys, "header", f"not a map of {keys}")


def check_index(index: Any, start: int, file_len: int) -> None:
    """Steps 11 and 12."""
    check_map(index, ["box", "codec", "codecs", "crc", "kind", "kinds", "raw", "stored"])
    for column in index.values():
        require(type(column) is list, "header", "a column is no list")
    n = len(index["kind"])
    require(n <= MAX_SECTIONS, "limit-exceeded", "too many sections")
    for name in ("box", "codec", "crc", "kind", "raw", "stored"):
        require(len(index[name]) == (6 * n if name == "box" else n), "header", f"length of {name}")
        require(all(type(x) is int for x in index[name]), "header", f"type in {name}")
    check_kinds(index["kinds"])
    check_codecs(index["codecs"])
    for name in ("kind", "codec"):
        used = set(index[name])
        require(used == set(range(len(index[name + "s"]))), "header", f"{name} out of range")
    for name, low, high in (("box", 0, U32), ("crc", 0, U32), ("raw", 1, 2**63 - 1)):
        require(all(low <= x <= high for x in index[name]), "header", f"{name} out of range")
    require(all(1 <= x < 2**63 for x in index["stored"]), "header", "stored out of range")
    for name in ("raw", "stored"):
        require(all(x <= MAX_SECTION for x in index[name]), "limit-exceeded", "section too large")
    require(sum(index["raw"]) <= MAX_TOTAL, "limit-exceeded", "sections too large together")
    last: tuple[Any, ...] | None = None
    for i in range(n):
        box = index["box"][6 * i : 6 * i + 6]
        for first, count in zip(box[::2], box[1::2], strict=True):
            require(first + count <= U32 and (count > 0 or first == 0), "header", "bad box")
        if index["codecs"][index["codec"][i]]["compression"] == "none":
            require(index["raw"][i] == index["stored"][i], "header", "raw is not stored")
        name = index["kinds"][index["kind"][i]]["name"].encode()
        key = (box[2], box[0], box[4], name, box[3], box[1], box[5])
        require(last is None or last < key, "header", "sections out of order")
        last = key
    require(start + sum(index["stored"]) == file_len, "header", "sections do not fill the file")


def check_name(value: Any) -> None:
    good = type(value) is str and re.fullmatch("[a-z][a-z0-9-]{0,31}", value)
    require(bool(good), "header", f"{value!r} is no name")


def check_kinds(kinds: list[Any]) -> None:
    for kind in kinds:
        check_map(kind, ["flags", "name"])
        check_name(kind["name"])
        flags = kind["flags"]
        require(type(flags) is int and flags in (0, 1, 3), "header", "flags of a kind")
        require(flags == KIND_FLAGS.get(kind["name"], flags), "header", "flags of a known kind")
    names = [kind["name"] for kind in kinds]
    require(names == sorted(set(names)), "header", "kinds out of order")


def check_codecs(codecs: list[Any]) -> None:
    keys = []
    for codec in codecs:
        check_map(codec, ["compression", "name", "params", "version"])
        check_name(codec["name"])
        check_name(codec["compression"])
        version, params = codec["version"], codec["params"]
        require(type(version) is int and 1 <= version <= 65535, "header", "codec version")
        require(type(params) is dict, "header", "params is no map")
        known = codec["compression"] in ("none", "zstd")
        require(known, "unknown-codec", f"compression {codec['compression']}")
        keys.append((codec["name"], version, codec["compression"], encode(params)))
    require(keys == sorted(set(keys)), "header", "codecs out of order")


def read_sections(data: bytes, header: dict[str, Any]) -> list[bytes]:
    """Steps 13 to 15: the raw bytes of every section."""
    index = header["index"]
    at = len(data) - sum(index["stored"])
    raws = []
    for size, raw_len, crc, codec in zip(
        index["stored"], index["raw"], index["crc"], index["codec"], strict=True
    ):
        stored = data[at : at + size]
        at += size
        require(zlib.crc32(stored) == crc, "checksum-mismatch", "a section's CRC-32 differs")
        if index["codecs"][codec]["compression"] == "zstd":
            stored = decompress(stored, raw_len)
        raws.append(stored)
    return raws


def decompress(stored: bytes, raw_len: int) -> bytes:
    require(stored[:4] == b"\x28\xb5\x2f\xfd", "payload", "no zstd frame")
    try:
        frame = zstandard.get_frame_parameters(stored)
        require(frame.content_size == raw_len, "payload", "the frame's size is not the index's")
        require(frame.dict_id == 0, "payload", "the frame needs a dictionary")
        require(frame.window_size <= MAX_WINDOW, "limit-exceeded", "the frame's window")
        decoder = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW).decompressobj()
        raw = decoder.decompress(stored)
    except zstandard.ZstdError as error:
        refuse("payload", str(error))
    complete = decoder.eof and not decoder.unused_data and len(raw) == raw_len
    require(complete, "payload", "not exactly one whole frame")
    return raw


def content_digest(header: dict[str, Any], raws: list[bytes]) -> bytes:
    """Section 7."""
    index = header["index"]
    rows = []
    for i, raw in enumerate(raws):
        kind, codec = index["kinds"][index["kind"][i]], index["codecs"][index["codec"][i]]
        if kind["flags"] & 1:
            continue
        described = [kind["name"], codec["name"], codec["version"], codec["params"]]
        box = index["box"][6 * i : 6 * i + 6]
        rows.append([*described, box, len(raw), hashlib.sha256(raw).digest()])
    return hashlib.sha256(b"ddz/content/1\0" + encode([header["head"], rows])).digest()


def read(data: bytes) -> tuple[dict[str, Any], list[bytes]]:
    """The header and the raw bytes of every section of a file, all checks of section 10 made."""
    header = read_header(data)
    raws = read_sections(data, header)
    same = content_digest(header, raws) == header["digest"]
    require(same, "digest-mismatch", "the content digest differs")
    return header, raws


def main(paths: list[str]) -> int:
    if not paths:
        print(__doc__, file=sys.stderr)
        return 2
    worst = 0
    for path in paths:
        try:
            with open(path, "rb") as file:
                header, _ = read(file.read())
            print(json.dumps(header, indent=1, ensure_ascii=False, default=bytes.hex))
        except Refused as error:
            print(f"{path}: {error.code}: {error}", file=sys.stderr)
            worst = max(worst, EXIT_CODES.get(error.code, 3))
        except OSError as error:
            print(f"{path}: {error.strerror}", file=sys.stderr)
            worst = max(worst, 1)
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
