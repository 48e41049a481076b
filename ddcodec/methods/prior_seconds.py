"""Seconds that a prior's networks take for a picture on this machine."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import torch

from ddcodec.methods.stages import seconds_each
from ddcodec.prior.engine import Engine
from ddcodec.prior.float_engine import FloatEngine
from ddcodec.prior.load import Prior

__all__ = ["PriorSeconds"]


class PriorSeconds:
    """Seconds per picture of each network, measured when first asked for.

    Args:
        prior: in the profile that will be used.
        size: (height, width) of the pictures in pixels.
        pictures: that are to be made or looked at in all.
    """

    def __init__(self, prior: Prior, size: tuple[int, int], pictures: int) -> None:
        self._prior, self._size = prior, size
        self._shape = prior.latent_shape(*size)
        # A call of a pinned batch shape costs the same, however few pictures it is for.
        self._together = prior.engine.batch or max(1, min(prior.engine.chunk, pictures))
        self._filled = max(1.0, prior.engine.batch / max(1, pictures))

    @cached_property
    def unet(self) -> float:
        """A prediction of the U-Net."""
        prompt = self._prior.unconditioned()
        time_ids = self._prior.time_ids(*self._size)

        def run(count: int) -> None:
            noise = torch.zeros(count, *self._shape, device=self._prior.device)
            made = self._engine(count).predict(noise, 1.0, prompt.expand(count), time_ids)
            made.cpu()  # a GPU is waited for

        return self._filled * seconds_each(run, self._together)

    @cached_property
    def decoder(self) -> float:
        """From a latent to a picture."""

        def run(count: int) -> None:
            latents = torch.zeros(count, *self._shape, device=self._prior.device)
            self._engine(count).decode(latents)

        return self._filled * seconds_each(run, self._together)

    @cached_property
    def encoder(self) -> float:
        """From a picture to a latent."""

        def run(count: int) -> None:
            self._engine(count).encode(np.zeros((count, *self._size, 3), np.uint8)).cpu()

        return self._filled * seconds_each(run, self._together)

    def _engine(self, count: int) -> Engine:
        """One that a few pictures do not have to fill a batch of."""
        engine = self._prior.engine
        if not engine.batch:
            return engine
        return FloatEngine(self._prior.components, device=self._prior.device, batch=count)
