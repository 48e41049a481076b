"""random: real images chosen by the seed alone. The baseline every other method must beat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ddcodec.methods.base import Content, Job, Method, class_order, patch_sections
from ddcodec.recipe import Stored
from ddcodec.source import load_image
from ddcodec.synthesis.layout import Layout

__all__ = ["RandomImages"]


@dataclass(frozen=True)
class RandomImages(Method):
    """``ipc`` images of each class, in a seeded order, as one mosaic a class and slot group."""

    name: ClassVar[str] = "random"
    uses_teacher: ClassVar[bool] = False
    uses_prior: ClassVar[bool] = False

    def fill(self, job: Job) -> Content:
        sections = []
        for c in range(len(job.source.classes)):
            sections += patch_sections(self._images(job, c, job.ipc), c, job.ipc, job.quality)
            job.tell("images", c + 1, len(job.source.classes))
        return Content(Stored(), Layout("single", 1), sections)

    def plan(self, job: Job) -> dict[str, int]:
        sample = patch_sections(self._images(job, 0, job.ipc), 0, job.ipc, job.quality)
        return {"patches": sum(len(s.raw) for s in sample) * len(job.source.classes)}

    def _images(self, job: Job, class_index: int, count: int) -> NDArray[np.uint8]:
        order = class_order(job, class_index)[:count]
        files = job.source.files[class_index]
        return np.stack([load_image(files[i], job.size, job.report) for i in order])
