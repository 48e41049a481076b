"""The content digest: a file's identity, whatever its compression (spec/ddz.md, section 7)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ddcodec.container.canonical import pack_canonical
from ddcodec.container.section import Box, CodecSpec

__all__ = ["DigestEntry", "content_digest"]

_DOMAIN = b"ddz/content/1\0"


class DigestEntry(NamedTuple):
    """What one critical section contributes."""

    kind: str
    codec: CodecSpec
    box: Box
    raw_len: int
    raw_sha256: bytes


def content_digest(head: Mapping[str, Any], entries: Iterable[DigestEntry]) -> bytes:
    """SHA-256 over the head and the critical sections in file order, 32 bytes."""
    rows = [
        [
            entry.kind,
            entry.codec.name,
            entry.codec.version,
            entry.codec.params,
            list(entry.box),
            entry.raw_len,
            entry.raw_sha256,
        ]
        for entry in entries
    ]
    return hashlib.sha256(_DOMAIN + pack_canonical([head, rows])).digest()
