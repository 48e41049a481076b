"""Opening a .ddz file: everything but the payload is checked before the constructor returns."""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Literal, Self, TypeAlias

from ddcodec.container.blob import Blob, FileBlob, MemoryBlob, StreamBlob
from ddcodec.container.compression import decompress
from ddcodec.container.deflate import inflate
from ddcodec.container.digest import DigestEntry, content_digest
from ddcodec.container.index import parse_header
from ddcodec.container.limits import DEFAULT_LIMITS, Limits
from ddcodec.container.prelude import DEFLATED, PRELUDE_LEN, parse_prelude, version_of
from ddcodec.container.remote import RemoteBlob, is_url, without_secrets
from ddcodec.container.section import Section
from ddcodec.errors import (
    ChecksumMismatchError,
    DigestMismatchError,
    FormatError,
    UnknownCodecError,
)

__all__ = ["FileSource", "Reader", "VerifyLevel"]

VerifyLevel = Literal["structure", "crc", "digest"]
FileSource: TypeAlias = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO
"""A path, a URL that fsspec knows, the bytes of a file, or an open binary file that can seek."""

# Bytes in memory while a file is copied.
_COPIED = 4 << 20


class Reader:
    """An open .ddz file; a context manager, picklable, and safe to share between threads.

    Args:
        source: a .ddz file: its path or URL, its bytes, or an open file.
        limits: what to believe at most.

    Attributes:
        path: the file on this machine, or None.
        name: path or URL as messages show it, or that it is in memory.
        head: the critical part of the header, opaque to the container.
        info: the ancillary part, not covered by the digest.
        digest: the content digest the file states, 32 bytes; ``verify`` compares it.
        sections: the index, in file order.
        file_len: length of the file in bytes.
        header_len: length of the header in bytes, as stored.

    Raises:
        FormatError: one of its subclasses says what is malformed.
        ChecksumMismatchError: the header differs from its CRC-32.
        UnsupportedFeatureError: the file needs a newer ddcodec.
        DecodeError: the file cannot be read at all.
    """

    def __init__(self, source: FileSource, *, limits: Limits = DEFAULT_LIMITS) -> None:
        self.path: Path | None = None
        if isinstance(source, bytes | bytearray | memoryview):
            self.name = "a file in memory"
            blob: Blob = MemoryBlob(bytes(source))
        elif isinstance(source, str) and is_url(source):
            self.name = without_secrets(source)
            blob = RemoteBlob(source)
        elif isinstance(source, str | os.PathLike):
            self.path = Path(source)
            self.name = str(self.path)
            blob = FileBlob(self.path)
        else:
            self.name = str(getattr(source, "name", "an open file"))
            blob = StreamBlob(source)
        self._open(blob, limits)

    @classmethod
    def from_bytes(cls, data: bytes, *, limits: Limits = DEFAULT_LIMITS) -> Self:
        """Open a file held in memory."""
        return cls(data, limits=limits)

    def _open(self, blob: Blob, limits: Limits) -> None:
        self._limits = limits
        self._blob = blob
        self._moved = False
        try:
            size = blob.size
            self._prelude = blob.read_at(0, min(size, PRELUDE_LEN))
            prelude = parse_prelude(self._prelude, size, limits)
            data = blob.read_at(PRELUDE_LEN, prelude.header_len)
            if zlib.crc32(data) != prelude.header_crc:
                raise ChecksumMismatchError(
                    "the header differs from its checksum; fetch the file again",
                    offset=PRELUDE_LEN,
                )
            if prelude.flags & DEFLATED:
                data = inflate(data, limits)
            end = PRELUDE_LEN + prelude.header_len
            header = parse_header(data, end, prelude.file_len, limits)
        except BaseException:
            blob.close()
            raise
        self.head = header.head
        self.info = header.info
        self.digest = header.digest
        self.sections = header.sections
        self.file_len = prelude.file_len
        self.header_len = prelude.header_len

    @property
    def version(self) -> tuple[int, int]:
        """(major, minor) of the file's format."""
        return version_of(self._prelude)

    def read_stored(self, section: Section) -> bytes:
        """A section's bytes as they stand in the file, ``section.stored_len`` of them.

        Raises:
            ChecksumMismatchError: they differ from their CRC-32, or the file was replaced.
            TruncatedError: the file became shorter since it was opened.
        """
        if self._moved:
            self._check_same_file()
        stored = self._blob.read_at(section.offset, section.stored_len)
        if zlib.crc32(stored) != section.crc:
            if self.path is None:  # a URL may name another file by now
                self.close()
                self._check_same_file()
            raise ChecksumMismatchError(
                "the stored bytes differ from their checksum; fetch the file again",
                section=section.label,
                offset=section.offset,
            )
        return stored

    def read_raw(self, section: Section) -> bytes:
        """A section's bytes, checked and decompressed, ``section.raw_len`` of them.

        Raises:
            ChecksumMismatchError: as ``read_stored``.
            PayloadError: not the one zstd frame the index describes.
            LimitExceededError: the frame needs a larger window than the limits allow.
        """
        return self._raw(section, self.read_stored(section))

    def _raw(self, section: Section, stored: bytes) -> bytes:
        try:
            return decompress(stored, section.codec.compression, section.raw_len, self._limits)
        except FormatError as error:
            raise type(error)(
                error.message, section=section.label, offset=section.offset
            ) from error.__cause__

    def verify(
        self,
        level: VerifyLevel = "digest",
        progress: Callable[[int], None] | None = None,
        look: Callable[[Section, bytes], None] | None = None,
    ) -> None:
        """Check the file further than opening did.

        Args:
            level: ``structure`` is what opening checked; ``crc`` reads every section;
                ``digest`` decompresses every section and compares the content digest.
            progress: called with the number of stored bytes done since the last call.
            look: called at level ``digest`` with each section and its decompressed bytes.

        Raises:
            IntegrityError: ChecksumMismatchError or DigestMismatchError.
            FormatError: PayloadError, LimitExceededError or TruncatedError, as ``read_raw``.
        """
        if level == "structure":
            return
        entries: list[DigestEntry] = []
        for section in self.sections:
            stored = self.read_stored(section)
            if level == "digest":
                raw = self._raw(section, stored)
                if look is not None:
                    look(section, raw)
                if section.critical:
                    entries.append(digest_entry(section, raw))
            if progress is not None:
                progress(section.stored_len)
        if level == "digest" and content_digest(self.head, entries) != self.digest:
            raise DigestMismatchError(
                "the content differs from the content digest in the header; the file was altered"
                " after it was written, so fetch or encode it again"
            )

    def check_kinds(self, known: Iterable[str]) -> None:
        """Refuse the file if it has a critical section of a kind that is not in ``known``.

        Raises:
            UnknownCodecError: naming the first such section.
        """
        known = frozenset(known)
        for section in self.sections:
            if section.critical and section.kind not in known:
                raise UnknownCodecError(
                    f"sections of kind '{section.kind}' are needed to decode this file, and this"
                    " version does not know them; upgrade ddcodec",
                    section=section.label,
                )

    def copy_to(self, path: Path) -> None:
        """Write the file as it is, byte by byte, to another place.

        Raises:
            OSError: it cannot be written.
            FormatError, DecodeError: the file has changed, or cannot be read.
        """
        with path.open("xb") as target:
            for start in range(0, self.file_len, _COPIED):
                target.write(self._blob.read_at(start, min(_COPIED, self.file_len - start)))

    def close(self) -> None:
        """Close the file; reading from it later opens it again."""
        self._blob.close()
        self._moved = True

    def _check_same_file(self) -> None:
        # Opened anew, in a worker or after close: the path may name another file by now.
        if self._blob.size != self.file_len or self._blob.read_at(0, PRELUDE_LEN) != self._prelude:
            self._blob.close()
            raise ChecksumMismatchError(f"{self.name} was replaced since it was opened; reopen it")
        self._moved = False

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_moved": True}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def digest_entry(section: Section, raw: bytes) -> DigestEntry:
    """A critical section's contribution to the content digest."""
    return DigestEntry(
        section.kind, section.codec, section.box, section.raw_len, hashlib.sha256(raw).digest()
    )
