"""The zstd frame that a section is, header by header, checked before zstd sees it.

Source: spec/ddz.md, section 6; RFC 8878, section 3.1.1. Libraries differ in what they forgive:
frames without a size, blocks beyond the window, bytes after the frame.
"""

from __future__ import annotations

from ddcodec.container.limits import Limits
from ddcodec.errors import LimitExceededError, PayloadError

__all__ = ["check_frame"]

_MAGIC = b"\x28\xb5\x2f\xfd"
_MAX_BLOCK = 128 << 10
_RLE, _RESERVED = 1, 3


def check_frame(stored: bytes, raw_len: int, limits: Limits) -> None:
    """Check that a section is exactly one frame of ``raw_len`` bytes, without a dictionary.

    Raises:
        PayloadError: it is not.
        LimitExceededError: the frame asks for a larger window than ``limits.window``.
    """
    if stored[:4] != _MAGIC:
        raise PayloadError("the section does not begin with a zstd frame")
    descriptor = stored[4] if len(stored) > 4 else 0
    single, checksum = descriptor >> 5 & 1, descriptor >> 2 & 1
    if descriptor & 0b1000:
        raise PayloadError("the zstd frame header has a bit that is reserved")
    if descriptor & 0b11:
        raise PayloadError("the zstd frame asks for a dictionary; none is allowed")
    width = (single, 2, 4, 8)[descriptor >> 6]
    at = 5 + (not single) + width
    if len(stored) < at:
        raise PayloadError("the zstd frame ends within its header")
    size = int.from_bytes(stored[at - width : at], "little") + (256 if width == 2 else 0)
    if not width or size != raw_len:
        said = f"{size} bytes" if width else "no size"
        raise PayloadError(f"the zstd frame declares {said}, and the index says {raw_len}")
    window = size if single else _window(stored[5])
    if window > limits.window:
        raise LimitExceededError(
            f"the zstd frame asks for a window of {window} bytes, more than the limit"
            f" of {limits.window}; if you trust the file, pass Limits(window=...)"
        )
    end = _end_of_blocks(stored, at, min(window, _MAX_BLOCK)) + 4 * checksum
    if end != len(stored):
        raise PayloadError(f"the zstd frame has {end} bytes, and the section {len(stored)}")


def _window(descriptor: int) -> int:
    """Bytes of a window: a power of two from 1 KiB on, and eighths of it."""
    base = 1 << 10 + (descriptor >> 3)
    return base + base // 8 * (descriptor & 7)


def _end_of_blocks(stored: bytes, at: int, most: int) -> int:
    """Where the last block ends; none is longer than ``most``."""
    last = False
    while not last:
        if at + 3 > len(stored):
            raise PayloadError("the zstd frame ends before its last block")
        block = int.from_bytes(stored[at : at + 3], "little")
        last, kind, size = bool(block & 1), block >> 1 & 3, block >> 3
        if kind == _RESERVED or size > most:
            raise PayloadError("the zstd frame has a block of an unknown kind or too many bytes")
        at += 3 + (1 if kind == _RLE else size)
    return at
