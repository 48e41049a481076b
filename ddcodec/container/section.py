"""A section: its kind, its codec, its box in the table and its place in the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

__all__ = ["ANCILLARY", "KIND_FLAGS", "SAFE_TO_COPY", "Box", "CodecSpec", "Section"]

ANCILLARY = 1
SAFE_TO_COPY = 2

KIND_FLAGS: Mapping[str, int] = MappingProxyType(
    {
        "draws": 0,
        "label-fields": 0,
        "label-model": 0,
        "labels": 0,
        "latents": 0,
        "patches": 0,
        "pixels": ANCILLARY | SAFE_TO_COPY,
        "prompts": 0,
        "schedule": 0,
        "seeds": 0,
        "teacher": 0,
    }
)
"""Registered kinds and the flags each must have (spec/registry.md)."""


class Box(NamedTuple):
    """The part of the class x slot x view table that a section covers.

    A count of 0 (with a start of 0) says that the section is not divided along that axis.
    """

    class_start: int = 0
    class_count: int = 0
    slot_start: int = 0
    slot_count: int = 0
    view_start: int = 0
    view_count: int = 0


@dataclass(frozen=True)
class CodecSpec:
    """How a section's bytes become an array: a registered codec, its version and parameters."""

    name: str
    version: int
    compression: str
    params: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Section:
    """One row of the index.

    Args:
        index: position in the file, from 0.
        kind: registered name, such as ``labels``.
        flags: ``ANCILLARY | SAFE_TO_COPY`` or 0.
        codec: how to decode the bytes.
        box: the part of the table covered.
        stored_len: bytes in the file.
        raw_len: bytes once decompressed.
        crc: CRC-32 of the stored bytes.
        offset: first byte in the file.
    """

    index: int
    kind: str
    flags: int
    codec: CodecSpec
    box: Box
    stored_len: int
    raw_len: int
    crc: int
    offset: int

    @property
    def critical(self) -> bool:
        """Whether a reader that does not know the kind must refuse the file."""
        return not self.flags & ANCILLARY

    @property
    def safe_to_copy(self) -> bool:
        """Whether a tool that does not know the kind may copy the bytes into another file."""
        return bool(self.flags & SAFE_TO_COPY)

    @property
    def label(self) -> str:
        """The name used in messages, such as ``labels[3]``."""
        return f"{self.kind}[{self.index}]"
