"""The two ways a section is stored: as it is, or as one zstd frame (spec/ddz.md, section 6)."""

from __future__ import annotations

import zstandard

from ddcodec.container.limits import Limits
from ddcodec.container.zstd_frame import check_frame
from ddcodec.errors import PayloadError, RequestError, UnknownCodecError

__all__ = ["COMPRESSIONS", "compress", "decompress"]

COMPRESSIONS = ("none", "zstd")
_ZSTD_LEVEL = 19


def compress(raw: bytes, compression: str) -> bytes:
    """``raw`` as it is to be stored.

    Raises:
        RequestError: ``compression`` is not one of ``COMPRESSIONS``.
    """
    if compression == "none":
        return raw
    if compression == "zstd":
        # One call per frame: content size known, no checksum (the index has a CRC-32), and at
        # this level a window of at most 8 MiB.
        return zstandard.ZstdCompressor(
            level=_ZSTD_LEVEL, write_checksum=False, write_content_size=True, write_dict_id=False
        ).compress(raw)
    raise RequestError(f"compression {compression!r} does not exist; use 'none' or 'zstd'")


def decompress(stored: bytes, compression: str, raw_len: int, limits: Limits) -> bytes:
    """Undo ``compress``; never allocates more than ``raw_len`` and the window.

    Raises:
        PayloadError: not exactly one zstd frame of exactly ``raw_len`` bytes without dictionary.
        LimitExceededError: the frame asks for a larger window than ``limits.window``.
        UnknownCodecError: ``compression`` is not one of ``COMPRESSIONS``.
    """
    if compression == "none":
        raw = stored
    elif compression == "zstd":
        check_frame(stored, raw_len, limits)
        try:
            raw = zstandard.ZstdDecompressor(max_window_size=limits.window).decompress(
                stored, max_output_size=raw_len, allow_extra_data=False
            )
        except zstandard.ZstdError as error:
            raise PayloadError(f"the zstd frame does not decode ({error})") from error
    else:
        raise UnknownCodecError(f"compression {compression!r} is not known; upgrade ddcodec")
    if len(raw) != raw_len:
        raise PayloadError(f"the section has {len(raw)} bytes, and the index says {raw_len}")
    return raw
