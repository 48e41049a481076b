"""Ways to damage a .ddz file: bits flipped, headers and sections edited, sums made true again."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

import msgpack
import zstandard

from tools.conformance.reference.container import (
    DICTIONARY,
    content_digest,
    read_header,
    read_sections,
)
from tools.conformance.reference.refusal import Refused

NUMBERS = [0, 1, 2, 5, 31, 32, 127, 128, 255, 256, 65535, 65536, 2**31, 2**32 - 1, 2**32, 2**63]
ODD: list[Any] = [
    None,
    True,
    -1,
    2**64 - 1,
    "",
    "a",
    "\u00e9",
    b"",
    b"\x00" * 32,
    [],
    {},
    [[]],
    0.5,
]

Mutation = Callable[[random.Random, bytes, Sequence[bytes]], bytes]


def mutated(corpus: Sequence[bytes], seed: int, run: int) -> bytes:
    """The file of a run: one of the corpus after one to three mutations, usually with true sums."""
    rng = random.Random(seed << 40 | run)
    data = rng.choice(corpus)
    for _ in range(rng.choice((1, 1, 2, 3))):
        mutation = rng.choice(MUTATIONS)
        data = mutation(rng, data, corpus)
    # Most runs shall get past the prelude, to where the checks are many.
    return join(data, *split(data)) if rng.random() < 0.7 else data


def flip_bits(rng: random.Random, data: bytes, corpus: Sequence[bytes]) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 8)) if data else 0):
        changed[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def truncate(rng: random.Random, data: bytes, corpus: Sequence[bytes]) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def splice(rng: random.Random, data: bytes, corpus: Sequence[bytes]) -> bytes:
    other = rng.choice(corpus)
    return data[: rng.randrange(len(data) + 1)] + other[rng.randrange(len(other) + 1) :]


def edit_run(rng: random.Random, data: bytes, corpus: Sequence[bytes]) -> bytes:
    """Cut out, repeat or overwrite a run of bytes."""
    start = rng.randrange(len(data) + 1)
    end = min(len(data), start + rng.randrange(40))
    run = rng.choice((b"", data[start:end] * 2, rng.randbytes(end - start)))
    return data[:start] + run + data[end:]


def edit_prelude(rng: random.Random, data: bytes, corpus: Sequence[bytes]) -> bytes:
    offset, form = rng.choice(
        ((8, "<H"), (10, "<H"), (12, "<I"), (16, "<I"), (20, "<I"), (24, "<Q"))
    )
    value = rng.choice((rng.choice(NUMBERS), len(data) + rng.randrange(-3, 4)))
    packed = struct.pack(form, value % (1 << 8 * struct.calcsize(form)))
    return data[:offset] + packed + data[offset + len(packed) :]


def split(data: bytes) -> tuple[bytes, bytes]:
    """Header and payload, as far as the prelude can be believed."""
    header_len = int.from_bytes(data[16:20], "little")
    return data[32 : 32 + header_len], data[32 + header_len :]


def join(data: bytes, header: bytes, payload: bytes) -> bytes:
    """The file with this header and payload, and the lengths and checksum of its prelude true."""
    size = 32 + len(header) + len(payload)
    return data[:16] + struct.pack("<IIQ", len(header), zlib.crc32(header), size) + header + payload


def damage_header(rng: random.Random, data: bytes, corpus: Sequence[bytes]) -> bytes:
    """Damage msgpack bytes, with the header's checksum made true again."""
    header, payload = split(data)
    change = rng.choice((flip_bits, flip_bits, edit_run, truncate))
    return join(data, change(rng, header, corpus), payload)


def edit_header(rng: random.Random, data: bytes, corpus: Sequence[bytes]) -> bytes:
    """Change values within the header and encode it again: reaches the checks of the index."""
    encoded, payload = split(data)
    try:
        header = msgpack.unpackb(encoded)
        for _ in range(rng.choice((1, 1, 2, 4))):
            edit_value(rng, header)
        return join(data, msgpack.packb(header), payload)
    except ValueError:
        return data  # the header was damaged before, beyond decoding or encoding


