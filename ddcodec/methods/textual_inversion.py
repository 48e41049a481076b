"""Textual inversion: learn a token vector for each class, with everything else frozen.

Gal et al. (arXiv 2208.01618) as D3M uses it (section 3.2). The tokens of several classes train in
one batch, because they share nothing but frozen networks. A token starts as the mean of its class
name's tokens (diffusers asks for a single-token word, which most class names are not). Where a
prior has two text encoders, a token has a vector for each, and both are learned together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ddcodec.arrays import Array, Float16s, Float32s, StepProgress, UInt8s
from ddcodec.classifiers.checkpoint import descent_state, load_descent
from ddcodec.classifiers.training import resolve_precision
from ddcodec.files.sealed import Checkpoint
from ddcodec.methods.diffusion_scores import noise_levels
from ddcodec.prior.conditioning import Conditioning
from ddcodec.prior.load import Prior
from ddcodec.prior.text import embed_prompts, split_vectors

__all__ = ["Inversion", "Inverted", "invert", "step_seconds"]

_PLAIN_ATTENTION_SIDE = 16
# Latents of a trial step, and the seconds below which a whole one is tried, too.
_FEW, _QUICK = 8, 0.5


@dataclass(frozen=True)
class Inversion:
    """Settings of a textual inversion; see :class:`ddcodec.methods.d3m.D3M`."""

    prompt: str
    vectors: int
    steps: int
    batch: int
    lr: float
    flip: bool
    seed: int


@dataclass(frozen=True)
class Inverted:
    """Learned tokens.

    Attributes:
        vectors: float16[classes, vectors, width], where the vectors of two text encoders are one
            after the other.
        losses: float32[steps], the training loss.
    """

    vectors: Float16s
    losses: Float32s


def invert(
    prior: Prior,
    names: Sequence[str],
    pictures: Sequence[UInt8s],
    settings: Inversion,
    progress: StepProgress | None = None,
    checkpoint: Checkpoint | None = None,
) -> Inverted:
    """Learn token vectors for classes from uint8[n, size, size, 3] pictures of each.

    Minimises the prior's own diffusion loss (noise or velocity prediction, as it was trained)
    with AdamW and a cosine rate; the result is the average of the last quarter of the steps.
    Networks run in bfloat16 where the device computes in it, which halves the time. From a
    checkpoint an interrupted inversion goes on, and learns the same.
    """
    generator = torch.Generator().manual_seed(settings.seed)
    latents, first = _latents(prior, pictures, settings.flip)
    prompts = prior.prompt_ids(settings.prompt, settings.vectors)
    start = torch.stack([prior.name_vector(n) for n in names])[:, None]
    tokens = [
        part.repeat(1, settings.vectors, 1).requires_grad_()
        for part in split_vectors(start, prior.text_widths)
    ]
    text_encoders, unet = prior.training_modules()
    time_ids = prior.time_ids(*pictures[0].shape[1:3])
    # Each text encoder has embeddings of a magnitude of its own, which its rate follows.
    rates = [settings.lr * _scale(encoder) for encoder in text_encoders]
    groups = [{"params": [t], "lr": rate} for t, rate in zip(tokens, rates, strict=True)]
    optimiser = torch.optim.AdamW(groups, weight_decay=0)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, settings.steps)
    sizes = torch.tensor([len(p) for p in pictures]) * (2 if settings.flip else 1)
    losses = np.zeros(settings.steps, np.float32)
    average = torch.zeros(len(names), settings.vectors, prior.text_width)
    tail = max(1, settings.steps // 4)
    precision = resolve_precision("auto", prior.device)
    first_step = 0
    if checkpoint is not None and (saved := checkpoint.restore()) is not None:
        first_step = load_descent(saved, tokens, optimiser, schedule, generator)
        losses[:], average = saved["losses"], torch.from_numpy(saved["average"])

    def state() -> dict[str, Array]:
        now = descent_state(tokens, optimiser, schedule, generator)
        return {**now, "losses": losses, "average": average.numpy()}

    with _plain_attention(prior, unet):
        for step in range(first_step, settings.steps):
            classes = _balanced(len(names), settings.batch, generator)
            picks = (torch.rand(settings.batch, generator=generator) * sizes[classes]).long()
            with torch.autocast(prior.device.type, torch.bfloat16, enabled=precision == "bfloat16"):
                learned = embed_prompts(text_encoders, prompts, tokens)[classes]
                picked = latents[first[classes] + picks]
                loss = _diffusion_loss(prior, unet, picked, learned, time_ids, generator)
            optimiser.zero_grad()
            torch.autograd.backward([loss], inputs=tokens)
            optimiser.step()
            schedule.step()
            losses[step] = loss.item()
            if step >= settings.steps - tail:
                average += torch.cat([t.detach() for t in tokens], -1) / tail
            if checkpoint is not None:
                checkpoint.offer(state)
            if progress is not None:
                progress(step + 1, settings.steps)
    return Inverted(average.numpy().astype(np.float16), losses)


def step_seconds(prior: Prior, names: Sequence[str], side: int, settings: Inversion) -> float:
    """About how long a step of :func:`invert` takes here, from two with few latents, or with all.

    Args:
        names: of the classes that share a step.
        side: of their pictures in pixels.
    """
    pictures = [np.zeros((1, side, side, 3), np.uint8)] * len(names)

    def clocked(batch: int) -> float:
        ends: list[float] = []
        short = replace(settings, steps=2, batch=batch, flip=False)
        invert(prior, names, pictures, short, lambda *_: ends.append(perf_counter()))
        return ends[1] - ends[0]  # the first step prepares memory and kernels

    few = min(_FEW, settings.batch)
    seconds = clocked(few)
    if seconds < _QUICK:
        return clocked(settings.batch)
    return seconds * settings.batch / few


@contextmanager
def _plain_attention(prior: Prior, unet: Any) -> Iterator[None]:
    """Small attention by plain products: on CPUs the backward pass of torch's fused one is slow.

    Plain products hold a number for every pair of positions, which large latents have too many of.
    """
    fused = unet.attn_processors
    side = prior.size // prior.latent_factor
    if prior.device.type == "cpu" and side <= _PLAIN_ATTENTION_SIDE:
        from diffusers.models.attention_processor import AttnProcessor

        unet.set_attn_processor(AttnProcessor())
    try:
        yield
    finally:
        unet.set_attn_processor(fused)


def _latents(prior: Prior, pictures: Sequence[UInt8s], flip: bool) -> tuple[Tensor, Tensor]:
    """All classes' latents [N, c, h, w], and the index at which each class begins."""
    encoded = []
    for images in pictures:
        both = np.concatenate([images, images[:, :, ::-1]]) if flip else images
        encoded.append(prior.engine.encode(np.ascontiguousarray(both)))
    starts = np.cumsum([0, *(len(e) for e in encoded)])[:-1]
    return torch.cat(encoded), torch.from_numpy(starts)


