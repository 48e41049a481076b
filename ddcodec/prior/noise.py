"""Diffusion noise as tensors: one stream per step, keyed by each image's seed (spec/prior.md)."""

from __future__ import annotations

from math import prod

import numpy as np
import torch

from ddcodec.arrays import UInt64s
from ddcodec.errors import EncodeError
from ddcodec.randomness import normals

__all__ = ["initial_latents", "step_noise"]


def initial_latents(seeds: UInt64s, shape: tuple[int, ...]) -> torch.Tensor:
    """Standard normal start of each image: stream 0.

    Args:
        seeds: uint64 [n].
        shape: of one latent, (channels, height, width); filled in C order.

    Returns:
        float32 [n, *shape] on the CPU; multiply by the schedule's ``init_scale``.
    """
    return _noise(seeds, 0, shape)


def step_noise(seeds: UInt64s, step: int, shape: tuple[int, ...]) -> torch.Tensor:
    """Standard normal noise that step ``step`` = 1, 2, ... adds: stream ``step``.

    Raises:
        EncodeError: ``step`` is 0, whose stream is the initial latent.
    """
    if step < 1:
        raise EncodeError(f"step {step} has no noise of its own; steps count from 1")
    return _noise(seeds, step, shape)


def _noise(seeds: UInt64s, stream: int, shape: tuple[int, ...]) -> torch.Tensor:
    flat = normals(np.asarray(seeds, dtype=np.uint64), stream, prod(shape))
    return torch.from_numpy(flat.reshape(-1, *shape))
