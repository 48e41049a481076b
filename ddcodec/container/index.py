"""The header map and its columnar index (spec/ddz.md, sections 3 and 5)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from operator import lt
from typing import Any, NamedTuple

from ddcodec.container.canonical import pack_canonical, unpack_canonical
from ddcodec.container.compression import COMPRESSIONS
from ddcodec.container.limits import Limits
from ddcodec.container.section import ANCILLARY, KIND_FLAGS, SAFE_TO_COPY, Box, CodecSpec, Section
from ddcodec.errors import HeaderError, LimitExceededError, UnknownCodecError, shown

__all__ = ["Header", "IndexRow", "build_header", "order_key", "parse_header"]

_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}", re.ASCII)
_U32 = 0xFFFF_FFFF
_HEADER_KEYS = ("digest", "head", "index", "info")
_INDEX_KEYS = ("box", "codec", "codecs", "crc", "kind", "kinds", "raw", "stored")
_COLUMNS = {"codec": 1, "kind": 1, "stored": 1, "raw": 1, "crc": 1, "box": 6}
_FLAGS = (0, ANCILLARY, ANCILLARY | SAFE_TO_COPY)


class Header(NamedTuple):
    """The header, checked; ``head`` and ``info`` mean nothing to the container."""

    digest: bytes
    head: dict[str, Any]
    info: dict[str, Any]
    sections: tuple[Section, ...]


class IndexRow(NamedTuple):
    """What a writer knows of a section before its place in the file is fixed."""

    kind: str
    flags: int
    codec: CodecSpec
    box: Box
    stored_len: int
    raw_len: int
    crc: int


def order_key(kind: str, box: Box) -> tuple[int | str, ...]:
    """Sections stand in strictly ascending order of this key: IPC-major, each key once."""
    return (
        box.slot_start,
        box.class_start,
        box.view_start,
        kind,
        box.slot_count,
        box.class_count,
        box.view_count,
    )


def build_header(
    digest: bytes,
    head: Mapping[str, Any],
    info: Mapping[str, Any],
    rows: Sequence[IndexRow],
    limits: Limits,
) -> bytes:
    """The header of a file whose sections are ``rows``, already in file order.

    Raises:
        EncodeError: a value that canonical msgpack cannot hold.
    """
    kinds = {row.kind: row.flags for row in rows}
    specs = {_codec_key(row.codec): row.codec for row in rows}
    kind_at = {name: i for i, name in enumerate(sorted(kinds))}
    codec_at = {key: i for i, key in enumerate(sorted(specs))}
    index = {
        "kinds": [{"name": name, "flags": kinds[name]} for name in kind_at],
        "codecs": [_codec_map(specs[key]) for key in codec_at],
        "kind": [kind_at[row.kind] for row in rows],
        "codec": [codec_at[_codec_key(row.codec)] for row in rows],
        "box": [value for row in rows for value in row.box],
        "stored": [row.stored_len for row in rows],
        "raw": [row.raw_len for row in rows],
        "crc": [row.crc for row in rows],
    }
    header = {"digest": digest, "head": head, "index": index, "info": info}
    return pack_canonical(header, limits)


def _codec_key(spec: CodecSpec) -> tuple[str, int, str, bytes]:
    return spec.name, spec.version, spec.compression, pack_canonical(spec.params)


def _codec_map(spec: CodecSpec) -> dict[str, Any]:
    return {
        "name": spec.name,
        "version": spec.version,
        "compression": spec.compression,
        "params": spec.params,
    }


def parse_header(data: bytes, end: int, file_len: int, limits: Limits) -> Header:
    """Check a header in full against the length of the file.

    Args:
        data: the header, inflated.
        end: where the stored header ends and the first section begins.
        file_len: length of the file.
        limits: what to believe at most.

    Raises:
        HeaderError: a field is missing, unknown, of a wrong type or out of range.
        NonCanonicalError: not the canonical encoding.
        LimitExceededError: more or larger sections than ``limits`` allows.
        UnknownCodecError: a compression this reader does not know.
    """
    header = _map(unpack_canonical(data, limits), _HEADER_KEYS, "the header")
    if type(header["digest"]) is not bytes or len(header["digest"]) != 32:
        raise HeaderError("'digest' must be 32 bytes; the header is damaged")
    for name in ("head", "info"):
        if type(header[name]) is not dict:
            raise HeaderError(f"'{name}' must be a map; the header is damaged")
    sections = _parse_index(header["index"], end, file_len, limits)
    return Header(header["digest"], header["head"], header["info"], sections)


def _parse_index(value: Any, start: int, file_len: int, limits: Limits) -> tuple[Section, ...]:
    index = _map(value, _INDEX_KEYS, "the index")
    for name in _INDEX_KEYS:
        if type(index[name]) is not list:
            raise HeaderError(f"index '{name}' must be a list; the header is damaged")
    count = len(index["kind"])
    if count > limits.sections:
        raise LimitExceededError(
            f"the file has {count} sections, more than the limit of {limits.sections};"
            " if you trust the file, pass Limits(sections=...)"
        )
    for name, width in _COLUMNS.items():
        if len(index[name]) != width * count:
            raise HeaderError(
                f"index '{name}' has {len(index[name])} entries, and {count} sections need"
                f" {width * count}; the header is damaged"
            )
    kinds = _parse_kinds(index["kinds"])
    codecs = _parse_codecs(index["codecs"])
    _check_references(index["kind"], len(kinds), "kind")
    _check_references(index["codec"], len(codecs), "codec")
    for name in ("box", "crc"):
        _check_range(index[name], 0, _U32, name)
    _check_sizes(index["stored"], index["raw"], limits)
    offsets = list(accumulate(index["stored"], initial=start))
    if offsets[-1] != file_len:
        raise HeaderError(
            f"the sections end at byte {offsets[-1]}, and the file at {file_len}; the header is"
            " damaged"
        )
    boxes = [Box(*index["box"][i : i + 6]) for i in range(0, 6 * count, 6)]
    sections = tuple(
        Section(i, kinds[kind][0], kinds[kind][1], codecs[codec], box, stored, raw, crc, offset)
        for i, (kind, codec, box, stored, raw, crc, offset) in enumerate(
            zip(
                index["kind"],
                index["codec"],
                boxes,
                index["stored"],
                index["raw"],
                index["crc"],
                offsets[:-1],
                strict=True,
            )
        )
    )
    _check_boxes(sections)
    _check_uncompressed(sections)
    _check_order(sections)
    return sections


def _map(value: Any, keys: Sequence[str], what: str) -> dict[str, Any]:
    if type(value) is not dict:
        raise HeaderError(f"{what} must be a map, not {type(value).__name__}; the file is damaged")
    missing = next((key for key in keys if key not in value), None)
    if missing is not None:
        raise HeaderError(f"{what} lacks the field '{missing}'; the file is damaged")
    if len(value) != len(keys):
        odd = next(key for key in value if key not in keys)
        raise HeaderError(f"{what} has a field {shown(odd)} that nobody knows; the file is damaged")
    return value


def _parse_kinds(entries: list[Any]) -> list[tuple[str, int]]:
    kinds: list[tuple[str, int]] = []
    for entry in entries:
        kind = _map(entry, ("flags", "name"), "a kind")
        name, flags = _name(kind["name"], "kind"), kind["flags"]
        if type(flags) is not int or flags not in _FLAGS:
            raise HeaderError(f"kind '{name}' has flags {shown(flags)}; only {_FLAGS} exist")
        if flags != KIND_FLAGS.get(name, flags):
            # Otherwise a critical kind could hide from the content digest as ancillary.
            raise HeaderError(f"kind '{name}' must have flags {KIND_FLAGS[name]}, not {flags}")
        kinds.append((name, flags))
    if any(a[0] >= b[0] for a, b in pairwise(kinds)):
        raise HeaderError("the index's kinds are not sorted by name, each once")
    return kinds


def _parse_codecs(entries: list[Any]) -> list[CodecSpec]:
    specs: list[CodecSpec] = []
    for entry in entries:
        codec = _map(entry, ("compression", "name", "params", "version"), "a codec")
        name = _name(codec["name"], "codec")
        compression = _name(codec["compression"], "compression")
        version, params = codec["version"], codec["params"]
        if type(version) is not int or not 1 <= version <= 0xFFFF:
            raise HeaderError(f"codec '{name}' has version {shown(version)}, not 1..65535")
        if type(params) is not dict:
            raise HeaderError(f"codec '{name}' has params that are no map; the header is damaged")
        if compression not in COMPRESSIONS:
            raise UnknownCodecError(
                f"codec '{name}' uses compression '{compression}', which this version does not"
                " know; upgrade ddcodec"
            )
        specs.append(CodecSpec(name, version, compression, params))
    keys = [_codec_key(spec) for spec in specs]
    if any(a >= b for a, b in pairwise(keys)):
        raise HeaderError("the index's codecs are not in canonical order, each once")
    return specs


def _name(value: Any, what: str) -> str:
    if type(value) is not str or not _NAME.fullmatch(value):
        raise HeaderError(
            f"{shown(value)} cannot name a {what}; names are a-z, 0-9 and '-', at most 32, from a-z"
        )
    return value


def _check_range(column: list[Any], low: int, high: int, name: str) -> None:
    if not column:
        return
    # Sets and min/max keep a column of 65,536 entries cheap; bool is a type of its own here.
    if set(map(type, column)) != {int}:
        raise HeaderError(f"index '{name}' has an entry that is no integer; the header is damaged")
    if min(column) < low or max(column) > high:
        raise HeaderError(f"index '{name}' has an entry outside {low}..{high}")


def _check_references(column: list[Any], count: int, name: str) -> None:
    _check_range(column, 0, count - 1, name)
    if len(set(column)) != count:
        raise HeaderError(f"the index lists a {name} that no section uses; the header is damaged")


def _check_sizes(stored: list[Any], raw: list[Any], limits: Limits) -> None:
    for name, column in (("stored", stored), ("raw", raw)):
        _check_range(column, 1, 2**63 - 1, name)
        if column and max(column) > limits.section_raw:
            raise LimitExceededError(
                f"a section takes {max(column)} bytes, more than the limit of"
                f" {limits.section_raw}; if you trust the file, pass Limits(section_raw=...)"
            )
    if sum(raw) > limits.total_raw:
        raise LimitExceededError(
            f"the sections take {sum(raw)} bytes, more than the limit of {limits.total_raw};"
            " if you trust the file, pass Limits(total_raw=...)"
        )


def _check_boxes(sections: Sequence[Section]) -> None:
    for section in sections:
        a, m, b, n, c, k = section.box
        divided = (m or not a) and (n or not b) and (k or not c)
        if not divided or a + m > _U32 or b + n > _U32 or c + k > _U32:
            raise HeaderError(
                f"the box {list(section.box)} is not one: an undivided axis is 0, 0, and every"
                f" end is at most {_U32}",
                section=section.label,
            )


def _check_uncompressed(sections: Sequence[Section]) -> None:
    for section in sections:
        if section.stored_len != section.raw_len and section.codec.compression == "none":
            raise HeaderError(
                f"an uncompressed section stores {section.stored_len} bytes and says"
                f" {section.raw_len}; the header is damaged",
                section=section.label,
            )


def _check_order(sections: Sequence[Section]) -> None:
    keys = [order_key(section.kind, section.box) for section in sections]
    if all(map(lt, keys, keys[1:])):
        return
    at = next(i for i, (a, b) in enumerate(pairwise(keys), 1) if a >= b)
    what = "twice the same" if keys[at] == keys[at - 1] else "out of order"
    raise HeaderError(f"two sections are {what}", section=sections[at].label)
