"""The base of methods whose pictures the prior draws again from stored patches or latents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ddcodec.arrays import Float32s, UInt8s
from ddcodec.codecs.quantised_latents import QuantisedLatents, quantise
from ddcodec.codecs.schedule_table import Schedule
from ddcodec.container import Box, NewSection
from ddcodec.methods.base import Job
from ddcodec.methods.latent_steps import channel_steps, decoded_psnr
from ddcodec.methods.options import RatioOption, option, ratio_of
from ddcodec.methods.prompting import PROMPT, GeneratingMethod, check_texts
from ddcodec.recipe.fields import Ratio
from ddcodec.recipe.synthesis import Image2Image
from ddcodec.table.slots import class_groups, slot_groups

if TYPE_CHECKING:
    from ddcodec.prior.load import Prior
    from ddcodec.prior.partial_schedule import PartialSchedule

__all__ = ["RedrawingMethod", "encoded", "latent_sections"]

# Latents of a section: few enough to be decoded in a moment, many enough to share a model.
_SECTION_VALUES = 1 << 20
# Latents that decide on steps, and tell what they cost.
_SAMPLE = 32


@dataclass(frozen=True)
class RedrawingMethod(GeneratingMethod):
    """A method that stores patches or latents, from which the prior draws pictures.

    Class attributes:
        prompt: the template unless another is asked for.
    """

    prompt: ClassVar[str] = PROMPT

    latent_step: float = option(
        1.0,
        "Quantisation step of stored latents, whose standard deviation is about 1; the smaller, "
        "the more bytes.",
        low=1 / 1024,
        high=16.0,
    )
    side: int | None = option(
        None,
        "Side in pixels of a generated picture; by default the prior's own, or less where the "
        "images are smaller and the prior draws such pictures too.",
        low=1,
    )
    strength: RatioOption = option(
        (4, 5),
        "Share of the steps that are run: how much of what is stored is redrawn.",
        low=0,
        high=1,
    )

    def check(self, job: Job) -> None:
        super().check(job)
        check_texts(job, self.template or self.prompt, [""] * len(job.names))
        self.image2image(job, "latents")

    def schedule(self, prior: Prior) -> Schedule:
        return self._start(prior).table

    def image2image(self, job: Job, base: str, share: Ratio = (1, 1)) -> Image2Image:
        """The recipe of the pictures; ``base`` and ``share`` as it has them.

        Raises:
            EncodeError: the prior cannot draw such pictures.
        """
        prior = job.prior()
        side = self.side_of(job, prior)
        prior.latent_shape(side, side)  # refused now, if the prior cannot
        common = self.generation(prior, self.template or self.prompt, (0,), side)
        return Image2Image(**common, base=base, signal=self._start(prior).signal_bits, share=share)

    def side_of(self, job: Job, prior: Prior) -> int:
        """Side in pixels of a generated picture."""
        # A prior that draws collages knows their patches, and so smaller pictures than its own.
        smallest = prior.defaults.patch if prior.defaults.collage_prompt else prior.size
        wanted = min(prior.size, max(*job.size, smallest))
        return self.side or -(-wanted // prior.multiple) * prior.multiple

    def _start(self, prior: Prior) -> PartialSchedule:
        from ddcodec.prior.partial_schedule import extract_partial_schedule

        steps = self.sampling_steps or prior.defaults.steps
        return extract_partial_schedule(prior.scheduler, steps, ratio_of(self.strength))


def encoded(prior: Prior, pictures: UInt8s) -> Float32s:
    """uint8 [n, height, width, 3] -> mean latents float32 [n, c, h, w]."""
    latents: Float32s = prior.engine.encode(pictures).cpu().numpy()
    return latents


def latent_sections(
    prior: Prior, latents: Float32s, step: float
) -> tuple[list[NewSection], dict[str, Any]]:
    """Sections of quantised latents, and what quantising them costs, for the record.

    Args:
        latents: float32 [classes, slots, c, h, w].
        step: geometric mean of the channels' steps.
    """
    classes, slots, *shape = latents.shape
    flat = latents.reshape(-1, *shape)
    sample = flat[:: max(1, len(flat) // _SAMPLE)][:_SAMPLE]
    steps = channel_steps(prior, sample, step)
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
