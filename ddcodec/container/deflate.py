"""Headers deflated against a dictionary of what headers often hold.

Source: spec/ddz.md, "Deflated headers". A header of ten classes takes
490 bytes in place of 1,780.
"""

from __future__ import annotations

import hashlib
import zlib
from functools import cache
from importlib import resources

from ddcodec.container.limits import Limits
from ddcodec.errors import DecodeError, HeaderError, LimitExceededError

__all__ = ["DICTIONARY_SHA256", "deflate", "inflate"]

DICTIONARY_SHA256 = "08febbda0a453873fa6a813a703af686915c4056674a11e34b44821c40cbec9c"
_FILE = "header_dictionary.bin"
_RAW = -zlib.MAX_WBITS  # RFC 1951 alone: the prelude has the checksum, and says which dictionary
_MEMORY = 9


def deflate(header: bytes) -> bytes:
    """The header as one raw DEFLATE stream.

    >>> from ddcodec.container.deflate import deflate
    >>> len(deflate(bytes(1000))) < 20
    True
    """
    coder = zlib.compressobj(
        zlib.Z_BEST_COMPRESSION, zlib.DEFLATED, _RAW, _MEMORY, zdict=_dictionary()
    )
    return coder.compress(header) + coder.flush()


def inflate(stored: bytes, limits: Limits) -> bytes:
    """Undo ``deflate``; never makes more than ``limits.header`` bytes and one.

    Raises:
        HeaderError: not exactly one DEFLATE stream.
        LimitExceededError: the header is larger than ``limits.header``.
    """
    coder = zlib.decompressobj(_RAW, zdict=_dictionary())
    try:
        header = coder.decompress(stored, limits.header + 1)
    except zlib.error as error:
        raise HeaderError(f"the header does not inflate ({error}); fetch the file again") from error
    if len(header) > limits.header:
        raise LimitExceededError(
            f"the header inflates to more than the limit of {limits.header} bytes;"
            " if you trust the file, pass Limits(header=...)"
        )
    if not coder.eof or coder.unused_data:
        raise HeaderError("the header is not exactly one DEFLATE stream; fetch the file again")
    return header


@cache
def _dictionary() -> bytes:
    try:
        data = resources.files(__package__).joinpath(_FILE).read_bytes()
    except OSError as error:
        raise DecodeError(f"{_FILE} cannot be read ({error}); reinstall ddcodec") from error
    if hashlib.sha256(data).hexdigest() != DICTIONARY_SHA256:
        raise DecodeError(f"{_FILE} is damaged (SHA-256 differs); reinstall ddcodec")
    return data
