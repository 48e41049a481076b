"""The first 32 bytes of a .ddz file (spec/ddz.md, section 2)."""

from __future__ import annotations

import struct
from typing import NamedTuple

from ddcodec.container.limits import Limits
from ddcodec.errors import (
    BadMagicError,
    HeaderError,
    LimitExceededError,
    TruncatedError,
    UnsupportedVersionError,
)

__all__ = [
    "DEFLATED",
    "MAGIC",
    "MAJOR",
    "MINOR",
    "PRELUDE_LEN",
    "Prelude",
    "parse_prelude",
    "version_of",
]

MAGIC = b"\x89DDZ\r\n\x1a\n"
MAJOR = 1
MINOR = 0
PRELUDE_LEN = 32
DEFLATED = 1  # feature flag: the header is deflated
_LAYOUT = struct.Struct("<8sHHIIIQ")


class Prelude(NamedTuple):
    """The values that vary between files of this version.

    Attributes:
        flags: ``DEFLATED`` or 0.
        header_len: length of the header as stored.
        header_crc: its CRC-32.
        file_len: length of the file.
    """

    flags: int
    header_len: int
    header_crc: int
    file_len: int

    def pack(self) -> bytes:
        """The 32 bytes as they stand in the file."""
        return _LAYOUT.pack(MAGIC, MAJOR, MINOR, *self)


def version_of(data: bytes) -> tuple[int, int]:
    """(major, minor) of the format that a prelude says the file is of."""
    major, minor = _LAYOUT.unpack(data[:PRELUDE_LEN])[1:3]
    return major, minor


def parse_prelude(data: bytes, size: int, limits: Limits) -> Prelude:
    """Check a prelude against the real size of the file, in the order the spec gives.

    Args:
        data: the first bytes of the file, up to 32.
        size: the file's real size in bytes.
        limits: the reader's limits; ``header`` applies here.

    Raises:
        BadMagicError: the file does not begin as a .ddz file does.
        TruncatedError: fewer than 32 bytes, or another size than the prelude says.
        UnsupportedVersionError: a newer version, or feature flags this reader does not know.
        LimitExceededError: the header is larger than ``limits.header``.
        HeaderError: the header does not fit into the file.
    """
    _check_magic(data)
    if len(data) < PRELUDE_LEN:
        raise TruncatedError(
            f"the file has {len(data)} bytes, but its prelude alone takes {PRELUDE_LEN};"
            " fetch or write it again",
            offset=len(data),
        )
    _, major, minor, flags, header_len, header_crc, file_len = _LAYOUT.unpack(data[:PRELUDE_LEN])
    if major != MAJOR or minor > MINOR or flags & ~DEFLATED:
        raise UnsupportedVersionError(
            f"the file needs a reader of .ddz {major}.{minor} (feature flags {flags:#x}), and this"
            f" one reads up to {MAJOR}.{MINOR} with flags {DEFLATED:#x}; upgrade ddcodec",
            offset=8,
        )
    if header_len > limits.header:
        raise LimitExceededError(
            f"the header takes {header_len} bytes, more than the limit of {limits.header};"
            " if you trust the file, pass Limits(header=...)",
            offset=16,
        )
    if PRELUDE_LEN + header_len > file_len:
        raise HeaderError(
            f"a header of {header_len} bytes does not fit into a file of {file_len};"
            " the prelude is damaged",
            offset=24,
        )
    if size != file_len:
        what = "ends too early" if size < file_len else "has bytes after its end"
        raise TruncatedError(
            f"the file {what}: it has {size} bytes and says {file_len}; fetch or write it again",
            offset=min(size, file_len),
        )
    return Prelude(flags, header_len, header_crc, file_len)


def _check_magic(data: bytes) -> None:
    head = data[: len(MAGIC)]
    if head == MAGIC:
        return
    if MAGIC.startswith(head):
        raise TruncatedError(
            f"the file has only {len(head)} bytes; fetch or write it again", offset=len(head)
        )
    if b"DDZ" in head[:4]:
        raise BadMagicError(
            "the file was a .ddz once, but a transfer in text mode or a 7-bit channel changed its"
            " first bytes; fetch it again in binary mode",
            offset=0,
        )
    raise BadMagicError("this is not a .ddz file; check the path", offset=0)
