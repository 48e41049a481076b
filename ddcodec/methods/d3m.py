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
from ddcodec.container import Box, NewSection
from ddcodec.devices import computing_threads
from ddcodec.methods.base import Content, Job
from ddcodec.methods.best_patches import best_patches, scoring_seconds
from ddcodec.methods.options import option
from ddcodec.methods.pieces import each_piece
from ddcodec.methods.prompting import PromptingMethod, layout_of
from ddcodec.methods.stages import Stage
from ddcodec.synthesis.layout import collage

if TYPE_CHECKING:
    from ddcodec.methods.textual_inversion import Inversion
    from ddcodec.prior.load import Prior

__all__ = ["D3M", "as_collages"]

# Names of pieces: the patches of a class, the vectors of classes that are learned together.
_PATCHES, _VECTORS = "d3m-patches", "d3m-vectors"


@dataclass(frozen=True)
class D3M(PromptingMethod):
    """One learned token per class, from which the prior draws all its images."""

    name: ClassVar[str] = "d3m"
    summary: ClassVar[str] = "One learned token per class and a seed per image, drawn by the prior."
    uses_teacher: ClassVar[bool] = True
    trains: ClassVar[bool] = True

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
    images: int = option(300, "Images of a class that are looked at for patches.", low=1)
    crops: int = option(5, "Random crops of each image, of which the easiest is kept.", low=1)
    min_scale: float = option(
        0.5, "Smallest area of a crop, as a share of the image's.", low=0.0001, high=1.0
    )
    precision: Literal["fp16", "int8"] = option(
        "fp16", "How token vectors are stored: exactly, or in 8 bits with a scale for each."
    )

    def fill(self, job: Job) -> Content:
        prior = job.prior()
        if job.pool is None or job.pool.shares_files:  # else each group scores its own
            grid, side = self.geometry(job.size, prior)
            scored = partial(self._patches, side // grid)
            for _ in each_piece(job, "patches", _PATCHES, scored):
                pass
        starts = [start for start, _ in _groups(len(job.source.classes))]
        inverted = each_piece(job, "groups of classes", _VECTORS, self._invert, starts)
        vectors = np.concatenate([piece["vectors"] for piece in inverted])
        synthesis = self.synthesis(job, (vectors.shape[1], *prior.text_widths))
        sections = [*self._prompt_sections(vectors), self.schedule_section(prior)]
        return Content(synthesis, layout_of(job.size), sections, prior.pin, self._loss(vectors))

    def estimate(self, job: Job) -> dict[str, int]:
        prior = job.prior()
        bytes_each = self.vectors * prior.text_width * (1 if self.precision == "int8" else 2)
        return {
            "prompts": len(job.source.classes) * bytes_each,
            "schedule": self.schedule_bytes(prior),
        }

    def stages(self, job: Job) -> list[Stage]:
        from ddcodec.methods.prior_seconds import PriorSeconds
        from ddcodec.methods.textual_inversion import step_seconds

        prior = job.prior()
        grid, side = self.geometry(job.size, prior)
        scoring = scoring_seconds(
            job,
            1,
            size=(side // grid, side // grid),
            images=self.images,
            crops=self.crops,
            min_scale=self.min_scale,
        )
        inversion = self.inversion(prior, grid, job.flip, job.seed)
        patches = sum(min(n, self.images) for n in job.source.counts)
        collages = (1 + inversion.flip) * patches // grid**2
        groups = _groups(len(job.names))
        learning = self.steps * len(groups) * step_seconds(prior, job.names[:10], side, inversion)
        encoding = collages * PriorSeconds(prior, (side, side), collages).encoder
        return [Stage("patches", scoring), Stage("textual inversion", encoding + learning)]

    def check_prompts(self, job: Job, prior: Prior, grid: int) -> None:
        from ddcodec.prior.text import name_ids

        prior.prompt_ids(self.prompt(prior, grid), self.vectors)
        for tokenizer in prior.components.tokenizers:
            for name in job.names:
                name_ids(tokenizer, name)

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

    def _patches(self, side: int, job: Job, class_index: int) -> dict[str, UInt8s]:
        scored = best_patches(
            job,
            class_index,
            size=(side, side),
            images=self.images,
            crops=self.crops,
            min_scale=self.min_scale,
        )
        return {"patches": scored.patches}

    def _invert(self, job: Job, start: int) -> dict[str, Array]:
        from ddcodec.methods.textual_inversion import invert

        prior, classes = job.prior(), dict(_groups(len(job.source.classes)))[start]
        grid, side = self.geometry(job.size, prior)
        scored = partial(self._patches, side // grid, job)
        patches = [job.work.piece(f"{_PATCHES}-{c:05d}", partial(scored, c)) for c in classes]
        with computing_threads(job.threads):
            result = invert(
                prior,
                [job.names[c] for c in classes],
                [as_collages(p["patches"], grid, side) for p in patches],
                self.inversion(prior, grid, job.flip, job.seed),
                lambda done, total: job.tell("textual inversion", done, total),
                job.work.checkpoint(f"{_VECTORS}-{start:05d}"),
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


def as_collages(patches: UInt8s, grid: int, side: int) -> UInt8s:
    """uint8 [n, side, side, 3] of grid x grid patches each; some repeat to fill the last one."""
    if grid == 1:
        return patches
    count = -(-len(patches) // grid**2)
    return collage(np.resize(patches, (count * grid**2, *patches.shape[1:])), grid, side, side)


def _groups(classes: int, size: int = 10) -> list[tuple[int, range]]:
    """Classes whose tokens are learned together: all else is frozen, so they share batches."""
    return [(start, range(start, min(start + size, classes))) for start in range(0, classes, size)]
