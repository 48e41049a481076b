"""random: real images chosen by the seed alone. The baseline every other method must beat."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import ClassVar

import numpy as np

from ddcodec.arrays import UInt8s
from ddcodec.methods.base import (
    Content,
    Job,
    Method,
    each_class,
    expected_patch_bytes,
    read_seconds,
    readable_images,
    too_few,
)
from ddcodec.methods.patch_mosaics import most_slots, patch_sections
from ddcodec.methods.stages import Stage
from ddcodec.recipe.layout import Layout
from ddcodec.recipe.synthesis import Stored

__all__ = ["RandomImages"]


@dataclass(frozen=True)
class RandomImages(Method):
    """``ipc`` images of each class, in a seeded order, as one mosaic per class and slot group."""

    name: ClassVar[str] = "random"
    summary: ClassVar[str] = "Randomly chosen images, as mosaics: the baseline of reports."
    stores_pictures: ClassVar[bool] = True

    def check(self, job: Job) -> None:
        super().check(job)
        most_slots(job.size, 1, job.patches)

    def fill(self, job: Job) -> Content:
        images = each_class(job, "images", lambda c: self.pictures(job, c))
        sections = patch_sections(images, job.ipc, job.patches)
        return Content(Stored(), Layout("single", 1), sections)

    def estimate(self, job: Job) -> dict[str, int]:
        images = job.ipc * len(job.source.classes)
        return {"patches": round(expected_patch_bytes(job, job.size) * images)}

    def stages(self, job: Job) -> list[Stage]:
        images = job.ipc * len(job.source.classes)
        return [Stage("images", images * read_seconds(job, job.size))]

    def pictures(self, job: Job, class_index: int) -> UInt8s:
        """The pictures of a class, uint8 [ipc, h, w, 3].

        Raises:
            EncodeError: fewer of them can be read.
        """
        readable = readable_images(job, class_index, job.size)
        found = [image for _, image in islice(readable, job.ipc)]
        if len(found) < job.ipc:
            raise too_few(job, class_index, len(found), job.ipc)
        return np.stack(found)
