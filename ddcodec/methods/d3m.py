"""d3m: one category, one prompt (the D3M paper, section 3).

Step 1: the patch of each image that the teacher finds easiest, laid out as collages. Step 2:
textual inversion of one new token per class in "A photo of S*", with the prior frozen. Steps 3
and 4: seeds; generated collages are cut into patches, and the teacher labels each patch as it
is decoded. Stored: one token vector per class, one base seed, labels. IPC grows by seeds alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from ddcodec.arrays import Array, Float16s, UInt8s
from ddcodec.codecs.prompt_fp16 import PromptFp16
from ddcodec.codecs.prompt_int8 import PromptInt8, prompt_loss
from ddcodec.codecs.schedule_table import Schedule, ScheduleTable
from ddcodec.container import Box, NewSection
from ddcodec.errors import EncodeError
from ddcodec.methods.base import Content, Job, Method
from ddcodec.methods.best_patches import best_patches
from ddcodec.methods.options import RatioOption, option, ratio_of
from ddcodec.recipe.fields import Ratio
from ddcodec.recipe.layout import MAX_GRID, Layout
from ddcodec.recipe.synthesis import Text2Image
from ddcodec.synthesis.layout import collage

if TYPE_CHECKING:
    from ddcodec.methods.textual_inversion import Inversion
    from ddcodec.prior.load import Prior

__all__ = ["D3M", "as_collages"]

# Text encoders are trained with captions like this one; the paper's template (section 3.2), which
# a prior that was trained with captions for collages replaces by that of its own.
PROMPT = "A photo of {}"


@dataclass(frozen=True)
class D3M(Method):
    """One learned token per class, from which the prior draws all its images."""

    name: ClassVar[str] = "d3m"
    summary: ClassVar[str] = "One learned token per class and a seed per image, drawn by the prior."
    uses_teacher: ClassVar[bool] = True
    uses_prior: ClassVar[bool] = True

    steps: int = option(400, "Steps of the textual inversion.", low=1)
    batch: int = option(64, "Noised latents in each of its steps.", low=1)
    lr: float = option(
        0.1,
        "Its learning rate, relative to the root mean square of the token embeddings, so that it "
        "means the same for every text encoder.",
        low=1e-6,
        high=100.0,
    )
    vectors: int = option(1, "Token vectors per class.", low=1, high=64)
    grid: int | None = option(
        None,
        "Patches along each side of a generated collage; by default as many as the prior can draw.",
        low=1,
        high=MAX_GRID,
    )
    images: int = option(300, "Images of a class that are looked at for patches.", low=1)
    crops: int = option(5, "Random crops of each image, of which the easiest is kept.", low=1)
    min_scale: float = option(
        0.5, "Smallest area of a crop, as a share of the image's.", low=0.0001, high=1.0
    )
    sampling_steps: int | None = option(
        None, "Steps in which an image is generated; by default the prior's own.", low=1, high=4096
    )
    guidance: RatioOption | None = option(
        None, "Classifier-free guidance, such as 5/2; by default the prior's own.", low=0, high=1000
    )
    precision: Literal["fp16", "int8"] = option(
        "fp16", "How token vectors are stored: exactly, or in 8 bits with a scale for each."
    )

    def fill(self, job: Job) -> Content:
        prior = job.prior()
        grid, side = self.geometry(job.size, prior)
        names = job.source.classes
        for c in range(len(names)):
            job.work.piece(f"d3m-patches-{c:05d}", partial(self._patches, job, c, side // grid))
            job.tell("patches", c + 1, len(names))
        vectors = np.concatenate(
            [
                job.work.piece(f"d3m-vectors-{start:05d}", partial(self._invert, job, group))[
                    "vectors"
                ]
                for start, group in _groups(len(names))
            ]
        )
        synthesis = Text2Image(
            prompt=self.prompt(prior, grid),
            vectors=(vectors.shape[1], vectors.shape[2]),
            size=(side, side),
            grid=grid,
            guidance=self._guidance(prior),
            profile=prior.engine.profile,
            batch=prior.engine.batch,
            weights=prior.engine.weights,
        )
        sections = [*self._prompt_sections(vectors), self._schedule_section(prior)]
        layout = Layout("collage", 2) if min(job.size) >= 224 else Layout("single", 1)
        return Content(synthesis, layout, sections, prior.pin, self._loss(vectors))

    def estimate(self, job: Job) -> dict[str, int]:
        prior = job.prior()
        bytes_each = self.vectors * prior.text_width * (1 if self.precision == "int8" else 2)
        schedule = ScheduleTable().encode(self._schedule(prior))
        return {"prompts": len(job.source.classes) * bytes_each, "schedule": len(schedule)}

    def geometry(self, size: tuple[int, int], prior: Prior) -> tuple[int, int]:
        """(grid, side of a generated picture in pixels) for a data set's (height, width).

        Raises:
            EncodeError: the grid asked for does not divide the prior's pictures.
        """
        side = prior.size
        patch = max(min(size), prior.defaults.patch)
        grid = self.grid or max(1, min(4, side // patch))
        if side % grid:
            raise EncodeError(f"grid={grid} does not divide the prior's {side} pixels")
        return grid, side

    def prompt(self, prior: Prior, grid: int) -> str:
        """The text around the learned vectors, ``{}`` in their place."""
        return (prior.defaults.collage_prompt if grid > 1 else None) or PROMPT

    def inversion(self, prior: Prior, grid: int, flip: bool, seed: int) -> Inversion:
        """Settings of the textual inversion; collages are not mirrored, they keep their order."""
        from ddcodec.methods.textual_inversion import Inversion

        return Inversion(
            prompt=self.prompt(prior, grid),
            vectors=self.vectors,
            steps=self.steps,
            batch=self.batch,
            lr=self.lr,
            flip=flip and grid == 1,
            seed=seed,
        )

    def _guidance(self, prior: Prior) -> Ratio:
        return prior.defaults.guidance if self.guidance is None else ratio_of(self.guidance)

    def _patches(self, job: Job, class_index: int, side: int) -> dict[str, UInt8s]:
        scored = best_patches(
            job,
            class_index,
            size=(side, side),
            images=self.images,
            crops=self.crops,
            min_scale=self.min_scale,
        )
        return {"patches": scored.patches}

    def _invert(self, job: Job, classes: range) -> dict[str, Array]:
        from ddcodec.methods.textual_inversion import invert

        prior = job.prior()
        grid, side = self.geometry(job.size, prior)
        patches = [
            job.work.piece(f"d3m-patches-{c:05d}", partial(self._patches, job, c, side // grid))
            for c in classes
        ]
        result = invert(
            prior,
            [job.source.classes[c] for c in classes],
            [as_collages(p["patches"], grid, side) for p in patches],
            self.inversion(prior, grid, job.flip, job.seed),
            lambda done, total: job.tell("textual inversion", done, total),
        )
        return {"vectors": result.vectors, "losses": result.losses}

    def _prompt_sections(self, vectors: Float16s) -> list[NewSection]:
        codec = PromptInt8() if self.precision == "int8" else PromptFp16()
        return [
            NewSection(
                "prompts",
                codec.spec(),
                Box(start, len(group)),
                codec.encode(vectors[start : start + len(group)]),
            )
            for start, group in _groups(len(vectors), 256)
        ]

    def _loss(self, vectors: Float16s) -> dict[str, str]:
        """What 8 bits cost the token vectors, for the record."""
        if self.precision == "fp16":
            return {}
        loss = prompt_loss(vectors)
        whole, worst = 100 * loss.relative, 100 * loss.worst_row
        return {"int8_loss": f"{whole:.2f} % rms, worst token {worst:.2f} %"}

    def _schedule_section(self, prior: Prior) -> NewSection:
        codec = ScheduleTable()
        return NewSection("schedule", codec.spec(), Box(), codec.encode(self._schedule(prior)))

    def _schedule(self, prior: Prior) -> Schedule:
        return prior.schedule(self.sampling_steps)


def as_collages(patches: UInt8s, grid: int, side: int) -> UInt8s:
    """uint8 [n, side, side, 3] of grid x grid patches each; some repeat to fill the last one."""
    if grid == 1:
        return patches
    count = -(-len(patches) // grid**2)
    return collage(np.resize(patches, (count * grid**2, *patches.shape[1:])), grid, side, side)


def _groups(classes: int, size: int = 10) -> list[tuple[int, range]]:
    """Classes whose tokens are learned together: all else is frozen, so they share batches."""
    return [(start, range(start, min(start + size, classes))) for start in range(0, classes, size)]
