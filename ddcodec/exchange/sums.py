"""SHA256SUMS of a folder: which of its files are finished, and whether they still are right."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from ddcodec.files import write_whole
from ddcodec.files.handles import ADD

__all__ = ["SUMS", "Sums"]

SUMS = "SHA256SUMS"
"""The file's name, and its form that of ``sha256sum``, which can check the folder by it."""


class Sums:
    """The sums of files in a folder, noted as they are written.

    A file that is merely there may have been emptied by a crash, cut by a copy or put there by
    somebody; one that has the bytes of its sum is what was written.

    Args:
        folder: where the files are; it need not exist.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sums: dict[str, str] = {}
        self._handle: int | None = None
        self._read()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _read(self) -> None:
        try:
            lines = (self._folder / SUMS).read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return
        for line in lines:
            digest, _, name = line.partition("  ")
            self._sums[name] = digest

    def is_finished(self, name: str) -> bool:
        """Whether a file is there with the bytes that were noted."""
        if name not in self._sums:
            return False
        try:
            content = (self._folder / name).read_bytes()
        except OSError:
            return False
        return hashlib.sha256(content).hexdigest() == self._sums[name]

    def write(self, name: str, content: bytes) -> None:
        """Write a file whole, and note its sum."""
        if self._handle is None:
            # Another process at the same work may finish meanwhile and write the sums anew: what is
            # noted here then goes to a file that has gone, and what it has noted is not repeated.
            self._handle = os.open(self._folder / SUMS, ADD, 0o666)
            self._read()
        write_whole(self._folder / name, content)
        digest = hashlib.sha256(content).hexdigest()
        if self._sums.get(name) != digest:
            # One short write to the end: lines of two processes do not mix. One that a crash cuts
            # is no sum of anything, and its file is made again.
            os.write(self._handle, _line(digest, name))
            self._sums[name] = digest

    def finish(self, names: Iterable[str]) -> None:
        """Write the sums of these files anew, whole and in their order."""
        lines = (_line(self._sums[name], name) for name in names)
        write_whole(self._folder / SUMS, b"".join(lines))


def _line(digest: str, name: str) -> bytes:
    return f"{digest}  {name}\n".encode()
