"""d3m: one category, one prompt (the D3M paper, section 3).

Step 1: the patch of each image that the teacher finds easiest, laid out as collages. Step 2:
textual inversion of one new token a class in "A photo of S*", with the prior frozen. Steps 3
and 4: seeds; generated collages are cut into patches, and the teacher labels each patch as it
is decoded. Stored: one token vector a class, one base seed, labels. IPC grows by seeds alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ddcodec.codecs.prompts import PromptFp16, PromptInt8, prompt_loss
from ddcodec.codecs.schedule import Schedule, ScheduleTable
from ddcodec.container import Box, NewSection
from ddcodec.errors import EncodeError
from ddcodec.methods.base import Content, Job, Method
from ddcodec.methods.best_patches import best_patches
from ddcodec.methods.textual_inversion import Inversion, invert
from ddcodec.prior.load import Prior
from ddcodec.recipe import Ratio, Text2Image
from ddcodec.synthesis.layout import Layout, collage

__all__ = ["D3M", "as_collages"]

# Text encoders are trained with captions like this one; the paper's template (section 3.2), which
# a prior that was trained with captions for collages replaces by that of its own.
PROMPT = "A photo of {}"


@dataclass(frozen=True)
class D3M(Method):
    """Options of d3m; 0 means: chosen by the prior or the image size.

    Attributes:
        steps, batch, lr_percent: textual inversion; the rate is in percent of the embedding
            table's root mean square, so that it means the same for every text encoder.
        vectors: token vectors a class.
        grid: patches along each side of a generated collage.
        images, crops, min_scale: how patches are chosen, as in rded.
        sampling_steps, guidance_percent: how images are generated.
        int8: 1 stores token vectors in 8 bits with a scale for each.
    """

    name: ClassVar[str] = "d3m"
    uses_teacher: ClassVar[bool] = True
    uses_prior: ClassVar[bool] = True

    steps: int = 400
    batch: int = 64
    lr_percent: int = 10
    vectors: int = 1
    grid: int = 0
    images: int = 300
    crops: int = 5
    min_scale: int = 50
    sampling_steps: int = 0
    guidance_percent: int = 0
    int8: int = 0

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

    def plan(self, job: Job) -> dict[str, int]:
        prior = job.prior()
        bytes_each = self.vectors * prior.text_width * (1 if self.int8 else 2)
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
        return Inversion(
            prompt=self.prompt(prior, grid),
            vectors=self.vectors,
            steps=self.steps,
            batch=self.batch,
            lr_percent=self.lr_percent,
            flip=flip and grid == 1,
            seed=seed,
        )

    def _guidance(self, prior: Prior) -> Ratio:
        if not self.guidance_percent:
            return prior.defaults.guidance
        return self.guidance_percent, 100

    def _patches(self, job: Job, class_index: int, side: int) -> dict[str, NDArray[np.uint8]]:
        scored = best_patches(
            job,
            class_index,
            size=(side, side),
            images=self.images,
            crops=self.crops,
            min_scale=self.min_scale,
        )
        return {"patches": scored.patches}

    def _invert(self, job: Job, classes: range) -> dict[str, NDArray[Any]]:
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

    def _prompt_sections(self, vectors: NDArray[np.float16]) -> list[NewSection]:
        codec = PromptInt8() if self.int8 else PromptFp16()
        return [
            NewSection(
                "prompts",
                codec.spec(),
                Box(start, len(group)),
                codec.encode(vectors[start : start + len(group)]),
            )
            for start, group in _groups(len(vectors), 256)
        ]

    def _loss(self, vectors: NDArray[np.float16]) -> dict[str, str]:
        """What 8 bits cost the token vectors, for the record."""
        if not self.int8:
            return {}
        loss = prompt_loss(vectors)
        whole, worst = 100 * loss.relative, 100 * loss.worst_row
        return {"int8_loss": f"{whole:.2f} % rms, worst token {worst:.2f} %"}

    def _schedule_section(self, prior: Prior) -> NewSection:
        codec = ScheduleTable()
        return NewSection("schedule", codec.spec(), Box(), codec.encode(self._schedule(prior)))

    def _schedule(self, prior: Prior) -> Schedule:
        return prior.schedule(self.sampling_steps or None)


def as_collages(patches: NDArray[np.uint8], grid: int, side: int) -> NDArray[np.uint8]:
    """uint8 [n, side, side, 3] of grid x grid patches each; some repeat to fill the last one."""
    if grid == 1:
        return patches
    count = -(-len(patches) // grid**2)
    return collage(np.resize(patches, (count * grid**2, *patches.shape[1:])), grid, side, side)


def _groups(classes: int, size: int = 10) -> list[tuple[int, range]]:
    """Classes whose tokens are learned together: all else is frozen, so they share batches."""
    return [(start, range(start, min(start + size, classes))) for start in range(0, classes, size)]
