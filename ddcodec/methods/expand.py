"""expand: a coreset of small patches that the prior redraws, ever anew.

"Diffusion-Augmented Coreset Expansion for Scalable Dataset Distillation" (arXiv 2412.04668),
section 3: the patches that the teacher finds easiest, at 1/r of the images' side; each is
enlarged, noised and denoised with the prompt "A photo of <class>". The paper's m variations of a
patch are the recipe's ``variations``. What it leaves open (crops, guidance, the share of mixup) is
an option here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from ddcodec.arrays import Array, Float32s, UInt8s
from ddcodec.codecs.quantised_latents import QuantisedLatents, quantise
from ddcodec.codecs.schedule_table import Schedule
from ddcodec.container import Box, NewSection
from ddcodec.errors import EncodeError
from ddcodec.methods.base import (
    Content,
    Job,
    most_slots,
    patch_sections,
    readable_images,
    too_few,
)
from ddcodec.methods.best_patches import best_patches
from ddcodec.methods.latent_steps import channel_steps, decoded_psnr
from ddcodec.methods.options import RatioOption, option, ratio_of
from ddcodec.methods.prompting import PROMPT, GeneratingMethod, text_sections
from ddcodec.recipe.layout import MAX_GRID, Layout
from ddcodec.recipe.synthesis import Image2Image
from ddcodec.table.slots import class_groups, slot_groups

if TYPE_CHECKING:
    from ddcodec.prior.load import Prior
    from ddcodec.prior.partial_schedule import PartialSchedule

__all__ = ["Expand"]

# Latents of a section: few enough to be decoded in a moment, many enough to share a model.
_SECTION_VALUES = 1 << 20
# Latents that decide on steps, and tell what they cost.
_SAMPLE = 32


@dataclass(frozen=True)
class Expand(GeneratingMethod):
    """Small patches, or latents, from which the prior draws as many pictures as are asked for."""

    name: ClassVar[str] = "expand"
    summary: ClassVar[str] = "Small patches that the prior redraws in every variation."
    uses_teacher: ClassVar[bool] = True
    stores_pictures: ClassVar[bool] = True

    store: Literal["patches", "latents"] = option(
        "patches", "What is stored: small patches as WebP mosaics, or latents of whole ones."
    )
    factor: int = option(
        2, "How many times smaller than an image a stored patch is.", low=1, high=MAX_GRID
    )
    latent_step: float = option(
        1.0,
        "Quantisation step of stored latents, whose standard deviation is about 1; the smaller, "
        "the more bytes.",
        low=1 / 1024,
        high=16.0,
    )
    images: int = option(300, "Images of a class that are looked at for patches.", low=1)
    crops: int = option(5, "Random crops of each image, of which the easiest is kept.", low=1)
    min_scale: float = option(
        0.5, "Smallest area of a crop, as a share of the image's.", low=0.0001, high=1.0
    )
    side: int | None = option(
        None,
        "Side in pixels of a generated picture; by default the prior's own, or less where the "
        "images are smaller and the prior draws such pictures too.",
        low=1,
    )
    strength: RatioOption = option(
        (4, 5), "Share of the steps that are run: how much of a patch is redrawn.", low=0, high=1
    )
    share: RatioOption = option(
        (1, 1),
        "What mixup with another patch of the class leaves of a latent, such as 3/4; 1 mixes none.",
        low=0,
        high=1,
    )

    def check(self, job: Job) -> None:
        super().check(job)
        if self.factor > min(job.size):
            raise EncodeError(f"factor={self.factor} leaves nothing of {min(job.size)} pixels")
        most_slots(self._patch(job), 1)
        self.check_texts(job, self.template or PROMPT, [""] * len(job.names))
        self._synthesis(job, job.prior())

    def fill(self, job: Job) -> Content:
        names = job.source.classes
        pieces = []
        for c in range(len(names)):
            pieces.append(job.work.piece(f"expand-{c:05d}", partial(self._base, job, c))["base"])
            job.tell("coreset", c + 1, len(names))
        return self._content(job, np.stack(pieces))

    def trial(self, job: Job) -> Content:
        # What is redrawn does not matter: one image of the source stands in for all patches.
        prior = job.prior()
        _, image = next(readable_images(job, 0, self._base_size(job, prior)))
        base = _encoded(prior, image[None])[0] if self.store == "latents" else image
        shape = len(job.source.classes), job.ipc, *base.shape
        return self._content(job, np.ascontiguousarray(np.broadcast_to(base, shape)))

    def _content(self, job: Job, bases: Array) -> Content:
        """Content of patches [classes, slots, h, w, 3], or of latents [classes, slots, c, h, w]."""
        prior, names = job.prior(), job.source.classes
        info: dict[str, Any] = {}
        if self.store == "latents":
            stored, info = self._latent_sections(prior, bases)
        else:
            stored = [
                section
                for c, patches in enumerate(bases)
                for section in patch_sections(patches, c, job.ipc, job.quality)
            ]
        sections = [*stored, *text_sections([""] * len(names)), self.schedule_section(prior)]
        synthesis = self._synthesis(job, prior)
        return Content(synthesis, Layout("single", 1), sections, prior.pin, info)

    def estimate(self, job: Job) -> dict[str, int]:
        # Whole images stand in for chosen crops: a plan must not train a teacher.
        prior, classes = job.prior(), len(job.source.classes)
        size = self._base_size(job, prior)
        sample = np.stack([image for _, image in islice(readable_images(job, 0, size), job.ipc)])
        if self.store == "latents":
            stored, _ = self._latent_sections(prior, _encoded(prior, sample)[None])
        else:
            stored = patch_sections(sample, 0, len(sample), job.quality)
        each = sum(len(s.raw) for s in stored) / len(sample)
        return {
            self.store: round(each * job.ipc * classes),
            "prompts": 2 * classes,
            "schedule": self.schedule_bytes(prior),
        }

    def schedule(self, prior: Prior) -> Schedule:
        return self._start(prior).table

    def _synthesis(self, job: Job, prior: Prior) -> Image2Image:
        side = self._side(job, prior)
        prior.latent_shape(side, side)  # refused now, if the prior cannot
        common = self.generation(prior, self.template or PROMPT, (0,), side)
        signal, share = self._start(prior).signal_bits, ratio_of(self.share)
        return Image2Image(**common, base=self.store, signal=signal, share=share)

    def _start(self, prior: Prior) -> PartialSchedule:
        from ddcodec.prior.partial_schedule import extract_partial_schedule

        steps = self.sampling_steps or prior.defaults.steps
        return extract_partial_schedule(prior.scheduler, steps, ratio_of(self.strength))

    def _side(self, job: Job, prior: Prior) -> int:
        # A prior that draws collages knows their patches, and so smaller pictures than its own.
        smallest = prior.defaults.patch if prior.defaults.collage_prompt else prior.size
        wanted = min(prior.size, max(*job.size, smallest))
        return self.side or -(-wanted // prior.multiple) * prior.multiple

    def _patch(self, job: Job) -> tuple[int, int]:
        """(width, height) of a stored patch in pixels."""
        return job.size[0] // self.factor, job.size[1] // self.factor

    def _base_size(self, job: Job, prior: Prior) -> tuple[int, int]:
        """(width, height) of what is stored: patches are small, latents as large as pictures."""
        side = self._side(job, prior)
        return (side, side) if self.store == "latents" else self._patch(job)

    def _base(self, job: Job, class_index: int) -> dict[str, Array]:
        """uint8 [ipc, h, w, 3] patches of a class, or their latents, float32 [ipc, c, h, w]."""
        prior = job.prior()
        scored = best_patches(
            job,
            class_index,
            size=self._base_size(job, prior),
            images=max(self.images, job.ipc),
            crops=self.crops,
            min_scale=self.min_scale,
        )
        if len(scored.patches) < job.ipc:
            raise too_few(job, class_index, len(scored.patches), job.ipc)
        patches = scored.patches[: job.ipc]
        return {"base": _encoded(prior, patches) if self.store == "latents" else patches}

    def _latent_sections(
        self, prior: Prior, latents: Float32s
    ) -> tuple[list[NewSection], dict[str, Any]]:
        """Sections of latents [classes, slots, c, h, w], and what quantising them costs."""
        classes, slots, *shape = latents.shape
        flat = latents.reshape(-1, *shape)
        sample = flat[:: max(1, len(flat) // _SAMPLE)][:_SAMPLE]
        steps = channel_steps(prior, sample, self.latent_step)
        codec, sections = QuantisedLatents(*shape), []
        each = int(np.prod(shape))
        for start, count in slot_groups(slots, max(1, _SECTION_VALUES // each)):
            for first, some in class_groups(classes, count * each, _SECTION_VALUES):
                part = latents[first : first + some, start : start + count, None]
                raw = codec.encode(quantise(part, steps))
                box = Box(first, some, start, count)
                sections.append(NewSection("latents", codec.spec(), box, raw))
        quantised = quantise(sample[None, :, None], steps).values[0, :, 0] * steps[:, None, None]
        psnr = decoded_psnr(prior, sample, quantised.astype(np.float32))
        return sections, {"latent_loss": f"{psnr:.1f} dB PSNR when decoded as they are"}


def _encoded(prior: Prior, patches: UInt8s) -> Float32s:
    latents: Float32s = prior.engine.encode(patches).cpu().numpy()
    return latents
