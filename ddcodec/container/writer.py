"""Writing a .ddz file: sorted, checked by the reader's own rules, and atomic."""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

from ddcodec.container.compression import compress
from ddcodec.container.deflate import deflate, inflate
from ddcodec.container.digest import DigestEntry, content_digest
from ddcodec.container.index import IndexRow, build_header, order_key, parse_header
from ddcodec.container.limits import DEFAULT_LIMITS, Limits
from ddcodec.container.prelude import DEFLATED, PRELUDE_LEN, Prelude, parse_prelude
from ddcodec.container.reader import Reader
from ddcodec.container.section import ANCILLARY, Box, CodecSpec, Section
from ddcodec.errors import DdcodecError, EncodeError, FormatError, RequestError
from ddcodec.files import check_replaceable, remove_leftovers, write_whole

__all__ = ["CopiedSection", "NewSection", "container_length", "write_container"]


@dataclass(frozen=True)
class NewSection:
    """A section to be compressed and written.

    Args:
        kind: registered name; its flags must be the registered ones.
        codec: how a reader decodes ``raw``; its ``compression`` is applied here.
        box: the part of the table covered.
        raw: the bytes, at least one.
        flags: 0 for a critical kind, ``ANCILLARY``, or ``ANCILLARY | SAFE_TO_COPY``.
    """

    kind: str
    codec: CodecSpec
    box: Box
    raw: bytes
    flags: int = 0


@dataclass(frozen=True)
class CopiedSection:
    """A section whose stored bytes are copied verbatim from an open file, into a new box."""

    source: Reader
    section: Section
    box: Box


@dataclass(frozen=True)
class _Planned:
    """A section on its way into the file."""

    row: IndexRow
    sha256: bytes
    payload: Callable[[], bytes]


def write_container(
    path: str | os.PathLike[str],
    *,
    head: Mapping[str, Any],
    sections: Sequence[NewSection | CopiedSection],
    info: Mapping[str, Any] | None = None,
    overwrite: bool = False,
    limits: Limits = DEFAULT_LIMITS,
) -> bytes:
    """Write a whole file, or leave the path as it was.

    The bytes go to a temporary file in the same folder, which is synced and renamed.

    Args:
        path: where the file shall be.
        head: the critical part of the header: canonical values only, no floats.
        sections: in any order; they are written sorted by slot, class, view, kind.
        info: the ancillary part of the header: tool version, provenance.
        overwrite: replace an existing file.
        limits: what readers will allow; a file beyond them is not written.

    Returns:
        The content digest, 32 bytes.

    Raises:
        RequestError: the path exists, or is of something that no file may replace.
        EncodeError: a value cannot be encoded, two sections share kind and box, a reader would
            refuse the file, or the disk refuses it.
        FormatError, IntegrityError: a section to be copied is damaged in its source.
    """
    target = Path(path)
    _check_target(target, overwrite)
    planned = _in_order(sections)
    digest, stored = _header(head, planned, info, limits)
    end = PRELUDE_LEN + len(stored)
    file_len = end + sum(p.row.stored_len for p in planned)
    prelude = Prelude(DEFLATED, len(stored), zlib.crc32(stored), file_len).pack()
    try:
        # What we write, we must be able to read: the reader's checks are the writer's.
        parse_prelude(prelude, file_len, limits)
        parse_header(inflate(stored, limits), end, file_len, limits)
    except FormatError as error:
        raise EncodeError(f"the file would not be readable: {error}") from error
    remove_leftovers(target.parent, target.name)
    parts = chain([prelude, stored], (p.payload() for p in planned))
    try:
        write_whole(target, parts, before=partial(_check_target, target, overwrite))
    except (OSError, ValueError) as error:
        if isinstance(error, DdcodecError):
            raise
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise EncodeError(
            f"cannot write {target}: {reason}; nothing was changed there, so free space or choose"
            " another folder and try again"
        ) from error
    return digest


def container_length(
    *,
    head: Mapping[str, Any],
    sections: Sequence[NewSection | CopiedSection],
    info: Mapping[str, Any] | None = None,
) -> int:
    """The bytes of the file that :func:`write_container` would write.

    Raises:
        EncodeError: a value cannot be encoded, or two sections share kind and box.
    """
    planned = _in_order(sections)
    _, stored = _header(head, planned, info, DEFAULT_LIMITS)
    return PRELUDE_LEN + len(stored) + sum(p.row.stored_len for p in planned)


def _in_order(sections: Sequence[NewSection | CopiedSection]) -> list[_Planned]:
    planned = sorted(map(_plan, sections), key=lambda p: order_key(p.row.kind, p.row.box))
    _check_plan(planned)
    return planned


def _header(
    head: Mapping[str, Any],
    planned: Sequence[_Planned],
    info: Mapping[str, Any] | None,
    limits: Limits,
) -> tuple[bytes, bytes]:
    """The content digest, and the header as it is stored."""
    digest = content_digest(head, _entries(planned))
    rows = [p.row for p in planned]
    return digest, deflate(build_header(digest, head, info or {}, rows, limits))


def _plan(item: NewSection | CopiedSection) -> _Planned:
    if isinstance(item, CopiedSection):
        old = item.section
        raw = item.source.read_raw(old)
        row = IndexRow(
            old.kind, old.flags, old.codec, item.box, old.stored_len, old.raw_len, old.crc
        )
        # Bytes are read again when written, so that merging large files needs little memory.
        payload = partial(item.source.read_stored, old)
        return _Planned(row, hashlib.sha256(raw).digest(), payload)
    if not item.raw:
        raise EncodeError(f"a section of kind '{item.kind}' is empty; leave it out")
    stored = compress(item.raw, item.codec.compression)
    row = IndexRow(
        item.kind,
        item.flags,
        item.codec,
        item.box,
        len(stored),
        len(item.raw),
        zlib.crc32(stored),
    )
    return _Planned(row, hashlib.sha256(item.raw).digest(), lambda: stored)


def _check_plan(planned: Sequence[_Planned]) -> None:
    flags: dict[str, int] = {}
    for p in planned:
        if flags.setdefault(p.row.kind, p.row.flags) != p.row.flags:
            raise EncodeError(f"sections of kind '{p.row.kind}' have different flags; use one set")
    for a, b in pairwise(planned):
        if (a.row.kind, a.row.box) == (b.row.kind, b.row.box):
            raise EncodeError(
                f"two sections of kind '{a.row.kind}' cover the box {list(a.row.box)}"
            )


def _entries(planned: Iterable[_Planned]) -> list[DigestEntry]:
    return [
        DigestEntry(p.row.kind, p.row.codec, p.row.box, p.row.raw_len, p.sha256)
        for p in planned
        if not p.row.flags & ANCILLARY
    ]


def _check_target(target: Path, overwrite: bool) -> None:
    check_replaceable(target)
    if not overwrite and os.path.lexists(target):
        raise RequestError(f"{target} exists already; choose another name, or allow overwriting")
