"""d4m: prototypes of a class in the prior's latent space, from which it draws pictures.

"D4M: Dataset Distillation via Disentangled Diffusion Model" (arXiv 2407.15138), as suduo94/D4M
da35d10 does it: latents of a class's pictures, mini-batch k-means with a cluster for each image,
and image2image from the centres with the class's name as the prompt. Centres are quantised and
entropy coded here, not written out as text; what the code leaves to chance is seeded.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ddcodec.arrays import Array, Float32s
from ddcodec.errors import EncodeError
from ddcodec.methods.base import Content, Job, read_seconds, readable_images, too_few
from ddcodec.methods.clustering import prototypes
from ddcodec.methods.options import RatioOption, option
from ddcodec.methods.pieces import each_piece
from ddcodec.methods.prompting import text_sections
from ddcodec.methods.redrawing import RedrawingMethod, encoded, latent_sections
from ddcodec.methods.stages import Stage
from ddcodec.randomness import derive_seed
from ddcodec.recipe.layout import Layout

if TYPE_CHECKING:
    from ddcodec.prior.load import Prior

__all__ = ["D4M"]

NEGATIVE = "cartoon, anime, painting"
# Pictures that are encoded together; results do not depend on it.
_CHUNK = 64


# An estimate looks at so many pixels of a few classes, where these are many pictures for each
# centre; else at single pictures, whose latents take more bytes than centres do.
_PIXELS, _CLASSES, _MANY = 1 << 18, 8, 8
_SMOOTHER = 0.7


@dataclass(frozen=True)
class D4M(RedrawingMethod):
    """Latent prototypes of each class, which the prior redraws."""

    name: ClassVar[str] = "d4m"
    summary: ClassVar[str] = "Clustered latents of each class, redrawn by the prior."
    stores_pictures: ClassVar[bool] = True
    prompt: ClassVar[str] = "{}"

    template: str | None = option(
        None, "Prompt with {} in the place of the class; by default the class's name alone."
    )
    negative: str = option(
        NEGATIVE,
        "Prompt that guidance leads away from; of this default as much as the prior reads.",
    )
    guidance: RatioOption | None = option(
        (8, 1), "Classifier-free guidance, such as 5/2; auto is the prior's own.", low=0, high=1000
    )
    strength: RatioOption = option(
        (7, 10),
        "Share of the steps that are run: how much of a prototype is redrawn.",
        low=0,
        high=1,
    )
    images: int | None = option(
        None, "Images of a class whose latents are clustered; by default all of them.", low=1
    )

    def negative_prompt(self, prior: Prior) -> str:
        if self.negative != NEGATIVE:
            return self.negative
        words = NEGATIVE.split(", ")
        while words:
            try:
                prior.prompt_ids(", ".join(words))
                break
            except EncodeError:
                words.pop()
        return ", ".join(words)

    def fill(self, job: Job) -> Content:
        pieces = each_piece(job, "prototypes", self.name, self._prototypes)
        return self._content(job, np.stack([piece["latents"] for piece in pieces]))

    def trial(self, job: Job) -> Content:
        # What is redrawn does not matter: one picture stands in for all prototypes.
        latent = self._latents(job, 0, 1)[0]
        shape = len(job.source.classes), job.ipc, *latent.shape
        return self._content(job, np.ascontiguousarray(np.broadcast_to(latent, shape)))

    def _content(self, job: Job, latents: Float32s) -> Content:
        """Content of prototypes float32 [classes, slots, c, h, w]."""
        prior, names = job.prior(), job.source.classes
        stored, info = latent_sections(prior, latents, self.latent_step)
        sections = [*stored, *text_sections([""] * len(names)), self.schedule_section(prior)]
        synthesis = self.image2image(job, "latents")
        return Content(synthesis, Layout("single", 1), sections, prior.pin, info)

    def estimate(self, job: Job) -> dict[str, int]:
        prior, classes = job.prior(), len(job.source.classes)
        looked_at = min(classes, _CLASSES)
        pictures = _PIXELS // self.side_of(job, prior) ** 2 // looked_at
        pictures = min(pictures, self.images or pictures)
        if pictures >= _MANY * job.ipc:
            latents = [self._latents(job, c, pictures) for c in range(looked_at)]
            found = [prototypes(some, min(job.ipc, len(some)), job.seed)[0] for some in latents]
            sample, factor = np.concatenate(found)[:, None], 1.0
        else:
            sample, factor = self._latents(job, 0, job.ipc)[None], _SMOOTHER
        stored, _ = latent_sections(prior, sample, self.latent_step)
        each = sum(len(s.raw) for s in stored) / sample.shape[0] / sample.shape[1]
        return {
            "latents": round(factor * each * job.ipc * classes),
            "prompts": 2 * classes,
            "schedule": self.schedule_bytes(prior),
        }

    def stages(self, job: Job) -> list[Stage]:
        from ddcodec.methods.prior_seconds import PriorSeconds

        prior, most = job.prior(), max(self.images or max(job.source.counts), job.ipc)
        looked_at = sum(min(n, most) for n in job.source.counts)
        size = (self.side_of(job, prior),) * 2
        each = read_seconds(job, size) + PriorSeconds(prior, size, _CHUNK).encoder
        return [Stage("prototypes", looked_at * each)]

    def _prototypes(self, job: Job, class_index: int) -> dict[str, Array]:
        """float32 [ipc, c, h, w] centres of a class's latents, and how many are near each."""
        count = None if self.images is None else max(self.images, job.ipc)
        latents = self._latents(job, class_index, count)
        if len(latents) < job.ipc:
            raise too_few(job, class_index, len(latents), job.ipc)
        seed = derive_seed(job.seed, f"{job.source.classes[class_index]}/clusters")
        centres, sizes = prototypes(latents, job.ipc, seed)
        return {"latents": centres, "sizes": sizes}

    def _latents(self, job: Job, class_index: int, count: int | None) -> Float32s:
        """float32 [n, c, h, w] of up to ``count`` pictures of a class, in its seeded order."""
        prior = job.prior()
        side = self.side_of(job, prior)
        pictures = islice(readable_images(job, class_index, (side, side)), count)
        found = []
        while some := [image for _, image in islice(pictures, _CHUNK)]:
            found.append(encoded(prior, np.stack(some)))
        if not found:
            raise too_few(job, class_index, 0, job.ipc)
        return np.concatenate(found)