def _scale(text_encoder: Any) -> float:
    """Root mean square of the token embeddings."""
    return float(text_encoder.get_input_embeddings().weight.square().mean().sqrt())


def _balanced(classes: int, batch: int, generator: torch.Generator) -> Tensor:
    """Class indices of a batch: every class equally often, the remainder at random."""
    return torch.cat(
        [torch.randperm(classes, generator=generator) for _ in range(-(-batch // classes))]
    )[:batch]


def _diffusion_loss(
    prior: Prior,
    unet: Any,
    latents: Tensor,
    prompts: Conditioning,
    time_ids: Sequence[int],
    generator: torch.Generator,
) -> Tensor:
    scheduler = prior.scheduler
    noise = torch.randn(latents.shape, generator=generator)
    steps = int(scheduler.config.num_train_timesteps)
    # One timestep from each of equal intervals: less noise in the gradient than independent draws.
    slots = torch.randperm(len(latents), generator=generator)
    t = ((slots + torch.rand(len(latents), generator=generator)) * steps / len(latents)).long()
    signal, sigma = noise_levels(prior, t[:, None, None, None])
    noisy = signal * latents + sigma * noise
    if prior.prediction_type == "v_prediction":
        target = signal * noise - sigma * latents
    elif prior.prediction_type == "sample":
        target = latents
    else:
        target = noise
    added = None
    if prompts.pooled is not None:
        ids = torch.tensor([time_ids] * len(noisy), dtype=torch.float32, device=noisy.device)
        added = {"text_embeds": prompts.pooled, "time_ids": ids}
    predicted = unet(noisy, t, prompts.hidden, added_cond_kwargs=added, return_dict=False)[0]
    return functional.mse_loss(predicted.float(), target)
