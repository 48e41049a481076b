"""Tensors as a source of pictures: normalisation undone, clipped and rounded to 8 bits."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ddcodec.arrays import Float32s, Int64s, UInt8s
from ddcodec.exchange.importing.normalisation import Normalisation, Whitening
from ddcodec.exchange.importing.stack import Stack
from ddcodec.sources.pictures import Size
from ddcodec.synthesis.resample import resize

if TYPE_CHECKING:
    from ddcodec.classifiers.training import Statistics

__all__ = ["StackSource"]


class StackSource:
    """The pictures of a stack, by class; see :class:`ddcodec.sources.source.Source`.

    Args:
        stack: the pictures.
        rows: for each class, the numbers of its pictures.
        classes: their names.
        by: what undoes their normalisation.
        place: where they are, for people.

    Attributes:
        clipped: values outside 0..1, by more than half a level of 8 bits, of ``values``.
        values: how many there are in all.
    """

    def __init__(
        self,
        stack: Stack,
        rows: Sequence[Int64s],
        classes: tuple[str, ...],
        by: Normalisation | Whitening,
        place: str,
    ) -> None:
        self.stack, self._rows, self._by = stack, rows, by
        self.classes, self.place = classes, place
        self.counts = tuple(map(len, rows))
        self.warnings: tuple[str, ...] = ()
        self.shared_pictures: tuple[tuple[tuple[int, int], ...], ...] = ()
        width, height = stack.size
        self._pixels = np.empty((len(self), height, width, 3), np.uint8)
        self._starts = np.cumsum([0, *self.counts])
        self.clipped, self.values = 0, self._pixels.size
        self._fill()

    def _fill(self) -> None:
        """In the order of the classes, a few pictures at a time."""
        chosen = np.concatenate(self._rows)
        for part in self.stack.chunks():
            numbers = chosen[part.start : part.stop]
            if not len(numbers):
                break
            exact = self._by.undo(self.stack.values(numbers)) * np.float32(255)
            self.clipped += int(((exact < -0.5) | (exact > 255.5)).sum())
            pixels = np.rint(np.clip(exact, 0, 255)).astype(np.uint8)
            self._pixels[part.start : part.start + len(numbers)] = pixels.transpose(0, 2, 3, 1)

    def __len__(self) -> int:
        return sum(self.counts)

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) over class names and pixels."""
        digest = hashlib.sha256(b"ddz/stack/1\0" + repr((self.classes, self.counts)).encode())
        digest.update(repr(self._pixels.shape).encode())
        digest.update(self._pixels.data)
        return digest.hexdigest()

    def name(self, class_index: int, number: int) -> str:
        """The number of a picture in its file."""
        return f"picture {self._rows[class_index][number]} of {self.stack.name}"

    def read(self, class_index: int, number: int, size: Size | None) -> tuple[UInt8s, list[str]]:
        """A picture as uint8 [h, w, 3]; nothing has to be converted."""
        image = self._pixels[int(self._starts[class_index]) + number]
        if size is not None and size != self.stack.size:
            image = resize(image[None], size[1], size[0])[0]
        return image, []

    def exact(self, class_index: int, number: int) -> Float32s:
        """A picture before it was rounded, float32 [h, w, 3] within 0..255."""
        row = self._rows[class_index][number : number + 1]
        values = self._by.undo(self.stack.values(row))[0] * np.float32(255)
        exact: Float32s = np.clip(values, 0, 255).transpose(1, 2, 0)
        return exact

    def first(self, ipc: int) -> StackSource:
        """The same of the first pictures of each class."""
        if {*self.counts} == {ipc}:
            return self
        rows = [one[:ipc] for one in self._rows]
        return StackSource(self.stack, rows, self.classes, self._by, self.place)

    @property
    def statistics(self) -> Statistics | None:
        """Those that a student's pictures are to be normalised by, as the source's were."""
        return self._by.statistics

    def native_size(self) -> Size:
        """(width, height), which all pictures have."""
        return self.stack.size
