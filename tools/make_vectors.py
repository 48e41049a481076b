"""Make the container's test vectors in spec/vectors: small files to accept and to refuse.

    python tools/make_vectors.py            write them
    python tools/make_vectors.py --check    compare with what is there; exit code 1 if they differ

The bytes are put together by hand (zstd frames too), so they depend on no library's version.
"""

from __future__ import annotations

import hashlib
import json
import struct
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgpack

sys.path.insert(0, str(Path(__file__).parent))

import read_ddz

FOLDER = Path(__file__).resolve().parent.parent / "spec" / "vectors"
MAGIC = b"\x89DDZ\r\n\x1a\n"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
MARK = b"(replaced)"
LABELS = {"compression": "none", "name": "hard-labels", "params": {}, "version": 1}
ZLABELS = {**LABELS, "compression": "zstd"}
SEEDS = {"compression": "none", "name": "seed-list", "params": {}, "version": 1}
PIXELS = {"compression": "none", "name": "pixel-digest", "params": {}, "version": 1}


class Item(NamedTuple):
    """A section of a vector, stored as it is unless ``stored`` says otherwise."""

    kind: str
    codec: dict[str, Any]
    box: tuple[int, int, int, int, int, int]
    raw: bytes
    stored: bytes | None = None
    flags: int = 0

    @property
    def payload(self) -> bytes:
        return self.raw if self.stored is None else self.stored


class Vector(NamedTuple):
    """A file and what a reader must make of it; ``stage`` is when it must be refused."""

    file: str
    expect: str
    stage: str
    what: str
    data: bytes


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
    header["digest"] = read_ddz.content_digest(header, [item.raw for item in items])
    return header


def codec_key(codec: dict[str, Any]) -> tuple[Any, ...]:
    params = read_ddz.encode(codec["params"])
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


def frame(data: bytes, *, declared: int | None = None, dictionary: int | None = None) -> bytes:
    """A zstd frame of one raw block in a single segment (RFC 8878, section 3.1.1)."""
    descriptor = 0xA0 | (0 if dictionary is None else 1)
    size = struct.pack("<I", len(data) if declared is None else declared)
    dictionary_id = b"" if dictionary is None else bytes([dictionary])
    return ZSTD_MAGIC + bytes([descriptor]) + dictionary_id + size + last_block(0, len(data)) + data


def windowed_frame(data: bytes, window_byte: int, size: bytes) -> bytes:
    """The same with a window descriptor; ``size`` is the content size, 4 bytes or none."""
    descriptor = bytes([0x80 if size else 0x00, window_byte])
    return ZSTD_MAGIC + descriptor + size + last_block(0, len(data)) + data


def last_block(block_type: int, size: int) -> bytes:
    return struct.pack("<I", 1 | block_type << 1 | size << 3)[:3]


def zstd_file(stored: bytes, raw: bytes = b"sixteen raw byte") -> bytes:
    return file_of(ONE._replace(codec=ZLABELS, raw=raw, stored=stored))


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


def head_of(synthesis: dict[str, Any], labels: str, **more: Any) -> dict[str, Any]:
    """The head of a table of two classes, one slot and two views (spec/table.md)."""
    recipe = {
        "evaluation": {"mean": [32768] * 3, "protocol": "ddz", "std": [16384] * 3},
        "ipc": 1,
        "labels": {"kind": labels, "temperature": [4, 1]},
        "layout": {"grid": 1, "kind": "single"},
        "size": [4, 4],
        "synthesis": synthesis,
        "view": {"cutmix": 1, "flip": 1, "kind": "pad-crop", "pad": 1, "scale": [1, 1, 1]},
        "views": 2,
    }
    table = {"classes": ["cat", "dog"], "origins": [[0, 2]], **more, "recipe": recipe}
    return {**table, "rows": [[0, 2]]}


def stored_table() -> bytes:
    """A whole artifact: two pictures of 4 x 4 pixels in a PNG mosaic, soft labels."""
    pictures = [bytes(range(start, start + 48)) for start in (0, 100)]
    sizes = {"height": 4, "width": 4}
    domain = b"ddz/pixels/1\0" + struct.pack("<II", 4, 4)
    digests = b"".join(hashlib.sha256(domain + picture).digest()[:4] for picture in pictures)
    soft = {**ZLABELS, "name": "soft-labels", "params": {"classes": 2, "step": 8}}
    logits = bytes(24)  # all zero: both classes alike
    box = (0, 2, 0, 1, 0, 0)
    items = [
        Item("labels", soft, (0, 2, 0, 1, 0, 2), logits, frame(logits)),
        Item("patches", {**LABELS, "name": "mosaic-png", "params": sizes}, box, png(pictures)),
        Item("pixels", PIXELS, box, digests, flags=3),
        Item("seeds", SEEDS, (0, 2, 0, 0, 0, 0), struct.pack("<QQ", 1, 2)),
    ]
    return file_of(*in_order(items), head=head_of({"kind": "stored"}, "soft"))


