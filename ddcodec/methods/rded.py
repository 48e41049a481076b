"""rded: a coreset of patches the teacher finds easy, as collages.

"On the Diversity and Realism of Distilled Dataset" (arXiv 2312.03526), as LINs-lab/RDED 3f6453d
does it: 300 images a class, 5 crops each, the easiest crop of each image, the IPC * factor^2
easiest of those; collage j takes ranks j, n + j, 2n + j, ... (n = IPC).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ddcodec.methods.base import Content, Job, Method, patch_sections, readable_images, too_few
from ddcodec.methods.best_patches import best_patches
from ddcodec.recipe import Stored
from ddcodec.synthesis.layout import Layout

__all__ = ["RDED"]


@dataclass(frozen=True)
class RDED(Method):
    """Options: ``factor`` (0: 2 from 224 px on, else 1), ``images``, ``crops``, ``min_scale`` %."""

    name: ClassVar[str] = "rded"
    uses_teacher: ClassVar[bool] = True
    uses_prior: ClassVar[bool] = False

    factor: int = 0
    images: int = 300
    crops: int = 5
    min_scale: int = 8

    def fill(self, job: Job) -> Content:
        sections = []
        for c in range(len(job.source.classes)):
            piece = job.work.piece(f"rded-{c:05d}", partial(self._coreset, job, c))
            sections += patch_sections(piece["patches"], c, job.ipc, job.quality)
            job.tell("coreset", c + 1, len(job.source.classes))
        return Content(Stored(), self._layout(job), sections)

    def plan(self, job: Job) -> dict[str, int]:
        # Whole images stand in for chosen crops: a plan must not train a teacher.
        factor = self._factor(job)
        size = (job.size[0] // factor, job.size[1] // factor)
        sample = [image for _, image in islice(readable_images(job, 0, size), job.ipc)]
        sections = patch_sections(np.stack(sample), 0, len(sample), job.quality)
        each = sum(len(s.raw) for s in sections) / len(sample)
        return {"patches": round(each * job.ipc * factor**2 * len(job.source.classes))}

    def _factor(self, job: Job) -> int:
        return self.factor or (2 if min(job.size) >= 224 else 1)

    def _layout(self, job: Job) -> Layout:
        factor = self._factor(job)
        return Layout("collage", factor) if factor > 1 else Layout("single", 1)

    def _coreset(self, job: Job, class_index: int) -> dict[str, NDArray[np.uint8]]:
        factor = self._factor(job)
        per = factor**2
        scored = best_patches(
            job,
            class_index,
            size=(job.size[0] // factor, job.size[1] // factor),
            images=max(self.images, job.ipc * per),
            crops=self.crops,
            min_scale=self.min_scale,
        )
        if len(scored.patches) < job.ipc * per:
            raise too_few(job, class_index, len(scored.patches), job.ipc * per)
        # Ranks j, n + j, 2n + j, ... make collage j.
        best = scored.patches[: job.ipc * per].reshape(per, job.ipc, *scored.patches.shape[1:])
        return {"patches": best.swapaxes(0, 1).reshape(-1, *best.shape[2:])}
