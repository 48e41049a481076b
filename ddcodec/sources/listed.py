"""Sources whose pictures are listed by class: reading, sizes, duplicates and the fingerprint."""

from __future__ import annotations

import hashlib
import os
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

from ddcodec.arrays import StepProgress, UInt8s
from ddcodec.errors import SourceError
from ddcodec.sources.duplicates import shared_files
from ddcodec.sources.paths import printable
from ddcodec.sources.picture_file import PictureFile, sha256_of
from ddcodec.sources.pictures import Size, read_picture, upright_size

__all__ = ["ListedSource"]


@dataclass(frozen=True, kw_only=True)
class ListedSource:
    """Pictures of each class, in order; see :class:`ddcodec.sources.source.Source`.

    Attributes:
        classes: their names.
        files: the pictures of each class.
        place: where they are, for people.
        warnings: findings that did not stop the listing.
        origin: what a user wrote to open it; empty where it was made of objects.
    """

    classes: tuple[str, ...]
    files: tuple[tuple[PictureFile, ...], ...]
    place: str
    warnings: tuple[str, ...] = ()
    origin: str = ""

    def __len__(self) -> int:
        return sum(self.counts)

    @cached_property
    def counts(self) -> tuple[int, ...]:
        """Pictures of each class."""
        return tuple(len(files) for files in self.files)

    @property
    def stored_len(self) -> int:
        """Bytes of all pictures as they are kept."""
        return sum(file.stat().st_size for files in self.files for file in files)

    def names(self, class_index: int) -> tuple[str, ...]:
        """The names of a class's pictures within it, in order."""
        return tuple(file.name for file in self.files[class_index])

    def name(self, class_index: int, number: int) -> str:
        """The place of a picture, as messages say it."""
        return printable(self.files[class_index][number])

    def read(self, class_index: int, number: int, size: Size | None) -> tuple[UInt8s, list[str]]:
        """A picture as uint8 [h, w, 3], and the kinds of conversion it needed."""
        return read_picture(self.files[class_index][number], size)

    def native_size(self, *, sample: int = 256, seed: int = 0) -> Size:
        """The (width, height) that most pictures have, from a seeded sample; damaged ones aside.

        Raises:
            SourceError: no size is shared by more than half of the sample; one must be chosen.
        """
        paths = [path for files in self.files for path in files]
        if len(paths) > sample:
            paths = random.Random(seed).sample(paths, sample)
        sizes: Counter[Size] = Counter()
        reason: SourceError | None = None
        for path in paths:
            try:
                sizes[upright_size(path)] += 1
            except SourceError as error:
                reason = reason or error
        if not sizes:
            raise SourceError(
                f"none of {len(paths)} pictures in {self.place} can be read: {reason}"
            )
        (size, count), *_ = sorted(sizes.items(), key=lambda item: (-item[1], item[0]))
        if 2 * count <= sizes.total():
            raise SourceError(
                f"the pictures have {len(sizes)} different sizes (the most common, "
                f"{size[0]}x{size[1]}, is only {100 * count // len(paths)} % of them): "
                "choose one, for example size=64"
            )
        return size

    @cached_property
    def shared_pictures(self) -> tuple[tuple[tuple[int, int], ...], ...]:
        """Byte-identical pictures of different classes, as (class index, number), in order."""
        return shared_files(self.files)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) over class names, names of pictures within their class and their contents.

        An archive of a folder has the fingerprint of the folder. Two threads that ask at once both
        compute the same value; nothing is locked or written.
        """
        return self.compute_fingerprint()

    def compute_fingerprint(self, progress: StepProgress | None = None) -> str:
        """Same as ``fingerprint``, with ``progress(done, total)`` in files."""
        total, done = len(self), 0
        outer = hashlib.sha256(b"ddz/source/1\0")
        for class_index, name in enumerate(self.classes):
            _update_text(outer, b"C", name)
            files = zip(self.names(class_index), self.files[class_index], strict=True)
            for relative, path in files:
                _update_text(outer, b"F", relative)
                outer.update(_sha256(path))
                done += 1
                if progress is not None:
                    progress(done, total)
        value = outer.hexdigest()
        self.__dict__["fingerprint"] = value
        return value

    def with_pictures(self, numbers: Sequence[Sequence[int]]) -> Self:
        """The same classes with some of their pictures.

        Args:
            numbers: for each class those to have, in the order to have them in.
        """
        chosen = zip(self.files, numbers, strict=True)
        return replace(
            self, files=tuple(tuple(files[n] for n in wanted) for files, wanted in chosen)
        )

    def with_classes(self, indices: Sequence[int]) -> Self:
        """Some of the classes, in another order.

        Args:
            indices: of the classes.
        """
        return replace(
            self,
            classes=tuple(self.classes[c] for c in indices),
            files=tuple(self.files[c] for c in indices),
        )


def _update_text(digest: hashlib._Hash, tag: bytes, text: str) -> None:
    data = os.fsencode(text) if any("\ud800" <= c <= "\udfff" for c in text) else text.encode()
    digest.update(tag + len(data).to_bytes(8, "little") + data)


def _sha256(file: PictureFile) -> bytes:
    try:
        return sha256_of(file)
    except OSError as error:
        raise SourceError(
            f"cannot read {printable(file)} ({error.strerror}): check the file"
        ) from error
