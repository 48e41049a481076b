"""rded: a coreset of patches the teacher finds easy, as collages.

"On the Diversity and Realism of Distilled Dataset" (arXiv 2312.03526), as LINs-lab/RDED 3f6453d
does it: 300 images per class, 5 crops of each, the easiest crop of each image, the IPC * factor^2
easiest of those; collage j takes ranks j, n + j, 2n + j, ... (n = IPC). With another ``select``
ranks are not by ease but by what a patch adds to those before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ddcodec.arrays import UInt8s
from ddcodec.errors import RequestError
from ddcodec.methods.base import (
    Content,
    Job,
    Method,
    expected_patch_bytes,
)
from ddcodec.methods.best_patches import (
    SELECT_HELP,
    Selection,
    check_selection,
    chosen_patches,
    scoring_seconds,
    smoothness,
)
from ddcodec.methods.options import option
from ddcodec.methods.patch_mosaics import most_slots, patch_sections
from ddcodec.methods.pieces import each_piece
from ddcodec.methods.stages import Stage
from ddcodec.recipe.layout import MAX_GRID, Layout
from ddcodec.recipe.synthesis import Stored

__all__ = ["RDED"]


@dataclass(frozen=True)
class RDED(Method):
    """Patches that the teacher finds easy, factor x factor of them in an image."""

    name: ClassVar[str] = "rded"
    summary: ClassVar[str] = "Patches the teacher finds easy, as mosaics (arXiv 2312.03526)."
    uses_teacher: ClassVar[bool] = True
    stores_pictures: ClassVar[bool] = True

    factor: int | None = option(
        None,
        "Patches along each side of an image; by default 2 from 224 pixels on, else 1.",
        low=1,
        high=MAX_GRID,
    )
    images: int | None = option(
        None, "Images of a class that are looked at; by default 300.", low=1
    )
    crops: int = option(5, "Random crops of each image, of which the easiest is kept.", low=1)
    min_scale: float = option(
        0.08, "Smallest area of a crop, as a share of the image's.", low=0.0001, high=1.0
    )
    select: Selection = option("easiest", SELECT_HELP)

    def check(self, job: Job) -> None:
        super().check(job)
        factor = self.factor_for(job)
        if factor > min(job.size):
            raise RequestError(
                f"factor={factor} divides images of {min(job.size)} pixels too often"
            )
        most_slots(self._patch(job), factor**2, job.patches)
        check_selection(job, self.select)

    def fill(self, job: Job) -> Content:
        pieces = each_piece(job, "coreset", self.name, self._coreset)
        sections = patch_sections((p["patches"] for p in pieces), job.ipc, job.patches)
        return Content(Stored(), self._layout(job), sections)

    def estimate(self, job: Job) -> dict[str, int]:
        # Whole images stand in for chosen crops: a plan must not train a teacher.
        patches = job.ipc * self.factor_for(job) ** 2 * len(job.source.classes)
        each = smoothness(self.min_scale) * expected_patch_bytes(job, self._patch(job))
        return {"patches": round(each * patches)}

    def stages(self, job: Job) -> list[Stage]:
        seconds = scoring_seconds(
            job,
            job.ipc * self.factor_for(job) ** 2,
            size=self._patch(job),
            images=self.looked_at(job),
            crops=self.crops,
            min_scale=self.min_scale,
        )
        return [Stage("coreset", seconds)]

    def looked_at(self, job: Job) -> int:
        """Images of a class that are looked at, at least."""
        return self.images or 300

    def factor_for(self, job: Job) -> int:
        """Patches along each side of an image."""
        return self.factor or (2 if min(job.size) >= 224 else 1)

    def _patch(self, job: Job) -> tuple[int, int]:
        """(width, height) of a patch in pixels."""
        factor = self.factor_for(job)
        return job.size[0] // factor, job.size[1] // factor

    def _layout(self, job: Job) -> Layout:
        factor = self.factor_for(job)
        return Layout("collage", factor) if factor > 1 else Layout("single", 1)

    def _coreset(self, job: Job, class_index: int) -> dict[str, UInt8s]:
        factor = self.factor_for(job)
        per = factor**2
        chosen = chosen_patches(
            job,
            class_index,
            job.ipc * per,
            self.select,
            size=self._patch(job),
            images=self.looked_at(job),
            crops=self.crops,
            min_scale=self.min_scale,
        )
        # Ranks j, n + j, 2n + j, ... make collage j.
        ranks = chosen.reshape(per, job.ipc, *chosen.shape[1:])
        return {"patches": ranks.swapaxes(0, 1).reshape(-1, *chosen.shape[1:])}
