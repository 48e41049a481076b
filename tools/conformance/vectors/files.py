"""Files put together by hand, faults included: sections, headers and zstd frames as bytes.

They depend on no library's version. What is called a file *without fault* has true lengths,
checksums and content digest; whether its sections make sense is another question.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgpack

from tools.conformance.reference.canonical import encode
from tools.conformance.reference.container import DICTIONARY, content_digest
from tools.conformance.vectors.deflate import deflated_by_hand

Box = tuple[int, int, int, int, int, int]
MAGIC = b"\x89DDZ\r\n\x1a\n"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
MARK = b"(replaced)"
LABELS = {"compression": "none", "name": "hard-labels", "params": {}, "version": 1}
ZLABELS = {**LABELS, "compression": "zstd"}
SEEDS = {"compression": "none", "name": "seed-list", "params": {}, "version": 1}
PIXELS = {
    "compression": "none",
    "name": "pixel-digest",
    "params": {"length": 4},
    "version": 2,
}


class Item(NamedTuple):
    """A section of a vector, stored as it is unless ``stored`` says otherwise."""

    kind: str
    codec: dict[str, Any]
    box: Box
    raw: bytes
    stored: bytes | None = None
    flags: int = 0

    @property
    def payload(self) -> bytes:
        return self.raw if self.stored is None else self.stored


ONE = Item("labels", LABELS, (0, 2, 0, 1, 0, 0), b"\x01\x00\x00\x01\x00")


def header_of(items: list[Item], head: Any = None, info: Any = None) -> dict[str, Any]:
    """A header without fault; ``items`` are taken in the order given."""
    kinds = {item.kind: item.flags for item in items}
    codecs = {repr(item.codec): item.codec for item in items}
    names, specs = sorted(kinds), sorted(codecs.values(), key=codec_key)
    index = {
        "box": [x for item in items for x in item.box],
        "codec": [specs.index(item.codec) for item in items],
        "codecs": specs,
        "crc": [zlib.crc32(item.payload) for item in items],
        "kind": [names.index(item.kind) for item in items],
        "kinds": [{"flags": kinds[name], "name": name} for name in names],
        "raw": [len(item.raw) for item in items],
        "stored": [len(item.payload) for item in items],
    }
    header = {"digest": b"", "head": head or {}, "index": index, "info": info or {}}
    header["digest"] = content_digest(header, [item.raw for item in items])
    return header


def codec_key(codec: dict[str, Any]) -> tuple[Any, ...]:
    """What codecs are sorted by."""
    params = encode(codec["params"])
    return codec["name"], codec["version"], codec["compression"], params


def assemble(encoded: bytes, payload: bytes = b"", **prelude: Any) -> bytes:
    """A file of an encoded header and payload; ``prelude`` replaces true fields by others."""
    fields = {
        "magic": MAGIC,
        "major": 1,
        "minor": 0,
        "flags": 0,
        "header_len": len(encoded),
        "header_crc": zlib.crc32(encoded),
        "file_len": 32 + len(encoded) + len(payload),
    }
    return struct.pack("<8sHHIIIQ", *{**fields, **prelude}.values()) + encoded + payload


def file_of(*items: Item, head: Any = None, info: Any = None, **prelude: Any) -> bytes:
    """A file without fault, but for what ``prelude`` replaces."""
    encoded = msgpack.packb(header_of(list(items), head, info))
    return assemble(encoded, b"".join(item.payload for item in items), **prelude)


def deflated(*items: Item, head: Any = None, info: Any = None) -> bytes:
    """A file without fault whose header is deflated."""
    stream = deflated_by_hand(
        msgpack.packb(header_of(list(items), head, info)), DICTIONARY.read_bytes()
    )
    return assemble(stream, b"".join(item.payload for item in items), flags=1)


def changed(change: Callable[[dict[str, Any]], Any], *items: Item) -> bytes:
    """A file whose header was changed after it was made, and its checksum corrected."""
    items = items or (ONE,)
    header = header_of(list(items))
    change(header)
    return assemble(msgpack.packb(header), b"".join(item.payload for item in items))


def index_changed(*items: Item, **columns: Any) -> bytes:
    """A file with columns of its index replaced."""
    return changed(lambda header: header["index"].update(columns), *items)


def with_head(encoded_head: bytes) -> bytes:
    """A file whose head is the given bytes, msgpack or not."""
    encoded = msgpack.packb(header_of([], {"x": MARK}))
    return assemble(encoded.replace(msgpack.packb({"x": MARK}), encoded_head))


def frame(
    data: bytes, *, declared: int | None = None, dictionary: int | None = None, bits: int = 0
) -> bytes:
    """A zstd frame of one raw block in a single segment (RFC 8878, section 3.1.1).

    ``bits`` are added to the frame's descriptor.
    """
    descriptor = 0xA0 | bits | (0 if dictionary is None else 1)
    size = struct.pack("<I", len(data) if declared is None else declared)
    dictionary_id = b"" if dictionary is None else bytes([dictionary])
    return ZSTD_MAGIC + bytes([descriptor]) + dictionary_id + size + last_block(0, len(data)) + data


def windowed_frame(data: bytes, window_byte: int, size: bytes) -> bytes:
    """The same with a window descriptor; ``size`` is the content size, 4 bytes or none."""
    descriptor = bytes([0x80 if size else 0x00, window_byte])
    return ZSTD_MAGIC + descriptor + size + last_block(0, len(data)) + data


def last_block(block_type: int, size: int) -> bytes:
    """The header of a frame's last block."""
    return struct.pack("<I", 1 | block_type << 1 | size << 3)[:3]


def zstd_file(stored: bytes, raw: bytes = b"sixteen raw byte") -> bytes:
    """A file of one section whose stored bytes are given, frame or not."""
    return file_of(ONE._replace(codec=ZLABELS, raw=raw, stored=stored))


def in_order(items: Sequence[Item]) -> list[Item]:
    """The order of sections in a file (ddz.md, section 5)."""

    def key(item: Item) -> tuple[Any, ...]:
        box = item.box
        return box[2], box[0], box[4], item.kind.encode(), box[3], box[1], box[5]

    return sorted(items, key=key)
