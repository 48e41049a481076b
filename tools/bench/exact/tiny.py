"""The tiny prior in every variant: its U-Net, its decoder and whole pictures."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from ddcodec.prior.conditioning import Conditioning
from ddcodec.prior.load import Prior, load_prior
from ddcodec.recipe.profiles import FLOAT
from ddcodec.rendering.text2image import text2image
from tools.bench.exact.operations import operations
from tools.bench.exact.rows import MIXED, REFERENCE, Row, timed
from tools.bench.timing import Work
from tools.networks.engines import MeasuredEngine, float_networks
from tools.networks.unets import random_tensor

CPU = torch.device("cpu")
STEPS, GUIDANCE, SIZE = 8, (5, 2), (64, 64)
PROMPTS = tuple(f"a photo of a {name}" for name in ("dog", "ship", "seven", "sunflower"))


class TinyPrior:
    """The tiny prior in every variant.

    Attributes:
        priors: by variant; a variant's engine cuts work into calls as the exact engine does.
    """

    def __init__(self, profiles: tuple[str, ...]) -> None:
        base = load_prior("tiny", profile=FLOAT)
        self.base = base
        modules = float_networks(base)
        self.priors = {
            REFERENCE: self._measured(modules, None),
            MIXED: self._measured(modules, torch.bfloat16),
        }
        for name in profiles:
            self.priors[name] = load_prior("tiny", profile=name)

    def _measured(self, modules: Any, autocast: torch.dtype | None) -> Prior:
        engine = _FloatEngine(
            modules,
            self.base.components.config,
            profile=FLOAT,
            device=CPU,
            batch=1,
            autocast=autocast,
        )
        return dataclasses.replace(self.base, engine=engine)

    def prompts(self, prior: Prior, count: int) -> Conditioning:
        return prior.prompt(PROMPTS)[torch.arange(count) % len(PROMPTS)]


class _FloatEngine(MeasuredEngine):
    """Calls of as many samples as an exact engine's: float execution, too, likes them best."""

    def _samples(self, name: Any, positions: int) -> int:
        return max(1, (1 << 14) // positions)


def bench_tiny(profiles: tuple[str, ...], batches: tuple[int, ...], repeat: int) -> list[Row]:
    tiny = TinyPrior(profiles)
    rows = []
    for batch in batches:
        x = random_tensor("latents", (batch, *tiny.base.latent_shape(*SIZE)))
        prompts = tiny.prompts(tiny.base, batch)
        evaluations = {
            name: _bound(prior.engine.predict, x, 500.0, prompts)
            for name, prior in tiny.priors.items()
        }
        rows += timed(f"tiny U-Net, batch {batch}", evaluations, repeat)
        decoders = {name: _bound(prior.engine.decode, x) for name, prior in tiny.priors.items()}
        rows += timed(f"tiny decoder, batch {batch}", decoders, repeat)
        whole = {name: _bound(pictures, prior, batch) for name, prior in tiny.priors.items()}
        rows += timed(f"tiny images, batch {batch}", whole, max(1, repeat // 3))
    return rows


def pictures(prior: Prior, count: int) -> Any:
    """Everything from prompts to uint8: 8 steps with guidance 2.5, as ``ddz decode`` does it."""
    prompts = prior.prompt(PROMPTS)[torch.arange(count) % len(PROMPTS)]
    seeds = np.arange(count, dtype=np.uint64)
    schedule = prior.schedule(STEPS)
    return text2image(prior, prompts, prior.unconditioned(), seeds, schedule, GUIDANCE, SIZE)


def _bound(function: Callable[..., Any], *arguments: Any) -> Work:
    return lambda: function(*arguments)


def profile_tiny(profiles: tuple[str, ...], batch: int) -> list[Row]:
    tiny = TinyPrior(profiles)
    x = random_tensor("latents", (batch, *tiny.base.latent_shape(*SIZE)))
    prompts = tiny.prompts(tiny.base, batch)
    rows = []
    for name in profiles:
        engine = tiny.priors[name].engine
        predict, decode = _bound(engine.predict, x, 500.0, prompts), _bound(engine.decode, x)
        rows += operations(f"tiny U-Net, batch {batch}", name, predict)
        rows += operations(f"tiny decoder, batch {batch}", name, decode)
    return rows
