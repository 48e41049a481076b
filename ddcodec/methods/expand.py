"""expand: a coreset of small patches that the prior redraws, ever anew.

"Diffusion-Augmented Coreset Expansion for Scalable Dataset Distillation" (arXiv 2412.04668),
section 3: the patches that the teacher finds easiest, at 1/r of the images' side; each is
enlarged, noised and denoised with the prompt "A photo of <class>". The paper's m variations of a
patch are the recipe's ``variations``. What it leaves open (crops, guidance, the share of mixup) is
an option here.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from ddcodec.arrays import Array
from ddcodec.errors import RequestError
from ddcodec.methods.base import (
    Content,
    Job,
    expected_patch_bytes,
    readable_images,
)
from ddcodec.methods.best_patches import (
    SELECT_HELP,
    Selection,
    check_selection,
    chosen_patches,
    scoring_seconds,
    smoothness,
)
from ddcodec.methods.options import RatioOption, option, ratio_of
from ddcodec.methods.patch_mosaics import most_slots, patch_sections
from ddcodec.methods.pieces import each_piece
from ddcodec.methods.prompting import text_sections
from ddcodec.methods.redrawing import RedrawingMethod, encoded, latent_sections
from ddcodec.methods.stages import Stage
from ddcodec.recipe.layout import MAX_GRID, Layout

if TYPE_CHECKING:
    from ddcodec.prior.load import Prior

__all__ = ["Expand"]


@dataclass(frozen=True)
class Expand(RedrawingMethod):
    """Small patches, or latents, from which the prior draws as many pictures as are asked for."""

    name: ClassVar[str] = "expand"
    summary: ClassVar[str] = "Small patches that the prior redraws in every variation."
    uses_teacher: ClassVar[bool] = True
    stores_pictures: ClassVar[bool] = True

    store: Literal["patches", "latents"] = option(
        "patches", "What is stored: small patches as mosaics, or latents of whole ones."
    )
    factor: int = option(
        2, "How many times smaller than an image a stored patch is.", low=1, high=MAX_GRID
    )
    images: int = option(300, "Images of a class that are looked at for patches.", low=1)
    crops: int = option(5, "Random crops of each image, of which the easiest is kept.", low=1)
    min_scale: float = option(
        0.5, "Smallest area of a crop, as a share of the image's.", low=0.0001, high=1.0
    )
    select: Selection = option("easiest", SELECT_HELP)
    share: RatioOption = option(
        (1, 1),
        "What mixup with another patch of the class leaves of a latent, such as 3/4; 1 mixes none.",
        low=0,
        high=1,
    )

    def check(self, job: Job) -> None:
        super().check(job)
        if self.factor > min(job.size):
            raise RequestError(f"factor={self.factor} leaves nothing of {min(job.size)} pixels")
        most_slots(self._patch(job), 1, job.patches)
        check_selection(job, self.select)

    def fill(self, job: Job) -> Content:
        pieces = each_piece(job, "coreset", self.name, self._base)
        return self._content(job, np.stack([piece["base"] for piece in pieces]))

    def trial(self, job: Job) -> Content:
        # What is redrawn does not matter: one image of the source stands in for all patches.
        prior = job.prior()
        _, image = next(readable_images(job, 0, self._base_size(job, prior)))
        base = encoded(prior, image[None])[0] if self.store == "latents" else image
        shape = len(job.source.classes), job.ipc, *base.shape
        return self._content(job, np.ascontiguousarray(np.broadcast_to(base, shape)))

    def _content(self, job: Job, bases: Array) -> Content:
        """Content of patches [classes, slots, h, w, 3], or of latents [classes, slots, c, h, w]."""
        prior, names = job.prior(), job.source.classes
        info: dict[str, Any] = {}
        if self.store == "latents":
            stored, info = latent_sections(prior, bases, self.latent_step)
        else:
            stored = patch_sections(bases, job.ipc, job.patches)
        sections = [*stored, *text_sections([""] * len(names)), self.schedule_section(prior)]
        synthesis = self.image2image(job, self.store, ratio_of(self.share))
        return Content(synthesis, Layout("single", 1), sections, prior.pin, info)

    def estimate(self, job: Job) -> dict[str, int]:
        # Whole images stand in for chosen crops: a plan must not train a teacher.
        prior, classes = job.prior(), len(job.source.classes)
        size = self._base_size(job, prior)
        if self.store == "latents":
            sample = np.stack([i for _, i in islice(readable_images(job, 0, size), job.ipc)])
            stored, _ = latent_sections(prior, encoded(prior, sample)[None], self.latent_step)
            each = sum(len(s.raw) for s in stored) / len(sample)
        else:
            each = smoothness(self.min_scale) * expected_patch_bytes(job, size)
        return {
            self.store: round(each * job.ipc * classes),
            "prompts": 2 * classes,
            "schedule": self.schedule_bytes(prior),
        }

    def stages(self, job: Job) -> list[Stage]:
        from ddcodec.methods.prior_seconds import PriorSeconds

        prior, wanted = job.prior(), job.ipc * len(job.source.classes)
        size = self._base_size(job, prior)
        seconds = scoring_seconds(
            job,
            job.ipc,
            size=size,
            images=self.images,
            crops=self.crops,
            min_scale=self.min_scale,
        )
        if self.store == "latents":
            seconds += wanted * PriorSeconds(prior, size, wanted).encoder
        return [Stage("coreset", seconds)]

    def _patch(self, job: Job) -> tuple[int, int]:
        """(width, height) of a stored patch in pixels."""
        return job.size[0] // self.factor, job.size[1] // self.factor

    def _base_size(self, job: Job, prior: Prior) -> tuple[int, int]:
        """(width, height) of what is stored: patches are small, latents as large as pictures."""
        side = self.side_of(job, prior)
        return (side, side) if self.store == "latents" else self._patch(job)

    def _base(self, job: Job, class_index: int) -> dict[str, Array]:
        """uint8 [ipc, h, w, 3] patches of a class, or their latents, float32 [ipc, c, h, w]."""
        prior = job.prior()
        patches = chosen_patches(
            job,
            class_index,
            job.ipc,
            self.select,
            size=self._base_size(job, prior),
            images=self.images,
            crops=self.crops,
            min_scale=self.min_scale,
        )
        return {"base": encoded(prior, patches) if self.store == "latents" else patches}