def generated_table(profile: str, batch: int, weights: bytes | None) -> bytes:
    """A whole artifact but for its prior, which nobody has: prompts, schedule, hard labels."""
    synthesis = {
        "batch": batch,
        "grid": 1,
        "guidance": [1, 1],
        "kind": "text2image",
        "profile": profile,
        "prompt": "a photo of {}",
        "size": [8, 8],
        "vectors": [1, 2],
        "weights": weights,
    }
    pin = {"files": {"model_index.json": bytes(32)}, "revision": None, "source": "nobody"}
    fp16 = {**LABELS, "name": "prompt-fp16"}
    table = struct.pack("<HHf5f", 1, 1, 1.0, 999.0, 1.0, 0.0, 1.0, -0.5)
    items = [
        Item("labels", LABELS, (0, 2, 0, 0, 0, 0), b"\0"),
        Item("prompts", fp16, (0, 2, 0, 0, 0, 0), struct.pack("<4e", 1, -1, 0.5, 2)),
        Item("schedule", {**LABELS, "name": "schedule-table"}, (0,) * 6, table),
        Item("seeds", SEEDS, (0, 2, 0, 0, 0, 0), struct.pack("<QQ", 1, 2)),
    ]
    return file_of(*in_order(items), head=head_of(synthesis, "hard", prior=pin))


def png(pictures: list[bytes]) -> bytes:
    """RGB pictures of 4 x 4 pixels side by side, in a PNG whose zlib stream is not compressed."""
    rows = [b"".join(p[12 * y : 12 * y + 12] for p in pictures) for y in range(4)]
    data = b"".join(b"\0" + row for row in rows)
    lengths = struct.pack("<HH", len(data), len(data) ^ 0xFFFF)
    stream = b"\x78\x01\x01" + lengths + data + struct.pack(">I", zlib.adler32(data))
    header = struct.pack(">IIBBBBB", 4 * len(pictures), 4, 8, 2, 0, 0, 0)
    chunks = b"".join(chunk(*c) for c in ((b"IHDR", header), (b"IDAT", stream), (b"IEND", b"")))
    return b"\x89PNG\r\n\x1a\n" + chunks


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def in_order(items: list[Item]) -> list[Item]:
    return sorted(items, key=lambda i: (i.box[2], i.box[0], i.box[4], i.kind, i.box[3], i.box[1]))


def accepted() -> Iterator[tuple[str, str, bytes]]:
    yield "empty", "no sections, empty head and info", file_of()
    yield "one_section", "one uncompressed section", file_of(ONE)
    yield "zstd", "one zstd section", zstd_file(frame(b"sixteen raw byte"))
    rle = ZSTD_MAGIC + b"\xa0" + struct.pack("<I", 1000) + last_block(1, 1000) + b"\x07"
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
    values = {
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
    yield "table_stored", "a whole artifact: pictures in a PNG mosaic, soft labels", stored_table()
    yield (
        "table_generated",
        "a whole artifact: prompts, schedule, hard labels, an exact profile",
        generated_table("w8a15", 0, bytes(range(32))),
    )
    yield "table_float", "the same in the float profile", generated_table("float", 1, None)
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
    large = index_changed(stored=[(256 << 20) + 1], raw=[(256 << 20) + 1])
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
    yield "flags", version, "a feature flag", file_of(ONE, flags=1)
    brotli = file_of(ONE._replace(codec={**LABELS, "compression": "brotli"}))
    yield "compression", "unknown-codec", "an unknown compression", brotli


def vectors() -> Iterator[Vector]:
    """All vectors, in the order of the manifest."""
    for name, what, data in accepted():
        yield Vector(f"y_{name}.ddz", "ok", "digest", what, data)
    for part in (refused_prelude, refused_msgpack, refused_header):
        for name, code, what, data in part():
            yield Vector(f"n_{name}.ddz", code, "structure", what, data)
    for name, code, stage, what, data in refused_sections():
        yield Vector(f"n_{name}.ddz", code, stage, what, data)
    for name, code, what, data in future():
        yield Vector(f"future_{name}.ddz", code, "structure", what, data)


def files() -> dict[str, bytes]:
    """Every file's name and bytes, the manifest ``vectors.json`` included."""
    made = list(vectors())
    rows = [{key: getattr(v, key) for key in ("file", "expect", "stage", "what")} for v in made]
    lines = ",\n".join("  " + json.dumps(row) for row in rows)
    manifest = f'{{"schema": 1, "vectors": [\n{lines}\n]}}\n'
    return {**{v.file: v.data for v in made}, "vectors.json": manifest.encode()}


def main(arguments: list[str]) -> int:
    expected = files()
    there = {p.name: p.read_bytes() for p in FOLDER.glob("*") if p.is_file()}
    if arguments == ["--check"]:
        names = sorted(expected.keys() | there.keys())
        wrong = [name for name in names if expected.get(name) != there.get(name)]
        print(*(f"differs: {name}" for name in wrong), sep="\n", end="\n" if wrong else "")
        return 1 if wrong else 0
    if arguments:
        print(__doc__, file=sys.stderr)
        return 2
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, data in expected.items():
        (FOLDER / name).write_bytes(data)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
