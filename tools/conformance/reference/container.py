"""A second reader of .ddz files, written from spec/ddz.md alone.

    python -m tools.conformance.reference.container FILE...

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
from pathlib import Path
from typing import Any

import zstandard

from tools.conformance.reference.canonical import Decoder, encode
from tools.conformance.reference.refusal import each_file, refuse, require

MAX_HEADER, MAX_SECTIONS = 4 << 20, 1 << 16
MAX_SECTION, MAX_TOTAL, MAX_WINDOW = 256 << 20, 64 << 30, 8 << 20
U32 = 0xFFFFFFFF
DICTIONARY = Path(__file__).parents[3] / "ddcodec" / "container" / "header_dictionary.bin"
CRITICAL = "draws label-fields label-model labels patches prompts schedule seeds teacher"
KIND_FLAGS = {"pixels": 3} | dict.fromkeys(CRITICAL.split(), 0)


def read_header(data: bytes) -> dict[str, Any]:
    """Steps 1 to 10: prelude, header checksum and canonical msgpack."""
    magic = b"\x89DDZ\r\n\x1a\n"
    if data[:8] != magic:
        refuse("truncated" if magic.startswith(data[:8]) else "bad-magic", "not a .ddz file")
    require(len(data) >= 32, "truncated", "the prelude is not complete")
    major, minor, flags, header_len, crc, file_len = struct.unpack("<HHIIIQ", data[8:32])
    known = major == 1 and minor == 0 and flags in (0, 1)
    require(known, "unsupported-version", f"version {major}.{minor}, flags {flags:#x}")
    require(header_len <= MAX_HEADER, "limit-exceeded", "the header is too large")
    require(32 + header_len <= file_len, "header", "the header does not fit into the file")
    require(len(data) == file_len, "truncated", f"{len(data)} bytes instead of {file_len}")
    encoded = data[32 : 32 + header_len]
    require(zlib.crc32(encoded) == crc, "checksum-mismatch", "the header's CRC-32 differs")
    if flags == 1:
        encoded = inflate(encoded)
    decoder = Decoder(encoded)
    header: dict[str, Any] = decoder.value()
    require(decoder.at == len(encoded), "header", "bytes follow the header's value")
    check_map(header, ["digest", "head", "index", "info"])
    digest = header["digest"]
    require(type(digest) is bytes and len(digest) == 32, "header", "the digest is not 32 bytes")
    require(type(header["head"]) is dict and type(header["info"]) is dict, "header", "no map")
    check_index(header["index"], 32 + header_len, file_len)
    return header


def inflate(stored: bytes) -> bytes:
    """Section 3, "Deflated headers"."""
    decoder = zlib.decompressobj(-15, zdict=DICTIONARY.read_bytes())
    try:
        header = decoder.decompress(stored, MAX_HEADER + 1)
    except zlib.error as error:
        refuse("header", str(error))
    require(len(header) <= MAX_HEADER, "limit-exceeded", "the header is too large")
    whole = decoder.eof and not decoder.unused_data
    require(whole, "header", "the header is not exactly one DEFLATE stream")
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
    """Section 6: one frame of RFC 8878, whose headers are read here."""
    require(stored[:4] == b"\x28\xb5\x2f\xfd" and len(stored) > 5, "payload", "no zstd frame")
    descriptor, at = stored[4], 5
    require(descriptor % 8 in (0, 4) and descriptor & 8 == 0, "payload", "dictionary, reserved bit")
    window = 0
    if not descriptor & 32:
        exponent, mantissa = divmod(stored[5], 8)
        window = 2 ** (10 + exponent) * (8 + mantissa) // 8
        at += 1
    width = [descriptor >> 5 & 1, 2, 4, 8][descriptor >> 6]
    size = int.from_bytes(stored[at : at + width], "little") + (256 if width == 2 else 0)
    require(width > 0 and size == raw_len, "payload", "the frame's size is not the index's")
    window = window or size
    require(window <= MAX_WINDOW, "limit-exceeded", "the frame's window")
    at += width
    last = 0
    while not last:
        require(at + 3 <= len(stored), "payload", "no last block")
        header = int.from_bytes(stored[at : at + 3], "little")
        last, kind, size = header % 2, header // 2 % 4, header // 8
        require(kind < 3 and size <= min(window, 1 << 17), "payload", "a block")
        at += 3 + (1 if kind == 1 else size)
    require(at + (descriptor & 4) == len(stored), "payload", "not exactly one whole frame")
    try:
        decoder = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW).decompressobj()
        raw = decoder.decompress(stored)
    except zstandard.ZstdError as error:
        refuse("payload", str(error))
    require(decoder.eof and len(raw) == raw_len, "payload", "another number of bytes")
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


def shown(data: bytes) -> str:
    """The header of a file as JSON."""
    return json.dumps(read(data)[0], indent=1, ensure_ascii=False, default=bytes.hex)


if __name__ == "__main__":
    sys.exit(each_file(sys.argv[1:], __doc__, shown))
