"""The .ddz file: prelude, header, sections, checksums, limits (spec/ddz.md). No numpy, no torch."""

from __future__ import annotations

from ddcodec.container.blob import Blob
from ddcodec.container.canonical import pack_canonical, unpack_canonical
from ddcodec.container.limits import DEFAULT_LIMITS, Limits
from ddcodec.container.prelude import PRELUDE_LEN
from ddcodec.container.reader import FileSource, Reader, VerifyLevel
from ddcodec.container.section import ANCILLARY, KIND_FLAGS, SAFE_TO_COPY, Box, CodecSpec, Section
from ddcodec.container.writer import CopiedSection, NewSection, container_length, write_container

__all__ = [
    "ANCILLARY",
    "DEFAULT_LIMITS",
    "KIND_FLAGS",
    "PRELUDE_LEN",
    "SAFE_TO_COPY",
    "Blob",
    "Box",
    "CodecSpec",
    "CopiedSection",
    "FileSource",
    "Limits",
    "NewSection",
    "Reader",
    "Section",
    "VerifyLevel",
    "container_length",
    "pack_canonical",
    "unpack_canonical",
    "write_container",
]
