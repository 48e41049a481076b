"""Pictures as a prior's U-Net sees them: where a prompt helps it, and the features of a layer.

"Towards Consistent and Efficient Dataset Distillation via Diffusion-Driven Selection", sections
3.1 (difference of losses) and 3.2 (DIFT features, arXiv 2306.03881). Networks run in float at a
pinned batch shape and noise follows from each picture's own seed, so no result depends on which
other pictures are looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ddcodec.arrays import Float32s, Int64s, UInt8s, UInt64s
from ddcodec.prior.conditioning import Conditioning
from ddcodec.prior.float_engine import FloatEngine
from ddcodec.prior.load import DEFAULT_BATCH, Prior
from ddcodec.randomness import DOMAIN_ENCODER, normals, uniform_below, words

__all__ = ["DiffusionScorer", "best_windows", "drawn_timesteps", "noise_levels"]


class DiffusionScorer:
    """A prior that looks at pictures.

    Args:
        prior: in any profile; its float networks are used.
        batch: pictures in each call of a network.
    """

    def __init__(self, prior: Prior, batch: int = DEFAULT_BATCH) -> None:
        self._prior = prior
        self._engine = FloatEngine(prior.components, device=prior.device, batch=batch)

    @property
    def timesteps(self) -> int:
        """T, the timesteps that the prior was trained with."""
        return int(self._prior.scheduler.config.num_train_timesteps)

    def loss_differences(
        self,
        images: UInt8s,
        prompt: str,
        null: str,
        seeds: UInt64s,
        timesteps: Sequence[int],
    ) -> Float32s:
        """Difference of the losses of noise without and with a prompt, at each place of a latent.

        The loss is the mean over channels of the squared error, the noise is the same for both
        prompts, and the difference is averaged over timesteps (equation 6).

        Args:
            images: uint8 [n, height, width, 3], both sides multiples of ``prior.multiple``.
            prompt, null: with and without what is looked for.
            seeds: uint64 [n], from which each picture's noise follows.

        Returns:
            float32 [n, rows, columns]; above 0 where the prompt helps.
        """
        latents, time_ids = self._latents(images)
        named, unnamed = (self._conditioning(p, len(images)) for p in (prompt, null))
        total = torch.zeros(len(latents), *latents.shape[2:], device=latents.device)
        for stream, t in enumerate(timesteps):
            noise = self._noise(latents, seeds, stream)
            noisy = _noised(self._prior, latents, noise, t)
            errors = [
                (self._noise_of(noisy, t, c, time_ids) - noise).square().mean(1)
                for c in (unnamed, named)
            ]
            total += errors[0] - errors[1]
        maps: Float32s = (total / len(timesteps)).cpu().numpy()
        return maps

    def features(
        self, images: UInt8s, prompt: str, seeds: UInt64s, timestep: int, layer: int
    ) -> Float32s:
        """DIFT features: what an up block gives for noised pictures, averaged over places.

        Args:
            images, seeds: as for ``loss_differences``.
            layer: index of the up block.

        Returns:
            float32 [n, channels].
        """
        latents, time_ids = self._latents(images)
        # A stream of its own: whatever number of timesteps was scored with.
        noise = self._noise(latents, seeds, self.timesteps)
        noisy = _noised(self._prior, latents, noise, timestep)
        found: list[Tensor] = []
        with _recorded(self._prior.components.unet.up_blocks[layer], found):
            prompts = self._conditioning(prompt, len(images))
            self._engine.predict(noisy, float(timestep), prompts, time_ids)
        # The last call of the network was filled up.
        means: Float32s = torch.cat([f.mean((2, 3)) for f in found])[: len(images)].cpu().numpy()
        return means

    def _latents(self, images: UInt8s) -> tuple[Tensor, tuple[int, ...]]:
        return self._engine.encode(images), self._prior.time_ids(*images.shape[1:3])

    def _conditioning(self, prompt: str, count: int) -> Conditioning:
        return self._engine.encode_text(self._prior.prompt_ids(prompt)).expand(count)

    def _noise(self, latents: Tensor, seeds: UInt64s, stream: int) -> Tensor:
        drawn = normals(seeds, stream, latents[0].numel()).reshape(latents.shape)
        return torch.from_numpy(drawn).to(latents.device)

    def _noise_of(
        self, noisy: Tensor, t: int, prompts: Conditioning, time_ids: Sequence[int]
    ) -> Tensor:
        """The noise that the U-Net predicts, whatever it was trained to predict."""
        predicted = self._engine.predict(noisy, float(t), prompts, time_ids)
        signal, sigma = noise_levels(self._prior, torch.tensor(t))
        if self._prior.prediction_type == "v_prediction":
            return signal * predicted + sigma * noisy
        if self._prior.prediction_type == "sample":
            return (noisy - signal * predicted) / sigma
        return predicted


def noise_levels(prior: Prior, timesteps: Tensor) -> tuple[Tensor, Tensor]:
    """Factors of a latent and of its noise, as the network was trained.

    Whatever form the prior's sampler keeps noisy latents in: their squares add up to 1.

    Args:
        timesteps: int64, of any shape, which both results have.
    """
    remains = prior.scheduler.alphas_cumprod[timesteps]
    return remains.sqrt(), (1 - remains).sqrt()


def drawn_timesteps(seed: int, count: int, first: int, last: int) -> list[int]:
    """Ascending timesteps, one drawn from each of ``count`` equal parts of first..last."""
    draws = words(seed, DOMAIN_ENCODER, 0, count)
    ends = [first + (last + 1 - first) * i // count for i in range(count + 1)]
    parts = zip(draws, ends[:-1], ends[1:], strict=True)
    return [low + int(uniform_below(word, max(1, high - low))) for word, low, high in parts]


def best_windows(
    maps: Float32s, size: tuple[int, int], window: tuple[int, int], stride: int
) -> tuple[Int64s, Float32s]:
    """The window of each picture with the highest mean (equation 7).

    Args:
        maps: float32 [n, rows, columns], of ``DiffusionScorer.loss_differences``.
        size: (height, width) of the pictures in pixels, to which maps are enlarged.
        window: (height, width) in pixels.
        stride: pixels between the windows that are compared.

    Returns:
        (int64 [n, 2] top and left in pixels, float32 [n] means); of equal ones the first.
    """
    enlarged = functional.interpolate(torch.from_numpy(maps)[:, None], size, mode="bilinear")
    means = functional.avg_pool2d(enlarged, window, stride)[:, 0]
    columns = means.shape[2]
    flat = means.flatten(1).numpy()
    best = flat.argmax(axis=1)
    corners = np.stack([best // columns, best % columns], axis=1) * stride
    return corners, flat[np.arange(len(flat)), best]


def _noised(prior: Prior, latents: Tensor, noise: Tensor, t: int) -> Tensor:
    signal, sigma = noise_levels(prior, torch.tensor(t))
    return signal * latents + sigma * noise


@contextmanager
def _recorded(module: Any, outputs: list[Tensor]) -> Iterator[None]:
    """Append what a module gives to ``outputs``."""

    def keep(_module: Any, _inputs: Any, output: Tensor) -> None:
        outputs.append(output)

    handle = module.register_forward_hook(keep)
    try:
        yield
    finally:
        handle.remove()
