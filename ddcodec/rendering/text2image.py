"""Synthesis kind ``text2image``: hidden states and seeds -> images (spec/prior.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ddcodec.arrays import UInt8s, UInt64s
from ddcodec.errors import DecodeError
from ddcodec.rendering.guidance import check_guidance, guided

if TYPE_CHECKING:
    from torch import Tensor

    from ddcodec.codecs.schedule_table import Schedule
    from ddcodec.prior.load import Prior

__all__ = ["text2image"]


def text2image(
    prior: Prior,
    hidden_cond: Tensor,
    hidden_uncond: Tensor | None,
    seeds: UInt64s,
    schedule: Schedule,
    guidance: tuple[int, int],
    size: tuple[int, int],
) -> UInt8s:
    """Generate one image a seed; each depends on its own row of the arguments only.

    Args:
        hidden_cond: float32 [n, tokens, width], each image's prompt (classes may mix).
        hidden_uncond: float32 [1, tokens, width], the empty prompt; unused, and may be None,
            where guidance is at most 1 (as in diffusers).
        seeds: uint64 [n].
        schedule: the artifact's schedule table.
        guidance: classifier-free guidance scale as (numerator, denominator).
        size: (width, height) in pixels.

    Returns:
        uint8 [n, height, width, 3].

    Raises:
        DecodeError: the arguments' lengths differ, guidance lacks its empty prompt, or the
            prior produced values that are not finite.
    """
    if len(hidden_cond) != len(seeds):
        raise DecodeError(f"{len(hidden_cond)} prompts were given for {len(seeds)} seeds")
    empty = check_guidance(guidance, hidden_uncond)
    shape = prior.latent_shape(size[1], size[0])
    if len(seeds) == 0:
        return np.empty((0, size[1], size[0], 3), np.uint8)
    chunk = prior.engine.chunk
    images = [
        _generate(
            prior,
            hidden_cond[start : start + chunk],
            empty,
            seeds[start : start + chunk],
            schedule,
            guidance,
            shape,
        )
        for start in range(0, len(seeds), chunk)
    ]
    return np.concatenate(images)


def _generate(
    prior: Prior,
    hidden_cond: Tensor,
    hidden_uncond: Tensor | None,
    seeds: UInt64s,
    schedule: Schedule,
    guidance: tuple[int, int],
    shape: tuple[int, int, int],
) -> UInt8s:
    from ddcodec.prior.noise import initial_latents, step_noise
    from ddcodec.prior.schedule import replay

    engine = prior.engine
    predict = guided(engine, hidden_cond, hidden_uncond, guidance)
    latents = replay(
        schedule,
        initial_latents(seeds, shape).to(engine.device),
        predict,
        lambda step: step_noise(seeds, step, shape).to(engine.device),
    )
    return engine.decode(latents)