def deflate_header(rng: random.Random, data: bytes, corpus: Sequence[bytes]) -> bytes:
    """Deflate the header, and damage the stream now and then."""
    header, payload = split(data)
    coder = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zdict=DICTIONARY.read_bytes())
    stored = coder.compress(header) + coder.flush()
    if rng.random() < 0.5:
        stored = rng.choice((flip_bits, edit_run, truncate))(rng, stored, corpus)
    return join(data[:12] + b"\1\0\0\0" + data[16:], stored, payload)


def edit_value(rng: random.Random, node: Any) -> None:
    """Change one thing at a random depth of a tree of lists and maps, in place."""
    while isinstance(node, (dict, list)) and node:
        keys = list(node) if isinstance(node, dict) else range(len(node))
        key = rng.choice(keys)
        if isinstance(node[key], (dict, list)) and rng.random() < 0.85:
            node = node[key]
            continue
        action = rng.randrange(5)
        if action == 0:
            del node[key]
        elif action == 1 and isinstance(node, list):
            node.insert(key, node[key])
        elif action == 2 and type(node[key]) is int:
            node[key] = max(-(2**63), min(2**64 - 1, node[key] + rng.choice((-1, 1, 256))))
        else:
            node[key] = rng.choice(NUMBERS) if rng.random() < 0.6 else rng.choice(ODD)
        return


def damage_sections(rng: random.Random, data: bytes, corpus: Sequence[bytes]) -> bytes:
    """Damage stored bytes, with all checksums and lengths made true again."""
    encoded, payload = split(data)
    try:
        header = msgpack.unpackb(encoded)
        index = header["index"]
        sizes, at, parts = index["stored"], 0, []
        for size in sizes:
            parts.append(payload[at : at + size])
            at += size
        target = rng.randrange(len(parts))
        parts[target] = rng.choice((flip_bits, edit_run, truncate))(rng, parts[target], corpus)
        index["stored"][target] = len(parts[target])
        index["crc"][target] = zlib.crc32(parts[target])
        if index["raw"][target] == sizes[target]:
            index["raw"][target] = len(parts[target])
        return join(data, msgpack.packb(header), b"".join(parts))
    except (ValueError, TypeError, LookupError, OverflowError):
        return data  # the file was damaged before, beyond finding its sections


def move_boxes(rng: random.Random, data: bytes, corpus: Sequence[bytes]) -> bytes:
    """Change numbers of boxes and put the sections in order again: reaches the table's rules."""
    encoded, payload = split(data)
    try:
        header = msgpack.unpackb(encoded)
        index = header["index"]
        for _ in range(rng.choice((1, 1, 2, 3))):
            place = rng.randrange(len(index["box"]))
            near = max(0, index["box"][place] + rng.choice((-1, 1)))
            index["box"][place] = rng.choice((0, 1, 2, near, near))
        payload = put_in_order(index, payload)
        return join(data, msgpack.packb(header), payload)
    except (ValueError, TypeError, LookupError, OverflowError):
        return data  # the file was damaged before, beyond finding its sections


def put_in_order(index: dict[str, Any], payload: bytes) -> bytes:
    """Sort an index's sections as a file must have them; returns their bytes in that order."""
    boxes = [tuple(index["box"][i : i + 6]) for i in range(0, len(index["box"]), 6)]
    kinds = [index["kinds"][kind]["name"] for kind in index["kind"]]
    ends = list(accumulate(index["stored"]))
    parts = [payload[end - size : end] for end, size in zip(ends, index["stored"], strict=True)]

    def place(i: int) -> tuple[Any, ...]:
        box = boxes[i]
        return box[2], box[0], box[4], kinds[i], box[3], box[1], box[5]

    order = sorted(range(len(boxes)), key=place)
    for name in ("codec", "crc", "kind", "raw", "stored"):
        index[name] = [index[name][i] for i in order]
    index["box"] = [number for i in order for number in boxes[i]]
    return b"".join(parts[i] for i in order)


