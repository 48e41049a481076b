"""Quantisation steps of latents, by what their errors show in decoded pictures."""

from __future__ import annotations

from math import log10
from typing import TYPE_CHECKING

import numpy as np

from ddcodec.arrays import Float32s, UInt8s
from ddcodec.randomness import normals

if TYPE_CHECKING:
    from ddcodec.prior.load import Prior

__all__ = ["channel_steps", "decoded_psnr"]

# Small enough that a decoder is nearly linear, large enough that 8-bit pixels show it.
_NOISE = 0.15
# A channel's step is at most so many times the mean, or one so-manyth.
_SPREAD = 4.0


def channel_steps(prior: Prior, latents: Float32s, step: float) -> Float32s:
    """A step for each channel; equal errors in decoded pictures cost the fewest bits.

    Args:
        latents: float32 [n, c, h, w], a few of those to be stored.
        step: geometric mean of the steps.

    Returns:
        float32 [c]: in inverse proportion to the root mean square of what noise in a channel
        changes in pixels.
    """
    plain = _decoded(prior, latents).astype(np.float64)
    shown = np.empty(latents.shape[1])
    for c in range(len(shown)):
        noise = normals([c], 0, latents[:, c].size).reshape(latents[:, c].shape)
        changed = latents.copy()
        changed[:, c] += np.float32(_NOISE) * noise
        shown[c] = np.sqrt(np.mean((_decoded(prior, changed) - plain) ** 2))
    shown = np.maximum(shown, 1e-6)
    relative = np.exp(np.log(shown).mean()) / shown
    steps: Float32s = (step * np.clip(relative, 1 / _SPREAD, _SPREAD)).astype(np.float32)
    return steps


def decoded_psnr(prior: Prior, latents: Float32s, quantised: Float32s) -> float:
    """What quantising costs, in dB: peak signal to noise between the decoded pictures.

    Args:
        latents, quantised: float32 [n, c, h, w].
    """
    both = [_decoded(prior, z).astype(np.float64) for z in (latents, quantised)]
    error = float(np.mean((both[0] - both[1]) ** 2))
    return 10 * log10(255**2 / max(error, 1e-9))


def _decoded(prior: Prior, latents: Float32s) -> UInt8s:
    import torch

    return prior.engine.decode(torch.from_numpy(np.ascontiguousarray(latents)).to(prior.device))
