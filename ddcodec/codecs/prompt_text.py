"""The text that stands for each class in a prompt.

Source: spec/codecs.md, "Prompts".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ddcodec.codecs.base import Codec, check_axes
from ddcodec.errors import EncodeError, PayloadError

__all__ = ["MAX_TEXT_BYTES", "PromptText"]

MAX_TEXT_BYTES = 4096
"""Most bytes of one text in UTF-8: far more than any text encoder reads."""

Texts = tuple[str, ...]


@dataclass(frozen=True)
class PromptText(Codec[Sequence[str], Texts]):
    """One text for each class; an empty one stands for the class's own name.

    Raw: the length of each text in bytes, u16, then all texts in UTF-8.

    >>> PromptText().decode(PromptText().encode(["tench", ""]), (2,))
    ('tench', '')
    """

    name: ClassVar[str] = "prompt-text"
    version: ClassVar[int] = 1
    compression: ClassVar[str] = "zstd"
    sliced_axes: ClassVar[int] = 1

    def encode(self, array: Sequence[str]) -> bytes:
        if not array:
            raise EncodeError("prompt-text needs a text for at least one class")
        coded = [text.encode("utf-8") for text in array]
        for text, data in zip(array, coded, strict=True):
            if len(data) > MAX_TEXT_BYTES or not _plain(text):
                raise EncodeError(
                    f"the prompt text {text[:40]!r} cannot be stored: give at most "
                    f"{MAX_TEXT_BYTES} bytes, on one line and without control characters"
                )
        lengths = np.array([len(data) for data in coded], dtype="<u2")
        return lengths.tobytes() + b"".join(coded)

    def most_raw(self, shape: tuple[int, ...]) -> int:
        return (2 + MAX_TEXT_BYTES) * shape[0]

    def decode(self, raw: bytes, shape: tuple[int, ...]) -> Texts:
        check_axes(self.name, shape, 1, "[classes]")
        start = 2 * shape[0]
        if len(raw) < start:
            raise PayloadError(f"{self.name}: {len(raw)} raw bytes are too few; damaged")
        lengths = np.frombuffer(raw, "<u2", shape[0]).astype(np.int64)
        ends = start + np.cumsum(lengths)
        if lengths.max() > MAX_TEXT_BYTES or ends[-1] != len(raw):
            raise PayloadError(f"{self.name}: the texts do not fit their lengths; damaged")
        parts = zip((ends - lengths).tolist(), ends.tolist(), strict=True)
        try:
            texts = tuple(raw[a:b].decode("utf-8") for a, b in parts)
        except UnicodeDecodeError as error:
            raise PayloadError(f"{self.name}: a text is not UTF-8; damaged") from error
        if not all(map(_plain, texts)):
            raise PayloadError(f"{self.name}: a text has control characters; damaged")
        return texts

    def _cut(self, raw: bytes, slices: tuple[slice, ...], shape: tuple[int, ...]) -> Texts:
        return self.decode(raw, shape)[slices[0]]


def _plain(text: str) -> bool:
    return all(ord(c) >= 0x20 and ord(c) != 0x7F for c in text)