def damage_raw(rng: random.Random, data: bytes, corpus: Sequence[bytes]) -> bytes:
    """Damage what a section decompresses to, and store that: reaches the codecs."""
    try:
        header = read_header(data)
        sections = read_sections(data, header)
        index, payload = header["index"], split(data)[1]
        target = rng.randrange(len(sections))
        change = rng.choice((flip_bits, flip_bits, edit_run, truncate, set_number))
        raw = change(rng, sections[target], corpus) or b"\0"
        codec = index["codecs"][index["codec"][target]]
        stored = (
            zstandard.ZstdCompressor(1).compress(raw) if codec["compression"] == "zstd" else raw
        )
    except (Refused, ValueError, TypeError, LookupError):
        return data  # the file was damaged before
    start = sum(index["stored"][:target])
    payload = payload[:start] + stored + payload[start + index["stored"][target] :]
    index["stored"][target], index["raw"][target] = len(stored), len(raw)
    index["crc"][target] = zlib.crc32(stored)
    plain = data[:12] + bytes(4) + data[16:]
    return join(plain, msgpack.packb(header), payload)


def set_number(rng: random.Random, data: bytes, corpus: Sequence[bytes]) -> bytes:
    """Overwrite one, two, four or eight bytes with a number that is often a bound."""
    width = rng.choice((1, 2, 4, 8))
    if len(data) < width:
        return data
    start = rng.randrange(len(data) - width + 1)
    number = rng.choice(NUMBERS) % (1 << 8 * width)
    return data[:start] + number.to_bytes(width, "little") + data[start + width :]


def edit_head(rng: random.Random, data: bytes, corpus: Sequence[bytes]) -> bytes:
    """Change values of the head, of the provenance or of a codec's parameters."""
    try:
        header = read_header(data)
    except Refused:
        return data
    codecs = header["index"]["codecs"]
    params = rng.choice(codecs)["params"] if codecs else {}
    edit_value(rng, rng.choice((header["head"], header["head"], header["info"], params, params)))
    try:
        return join(data[:12] + bytes(4) + data[16:], msgpack.packb(header), split(data)[1])
    except (ValueError, OverflowError):
        return data


def structured(corpus: Sequence[bytes], seed: int, run: int) -> bytes:
    """The file of a run: one of the corpus, edited where it means something, with true sums."""
    rng = random.Random(seed << 40 | run)
    data = rng.choice(corpus)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        data = rng.choice(STRUCTURED)(rng, data, corpus)
    return with_true_sums(data)


def with_true_sums(data: bytes) -> bytes:
    """The file with all lengths, checksums and its digest made true, as far as it can be read."""
    encoded, payload = split(data)
    try:
        header = msgpack.unpackb(encoded)
        index, at = header["index"], 0
        for number, size in enumerate(index["stored"]):
            index["crc"][number] = zlib.crc32(payload[at : at + size])
            at += size
        mended = join(data, msgpack.packb(header), payload)
    except (ValueError, TypeError, LookupError, OverflowError):
        return join(data, encoded, payload)
    return true_digest(random.Random(0), mended, ())


def true_digest(rng: random.Random, data: bytes, corpus: Sequence[bytes]) -> bytes:
    """Make the content digest true, so that altered content is accepted and read further."""
    try:
        header = read_header(data)
        header["digest"] = content_digest(header, read_sections(data, header))
    except Refused:
        return data
    plain = data[:12] + bytes(4) + data[16:]
    return join(plain, msgpack.packb(header), split(data)[1])


MUTATIONS: Sequence[Mutation] = (
    flip_bits,
    truncate,
    splice,
    edit_run,
    edit_prelude,
    damage_header,
    edit_header,
    deflate_header,
    edit_header,
    deflate_header,
    damage_sections,
    damage_sections,
    move_boxes,
    move_boxes,
    true_digest,
)
STRUCTURED: Sequence[Mutation] = (damage_raw, damage_raw, edit_head, edit_head, move_boxes)
