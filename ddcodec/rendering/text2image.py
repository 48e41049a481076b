"""Synthesis kind ``text2image``: prompts and seeds -> images (spec/prior.md)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ddcodec.arrays import UInt8s, UInt64s
from ddcodec.errors import DecodeError
from ddcodec.rendering.guidance import Predict, check_guidance, guided

if TYPE_CHECKING:
    from ddcodec.codecs.schedule_table import Schedule
    from ddcodec.prior.conditioning import Conditioning
    from ddcodec.prior.load import Prior

__all__ = ["text2image"]


def text2image(
    prior: Prior,
    prompts: Conditioning,
    unconditioned: Conditioning | None,
    seeds: UInt64s,
    schedule: Schedule,
    guidance: tuple[int, int],
    size: tuple[int, int],
    time_ids: Sequence[int] = (),
) -> UInt8s:
    """Generate one image a seed; each depends on its own row of the arguments only.

    Args:
        prompts: of ``Prior.prompt``, each image's (classes may mix).
        unconditioned: of ``Prior.unconditioned``; unused, and may be None, where guidance is at
            most 1 (as in diffusers).
        seeds: uint64 [n].
        schedule: the artifact's schedule table.
        guidance: classifier-free guidance scale as (numerator, denominator).
        size: (width, height) in pixels.
        time_ids: as recorded, or of ``Prior.time_ids``; none for priors that read none.

    Returns:
        uint8 [n, height, width, 3].

    Raises:
        DecodeError: the arguments' lengths differ, guidance lacks its unconditioned prompt,
            the time ids are not those of this prior, or the prior produced values that are not
            finite.
    """
    if len(prompts) != len(seeds):
        raise DecodeError(f"{len(prompts)} prompts were given for {len(seeds)} seeds")
    empty = check_guidance(guidance, unconditioned)
    shape = prior.latent_shape(size[1], size[0])
    if len(seeds) == 0:
        return np.empty((0, size[1], size[0], 3), np.uint8)
    chunk = prior.engine.chunk
    images = [
        _generate(
            prior,
            guided(prior.engine, prompts[start : start + chunk], empty, guidance, time_ids),
            seeds[start : start + chunk],
            schedule,
            shape,
        )
        for start in range(0, len(seeds), chunk)
    ]
    return np.concatenate(images)


def _generate(
    prior: Prior, predict: Predict, seeds: UInt64s, schedule: Schedule, shape: tuple[int, int, int]
) -> UInt8s:
    from ddcodec.prior.noise import initial_latents, step_noise
    from ddcodec.prior.schedule import replay

    engine = prior.engine
    latents = replay(
        schedule,
        initial_latents(seeds, shape).to(engine.device),
        predict,
        lambda step: step_noise(seeds, step, shape).to(engine.device),
    )
    return engine.decode(latents)
