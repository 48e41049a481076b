"""Limits: upper bounds of what a reader believes (spec/ddz.md, section 8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["DEFAULT_LIMITS", "Limits"]


@dataclass(frozen=True)
class Limits:
    """Upper bounds checked before anything is allocated; raise one by passing another value.

    Args:
        header: header length in bytes.
        nodes: maps and lists in the header; bounds the memory a hostile header can claim.
        depth: nesting of maps and lists in the header, the header map itself being 1.
        sections: number of sections.
        section_raw: bytes of one section, as stored and once decompressed.
        total_raw: bytes of all sections once decompressed.
        window: zstd window in bytes.

    >>> ddcodec.open("shapes.ddz", limits=ddcodec.Limits(sections=1))
    Traceback (most recent call last):
        ...
    ddcodec.errors.LimitExceededError: the file has ... sections, more than the limit of 1; ...
    """

    header: int = 4 << 20
    nodes: int = 1 << 16
    depth: int = 8
    sections: int = 1 << 16
    section_raw: int = 256 << 20
    total_raw: int = 64 << 30
    window: int = 8 << 20


DEFAULT_LIMITS: Final = Limits()
