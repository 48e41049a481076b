"""Synthesis kind ``image2image``: stored patches or latents, and seeds -> images.

Source: spec/image2image.md; "Diffusion-augmented coreset expansion", sections 3.2 and 3.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ddcodec.arrays import UInt8s, UInt64s
from ddcodec.errors import DecodeError
from ddcodec.rendering.guidance import Predict, check_guidance, guided
from ddcodec.synthesis.resample import resize

if TYPE_CHECKING:
    from torch import Tensor

    from ddcodec.prior.conditioning import Conditioning
    from ddcodec.prior.engine import Engine
    from ddcodec.prior.load import Prior
    from ddcodec.prior.partial_schedule import PartialSchedule

__all__ = ["image2image", "mix_latents", "patch_latents"]


def patch_latents(prior: Prior, patches: UInt8s, size: tuple[int, int]) -> Tensor:
    """Upsample stored patches and encode them; each on its own.

    Args:
        patches: uint8 [n, height, width, 3], of any size.
        size: (width, height) in pixels of the images to generate.

    Returns:
        float32 [n, c, h, w] on the prior's device: mean latents, on the diffusion's scale.

    Raises:
        DecodeError: ``patches`` is no array of RGB pictures.
        EncodeError: the prior cannot make images of this size.
        LimitExceededError: a side of a patch or of ``size`` is out of range.

    Source: spec/image2image.md, "Latents".
    """
    import torch

    if patches.dtype != np.uint8 or patches.ndim != 4 or patches.shape[3] != 3:
        raise DecodeError(
            f"the patches are {patches.dtype} {patches.shape}; pass uint8 [n, height, width, 3]"
        )
    width, height = size
    shape = prior.latent_shape(height, width)
    chunk = prior.engine.chunk
    latents = [
        prior.engine.encode(resize(patches[start : start + chunk], height, width))
        for start in range(0, len(patches), chunk)
    ]
    return torch.cat(latents) if latents else torch.empty((0, *shape), device=prior.device)


def mix_latents(latents: Tensor, partners: Tensor, share: tuple[int, int]) -> Tensor:
    """Latent mixup: share * latent + (1 - share) * partner, three roundings to binary32.

    Args:
        latents: float32 [n, c, h, w].
        partners: float32 [n, c, h, w], on the same device.
        share: what remains of ``latents``, the paper's gamma, as (numerator, denominator),
            0 to 1.

    Returns:
        float32 [n, c, h, w].

    Raises:
        DecodeError: the share is out of range, or the arguments differ in shape or are not
            float32.

    Source: spec/image2image.md, "Mixup"; "Diffusion-augmented coreset expansion", section 3.3.
    """
    import torch

    numerator, denominator = share
    if denominator < 1 or not 0 <= numerator <= denominator:
        raise DecodeError(
            f"a share of {numerator}/{denominator} is not possible; give one of 0 to 1"
        )
    if partners.shape != latents.shape:
        raise DecodeError(
            f"partners of shape {tuple(partners.shape)} cannot be mixed into latents of shape "
            f"{tuple(latents.shape)}; give one partner for each latent"
        )
    if latents.dtype != torch.float32 or partners.dtype != torch.float32:
        raise DecodeError(f"latents are mixed as float32, not {latents.dtype}, {partners.dtype}")
    ratios = [numerator / denominator, (denominator - numerator) / denominator]
    own, other = torch.tensor(ratios, dtype=torch.float32, device=latents.device)
    kept = own * latents
    added = other * partners
    mixed: Tensor = kept + added
    return mixed


def image2image(
    prior: Prior,
    latents: Tensor,
    prompts: Conditioning,
    unconditioned: Conditioning | None,
    seeds: UInt64s,
    schedule: PartialSchedule,
    guidance: tuple[int, int],
    time_ids: Sequence[int] = (),
) -> UInt8s:
    """Noise each latent by its seed and denoise it; no image depends on another.

    Args:
        latents: float32 [n, c, h, w] on the diffusion's scale: of ``patch_latents``, of
            ``mix_latents``, or stored.
        prompts: of ``Prior.prompt``, each image's (classes may mix).
        unconditioned: of ``Prior.unconditioned``; unused, and may be None, where guidance is at
            most 1 (as in diffusers).
        seeds: uint64 [n].
        schedule: the artifact's start and schedule table; the strength is in it.
        guidance: classifier-free guidance scale as (numerator, denominator).
        time_ids: as recorded, or of ``Prior.time_ids``; none for priors that read none.

    Returns:
        uint8 [n, height, width, 3], ``prior.latent_factor`` pixels per side of a latent.

    Raises:
        DecodeError: the arguments' lengths differ, the latents are not the prior's, guidance
            lacks its unconditioned prompt, the time ids are not those of this prior, or the prior
            produced values that are not finite.

    Source: spec/image2image.md.
    """
    _check_latents(prior, latents)
    if not len(latents) == len(prompts) == len(seeds):
        raise DecodeError(
            f"{len(latents)} latents and {len(prompts)} prompts were given for {len(seeds)} seeds"
        )
    empty = check_guidance(guidance, unconditioned)
    rows, columns = latents.shape[2] * prior.latent_factor, latents.shape[3] * prior.latent_factor
    images = [np.empty((0, rows, columns, 3), np.uint8)]
    for start in range(0, len(seeds), prior.engine.chunk):
        part = slice(start, start + prior.engine.chunk)
        predict = guided(prior.engine, prompts[part], empty, guidance, time_ids)
        images.append(_generate(prior.engine, latents[part], seeds[part], schedule, predict))
    return np.concatenate(images)


def _generate(
    engine: Engine,
    latents: Tensor,
    seeds: UInt64s,
    schedule: PartialSchedule,
    predict: Predict,
) -> UInt8s:
    from ddcodec.prior.noise import initial_latents, step_noise
    from ddcodec.prior.partial_schedule import replay_partial

    shape = tuple(latents.shape[1:])
    last = replay_partial(
        schedule,
        latents.to(engine.device),
        initial_latents(seeds, shape).to(engine.device),
        predict,
        lambda step: step_noise(seeds, step, shape).to(engine.device),
    )
    return engine.decode(last)


def _check_latents(prior: Prior, latents: Tensor) -> None:
    import torch

    if latents.dtype != torch.float32 or latents.ndim != 4:
        raise DecodeError(
            f"the latents are {latents.dtype} {tuple(latents.shape)}; pass float32 [n, c, h, w]"
        )
    if latents.shape[1] != prior.latent_channels or 0 in latents.shape[2:]:
        raise DecodeError(
            f"latents of shape {tuple(latents.shape[1:])} do not fit this prior, whose latents "
            f"have {prior.latent_channels} channels"
        )
