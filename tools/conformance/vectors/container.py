"""Make the container's vectors, files in spec/vectors to accept and to refuse, and their manifest.

python -m tools.conformance.vectors.container [--check]
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgpack

from tools.conformance.reference.container import DICTIONARY
from tools.conformance.vectors.artifacts import whole
from tools.conformance.vectors.broken_tables import broken
from tools.conformance.vectors.deflate import deflated_by_hand, zeros_by_hand
from tools.conformance.vectors.files import (
    LABELS,
    ONE,
    PIXELS,
    SEEDS,
    ZLABELS,
    ZSTD_MAGIC,
    Item,
    assemble,
    changed,
    deflated,
    file_of,
    frame,
    header_of,
    in_order,
    index_changed,
    last_block,
    windowed_frame,
    with_head,
    zstd_file,
)
from tools.conformance.vectors.maker import VECTORS, Maker, as_map

ABOUT = [
    "Files to accept and to refuse, made by tools/conformance/vectors/container.py.",
    "expect: ok, or the code of the error. stage: where it is found. structure: when the file is "
    "opened (prelude, header, index). crc: when the sections' checksums are compared. digest: when "
    "the sections are decompressed and the content digest is compared; files to accept pass this. "
    "table: when a reader of artifacts, not of containers, checks sections against spec/table.md.",
]


# The low half of XXH64, seed 0, of "sixteen raw byte".
CHECKSUM = bytes.fromhex("e115bd52")


class Vector(NamedTuple):
    """A file and what a reader must make of it; ``stage`` is when it must be refused."""

    file: str
    expect: str
    stage: str
    what: str
    data: bytes


def many() -> list[Item]:
    """Sections of four kinds, IPC-major: class ranges within slot ranges."""
    items = [Item("schedule", {**LABELS, "name": "schedule-table"}, (0,) * 6, b"table")]
    items += [Item("seeds", SEEDS, (0,) * 6, b"8 bytes." * 2)]
    for slot in range(2):
        for start in (0, 2):
            box = (start, 2, slot, 1, 0, 3)
            raw = bytes([slot, start] * 4)
            items.append(Item("labels", ZLABELS, box, raw, frame(raw)))
            items.append(Item("pixels", PIXELS, (start, 2, slot, 1, 0, 0), b"pxl" * 2, flags=3))
    return in_order(items)


def accepted() -> Iterator[tuple[str, str, bytes]]:
    yield "empty", "no sections, empty head and info", file_of()
    yield "one_section", "one uncompressed section", file_of(ONE)
    yield "zstd", "one zstd section", zstd_file(frame(b"sixteen raw byte"))
    rle = ZSTD_MAGIC + b"\xa0" + struct.pack("<I", 1000) + last_block(1, 1000) + b"\x07"
    checked = zstd_file(frame(b"sixteen raw byte", bits=4) + CHECKSUM)
    yield "zstd_checksum", "a zstd frame with a checksum", checked
    yield (
        "zstd_rle",
        "a zstd frame 70 times smaller than its content",
        zstd_file(rle, b"\x07" * 1000),
    )
    yield (
        "many_sections",
        "several kinds, codecs and boxes",
        file_of(*many(), info={"tool": "hand"}),
    )
    yield (
        "deflated",
        "a deflated header",
        deflated(*many(), info={"tool": "hand"}),
    )
    values: dict[str, Any] = {
        "": None,
        "big": [2**64 - 1, 2**32, 65536, 256, 128, 127, 0, -1, -32, -33, -129, -32769, -(2**63)],
        "bytes": b"\x00\xff",
        "deep": [[[[[[]]]]]],
        "false": False,
        "true": True,
        "\u00e9": "\u732b \U0001f408",
        "\uffff": "sorts before the next key in UTF-8, not in UTF-16",
        "\U00010000": 0,
    }
    yield "values", "every type and width of header value, nested 8 deep", file_of(head=values)
    yield from whole()
    kind = ONE._replace(kind="x-unknown")
    yield "unknown_kind", "a critical kind nobody knows: may be listed, not decoded", file_of(kind)
    kind = ONE._replace(kind="x-hint", flags=1)
    yield "unknown_ancillary", "an ancillary kind nobody knows: may be skipped", file_of(kind)
    codec = ONE._replace(codec={**LABELS, "version": 9})
    yield "unknown_codec", "a codec version nobody knows: may be listed", file_of(codec)


def refused_prelude() -> Iterator[tuple[str, str, str, bytes]]:
    good = file_of(ONE)
    yield "empty_file", "truncated", "no bytes at all", b""
    yield "magic_cut", "truncated", "the magic's first five bytes", good[:5]
    yield "magic_text_mode", "bad-magic", "CR LF became LF", good.replace(b"\r\n", b"\n", 1)
    yield "magic_seven_bit", "bad-magic", "the high bit was lost", b"\x09" + good[1:]
    yield "magic_pickle", "bad-magic", "a Python pickle", b"\x80\x04\x95" + bytes(40)
    yield "prelude_cut", "truncated", "31 bytes", good[:31]
    yield "payload_cut", "truncated", "the last byte is missing", good[:-1]
    yield "payload_longer", "truncated", "one byte after the end", good + b"\x00"
    huge = file_of(ONE, header_len=0xFFFFFFFF)
    yield "header_len_huge", "limit-exceeded", "a header of 4 GiB", huge
    yield "header_len_over", "header", "the header ends after the file", file_of(header_len=1 << 20)
    yield "header_crc", "checksum-mismatch", "one bit of the header", good[:60] + b"~" + good[61:]


def refused_streams() -> Iterator[tuple[str, str, str, bytes]]:
    """Headers under the flag of deflated ones."""
    bad, dictionary = "header", DICTIONARY.read_bytes()
    encoded = msgpack.packb(header_of([]))
    stream = deflated_by_hand(encoded, dictionary)

    def with_stream(stored: bytes) -> bytes:
        return assemble(stored, flags=1)

    yield "deflate_plain", bad, "a plain header called deflated", with_stream(encoded)
    yield "deflate_cut", bad, "the last byte of the stream is missing", with_stream(stream[:-1])
    yield "deflate_trailing", bad, "a byte after the stream", with_stream(stream + b"\0")
    yield "deflate_reserved", bad, "a block of type 3", with_stream(b"\x07" + stream[1:])
    far = deflated_by_hand(b"abc" * 2, b"abc" + bytes(32000))
    yield "deflate_far", bad, "a distance beyond the dictionary", with_stream(far)
    bomb = zeros_by_hand(1 + (4 << 20) // 258)
    yield (
        "deflate_bomb",
        "limit-exceeded",
        "26 kB that inflate to 4 MiB",
        with_stream(bomb),
    )
    value = deflated_by_hand(encoded + b"\xc0", dictionary)
    yield "deflate_value", bad, "a byte after the header's map", with_stream(value)


def refused_msgpack() -> Iterator[tuple[str, str, str, bytes]]:
    bad = "non-canonical"
    yield "msgpack_cut", "header", "the header ends within a value", with_head(b"\xdc\xff\xff")
    encoded = msgpack.packb(header_of([]))
    yield "msgpack_trailing", "header", "a byte after the header's map", assemble(encoded + b"\xc0")
    yield "msgpack_reserved", "header", "byte C1", with_head(b"\x81\xa1x\xc1")
    yield "msgpack_utf8", "header", "a string that is not UTF-8", with_head(b"\x81\xa1x\xa1\xff")
    yield "float", bad, "a float", with_head(msgpack.packb({"x": 0.5}))
    yield "extension", bad, "an extension type", with_head(b"\x81\xa1x\xd4\x05\x00")
    yield (
        "timestamp",
        bad,
        "msgpack's own extension type",
        with_head(b"\x81\xa1x\xd6\xff" + bytes(4)),
    )
    yield (
        "key_twice",
        bad,
        "the key x twice, once with each value",
        with_head(b"\x82\xa1x\x01\xa1x\x02"),
    )
    yield "keys_unsorted", bad, "y before x", with_head(b"\x82\xa1y\x01\xa1x\x02")
    yield "key_integer", bad, "an integer as a key", with_head(b"\x81\x01\x02")
    yield "long_integer", bad, "1 in two bytes", with_head(b"\x81\xa1x\xcc\x01")
    yield "signed_integer", bad, "200 in a signed form", with_head(b"\x81\xa1x\xd1\x00\xc8")
    yield "long_string", bad, "a str 8 of one byte", with_head(b"\x81\xa1x\xd9\x01a")
    yield "long_map", bad, "a map 16 of one entry", with_head(b"\xde\x00\x01\xa1x\x01")
    deep = b"\x81\xa1x" + b"\x91" * 6 + b"\x90"
    yield "deep", "limit-exceeded", "nested 9 deep", with_head(deep)
    deep = b"\x81\xa1x" + b"\x91" * 1500 + b"\x90"
    yield "very_deep", "limit-exceeded", "nested 1,500 deep", with_head(deep)


def refused_header() -> Iterator[tuple[str, str, str, bytes]]:
    bad = "header"
    yield "not_a_map", bad, "the header is a list", assemble(b"\x90")
    yield "field_missing", bad, "no info", changed(lambda h: h.pop("info"))
    yield "field_unknown", bad, "a field z", changed(lambda h: h.update(z=1))
    yield "digest_short", bad, "a digest of 31 bytes", changed(lambda h: h.update(digest=bytes(31)))
    yield "head_list", bad, "the head is a list", changed(lambda h: h.update(head=[]))
    yield "column_short", bad, "five numbers for a box", index_changed(box=[0, 2, 0, 1, 0])
    yield "column_boolean", bad, "true as a checksum", index_changed(crc=[True])
    yield "kind_range", bad, "kind 1 of 1", index_changed(kind=[1])
    yield "kind_negative", bad, "kind -1", index_changed(kind=[-1])
    kinds = [{"flags": 0, "name": "labels"}, {"flags": 0, "name": "seeds"}]
    yield "kind_unused", bad, "a kind no section uses", index_changed(kinds=kinds)
    yield "codec_unused", bad, "a codec no section uses", index_changed(codecs=[LABELS, SEEDS])
    other = ONE._replace(kind="seeds", codec=SEEDS)
    kinds = kinds[::-1]
    unsorted = index_changed(ONE, other, kinds=kinds, kind=[1, 0])
    yield "kinds_unsorted", bad, "seeds before labels", unsorted
    unsorted = index_changed(ONE, other, codecs=[SEEDS, LABELS], codec=[1, 0])
    yield "codecs_unsorted", bad, "seed-list before hard-labels", unsorted
    kinds = [{"flags": 4, "name": "labels"}]
    yield "flags_unknown", bad, "flag bit 2", index_changed(kinds=kinds)
    hidden = file_of(ONE._replace(flags=1))
    yield "flags_hidden", bad, "labels as ancillary, out of the digest", hidden
    path = file_of(ONE._replace(kind="../labels"))
    yield "name_path", bad, "a path as the name of a kind", path
    version = file_of(ONE._replace(codec={**LABELS, "version": 0}))
    yield "codec_version", bad, "codec version 0", version
    later = ONE._replace(box=(0, 2, 1, 1, 0, 0))
    yield "order", bad, "slot 1 before slot 0", file_of(later, ONE)
    yield "box_twice", bad, "two sections of one kind and box", file_of(ONE, ONE)
    yield (
        "box_start",
        bad,
        "a start on an undivided axis",
        file_of(ONE._replace(box=(1, 0, 0, 0, 0, 0))),
    )
    beyond = (0xFFFFFFFF, 1, 0, 0, 0, 0)
    yield "box_end", bad, "a box that ends at 2^32", file_of(ONE._replace(box=beyond))
    yield "raw_zero", bad, "an empty section", index_changed(raw=[0])
    yield "raw_differs", bad, "5 bytes stored as they are are 6", index_changed(raw=[6])
    yield "stored_short", bad, "sections end before the file", index_changed(stored=[4], raw=[4])
    packed = ONE._replace(codec=ZLABELS, stored=frame(ONE.raw))
    large = index_changed(packed, raw=[(256 << 20) + 1])
    yield "raw_large", "limit-exceeded", "a section of 256 MiB and 1 byte", large


def refused_sections() -> Iterator[tuple[str, str, str, str, bytes]]:
    good = file_of(ONE)
    raw = b"sixteen raw byte"
    damaged = good[:-1] + b"\xff"
    yield "section_crc", "checksum-mismatch", "crc", "one byte of a section", damaged
    bomb = ZSTD_MAGIC + b"\xa0" + struct.pack("<I", 1 << 30) + last_block(1, 1 << 17) + b"\x00"
    yield (
        "zstd_bomb",
        "payload",
        "digest",
        "a frame declares 1 GiB, the index 16 bytes",
        zstd_file(bomb),
    )
    more = frame(raw + b"!", declared=16)
    yield "zstd_more", "payload", "digest", "a block longer than the frame's size", zstd_file(more)
    less = frame(raw[:-1], declared=16)
    yield "zstd_less", "payload", "digest", "a block shorter than the frame's size", zstd_file(less)
    unsized = windowed_frame(raw, 0, b"")
    yield "zstd_unsized", "payload", "digest", "a frame without content size", zstd_file(unsized)
    dictionary = frame(raw, dictionary=7)
    yield (
        "zstd_dictionary",
        "payload",
        "digest",
        "a frame needs a dictionary",
        zstd_file(dictionary),
    )
    window = windowed_frame(raw, 14 << 3, struct.pack("<I", 16))
    yield "zstd_window", "limit-exceeded", "digest", "a window of 16 MiB", zstd_file(window)
    yield (
        "zstd_trailing",
        "payload",
        "digest",
        "a byte after the frame",
        zstd_file(frame(raw) + b"\0"),
    )
    two = frame(raw) + frame(b"more")
    yield "zstd_two_frames", "payload", "digest", "two frames", zstd_file(two)
    skippable = b"\x50\x2a\x4d\x18" + struct.pack("<I", 16) + raw
    yield "zstd_skippable", "payload", "digest", "a skippable frame", zstd_file(skippable)
    checked = frame(raw, bits=4) + CHECKSUM
    wrong = checked[:-1] + bytes([checked[-1] ^ 1])
    yield "zstd_checksum", "payload", "digest", "another checksum of the frame", zstd_file(wrong)
    unchecked = zstd_file(frame(raw, bits=4))
    yield "zstd_no_checksum", "payload", "digest", "a checksum promised and missing", unchecked
    reserved = zstd_file(frame(raw, bits=8))
    yield "zstd_reserved", "payload", "digest", "a reserved bit of the frame", reserved
    block = ZSTD_MAGIC + b"\xa0" + struct.pack("<I", 16) + last_block(3, 16) + raw
    yield "zstd_block", "payload", "digest", "a block of the reserved kind", zstd_file(block)
    long = b"0123456789abcdef" * 80  # more than the smallest window, 1 KiB
    windowed = windowed_frame(long, 0, struct.pack("<I", len(long)))
    yield (
        "zstd_long_block",
        "payload",
        "digest",
        "a block longer than the window",
        zstd_file(windowed, long),
    )
    yield "zstd_cut", "payload", "digest", "the frame is cut short", zstd_file(frame(raw)[:-3])
    yield "zstd_none", "payload", "digest", "raw bytes instead of a frame", zstd_file(raw, raw)
    digest = changed(lambda h: h.update(digest=bytes(32)))
    yield "digest", "digest-mismatch", "digest", "another content digest", digest
    head = changed(lambda h: h.update(head={"classes": 3}))
    yield "digest_head", "digest-mismatch", "digest", "the head was altered", head
    box = index_changed(box=[0, 3, 0, 1, 0, 0])
    yield "digest_box", "digest-mismatch", "digest", "a box was altered", box


def future() -> Iterator[tuple[str, str, str, bytes]]:
    version = "unsupported-version"
    yield "major", version, "version 2.0", file_of(ONE, major=2)
    yield "minor", version, "version 1.1", file_of(ONE, minor=1)
    yield "flags", version, "a feature flag", file_of(ONE, flags=2)
    brotli = file_of(ONE._replace(codec={**LABELS, "compression": "brotli"}))
    yield "compression", "unknown-codec", "an unknown compression", brotli


def vectors() -> Iterator[Vector]:
    """All vectors, in the order of the manifest."""
    for name, what, data in accepted():
        yield Vector(f"y_{name}.ddz", "ok", "digest", what, data)
    for part in (refused_prelude, refused_streams, refused_msgpack, refused_header):
        for name, code, what, data in part():
            yield Vector(f"n_{name}.ddz", code, "structure", what, data)
    for name, code, stage, what, data in refused_sections():
        yield Vector(f"n_{name}.ddz", code, stage, what, data)
    for name, what, data in broken():
        yield Vector(f"n_table_{name}.ddz", "header", "table", what, data)
    for name, code, what, data in future():
        yield Vector(f"future_{name}.ddz", code, "structure", what, data)


def build() -> dict[str, bytes]:
    """Every file's name and bytes, the manifest ``vectors.json`` included."""
    made = list(vectors())
    rows = [{key: getattr(v, key) for key in ("file", "expect", "stage", "what")} for v in made]
    manifest = {"schema": 1, "about": ABOUT, "vectors": rows}
    return {**{v.file: v.data for v in made}, "vectors.json": as_map(manifest)}


MAKER = Maker("the container's vectors", VECTORS, build)


if __name__ == "__main__":
    sys.exit(MAKER.main())
