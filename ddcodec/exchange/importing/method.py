"""Filling an artifact with pictures as they are, and measuring how near the stored ones come."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from ddcodec import codecs
from ddcodec.arrays import Float32s, UInt8s
from ddcodec.codecs.mosaic import Mosaic
from ddcodec.container import NewSection
from ddcodec.exchange.importing.source import StackSource
from ddcodec.methods.base import (
    Content,
    Job,
    Method,
    each_class,
    expected_patch_bytes,
    read_seconds,
)
from ddcodec.methods.patch_mosaics import most_slots, patch_sections
from ddcodec.methods.stages import Stage
from ddcodec.recipe.layout import Layout
from ddcodec.recipe.synthesis import Stored
from ddcodec.sources.pictures import Size
from ddcodec.synthesis.resample import resize

__all__ = ["Imported", "Measured"]

_MEASURED = 2_000  # pictures, about, in mosaics evenly spread


@dataclass
class Measured:
    """How near stored pictures come to those of the source.

    Attributes:
        error: sum of squared differences in levels of 0..255.
        values: of how many values.
    """

    error: float = 0.0
    values: int = 0

    @property
    def psnr(self) -> float | None:
        """Peak signal-to-noise ratio in dB; infinite without loss, None where nothing was seen."""
        if not self.values:
            return None
        mean = self.error / self.values
        return math.inf if mean == 0 else 10 * math.log10(255**2 / mean)


@dataclass(frozen=True)
class Imported(Method):
    """Pictures that others have distilled: all of them, in their order.

    Attributes:
        stored: (width, height) of pictures as they are stored, where they are shown larger.
        info: what the header is to say of where they come from.
        measured: filled when they are stored.
    """

    name: ClassVar[str] = "import"
    summary: ClassVar[str] = "Pictures that others have distilled, as they are."
    stores_pictures: ClassVar[bool] = True

    stored: Size | None = None
    info: Mapping[str, str | int] = field(default_factory=dict)
    measured: Measured = field(default_factory=Measured)

    def check(self, job: Job) -> None:
        super().check(job)
        most_slots(self._size(job), 1, job.patches)

    def fill(self, job: Job) -> Content:
        classes = each_class(job, "images", lambda c: self._pictures(job, c))
        sections = patch_sections(classes, job.ipc, job.patches)
        self._measure(job, sections)
        psnr = self.measured.psnr
        info = dict(self.info)
        if psnr is not None and math.isfinite(psnr):  # a header holds no floating-point number
            info["psnr"] = f"{psnr:.2f}"
        return Content(Stored(), Layout("single", 1), sections, info={"imported": info})

    def estimate(self, job: Job) -> dict[str, int]:
        images = job.ipc * len(job.source.classes)
        return {"patches": round(expected_patch_bytes(job, self._size(job)) * images)}

    def stages(self, job: Job) -> list[Stage]:
        images = job.ipc * len(job.source.classes)
        return [Stage("images", images * read_seconds(job, self._size(job)))]

    def _size(self, job: Job) -> Size:
        return self.stored or job.size

    def _pictures(self, job: Job, class_index: int) -> UInt8s:
        """uint8 [ipc, h, w, 3].

        Raises:
            SourceError: one cannot be read; a set that was distilled misses none.
        """
        found = []
        for number in range(job.ipc):
            image, notes = job.source.read(class_index, number, self._size(job))
            job.report.add(job.source.name(class_index, number), notes)
            found.append(image)
        return np.stack(found)

    def _measure(self, job: Job, sections: Sequence[NewSection]) -> None:
        """The distance of some pictures from what a reader will show of them, before views."""
        every = -(-job.ipc * len(job.source.classes) // _MEASURED)
        width, height = self._size(job)
        for section in sections[::every]:
            codec, box = codecs.get(section.codec), section.box
            assert isinstance(codec, Mosaic)
            shape = box.class_count, box.slot_count, codec.height, codec.width, 3
            shown = codec.decode(section.raw, shape)
            for c in range(box.class_count):
                for s in range(box.slot_count):
                    row = box.class_start + c, box.slot_start + s
                    there = resize(shown[c, s][None], height, width)[0].astype(np.float64)
                    difference = there - self._exact(job, *row)
                    self.measured.error += float((difference**2).sum())
                    self.measured.values += difference.size

    def _exact(self, job: Job, class_index: int, slot: int) -> Float32s:
        source, size = job.source, self._size(job)
        if isinstance(source, StackSource) and source.native_size() == size:
            return source.exact(class_index, slot)
        return source.read(class_index, slot, size)[0].astype(np.float32)
