"""Signal to noise of exact profiles along real denoising, and of the pictures they make."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor

from ddcodec.prior.conditioning import Conditioning
from ddcodec.prior.engine import Engine
from tools.bench.exact.rows import REFERENCE, Row
from tools.bench.exact.tiny import TinyPrior, pictures


def sqnr(found: Tensor, reference: Tensor) -> float:
    """Signal to quantisation noise, decibel."""
    signal, noise = reference.double(), (found - reference).double()
    return round(10 * float((signal.square().sum() / noise.square().sum()).log10()), 2)


def psnr(found: Any, reference: Any) -> float:
    """Of uint8 pictures, decibel."""
    error = np.square(found.astype(np.float64) - reference.astype(np.float64)).mean()
    return round(10 * float(np.log10(255.0**2 / error)), 2) if error else float("inf")


class _Recording:
    """An engine that remembers what the U-Net was given and what it said."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.calls: list[tuple[tuple[Any, ...], Tensor]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.engine, name)

    def predict(
        self, x: Tensor, timestep: float, prompts: Conditioning, time_ids: Sequence[int] = ()
    ) -> Tensor:
        out = self.engine.predict(x, timestep, prompts, time_ids)
        self.calls.append(((x, timestep, prompts, time_ids), out))
        return out

    def decode(self, latents: Tensor) -> Any:
        self.latents = latents
        return self.engine.decode(latents)


def bench_quality(profiles: tuple[str, ...], count: int = 64) -> list[Row]:
    """Every variant on what float32 met while it made ``count`` pictures."""
    tiny = TinyPrior(profiles)
    recording = _Recording(tiny.priors[REFERENCE].engine)
    truth = pictures(dataclasses.replace(tiny.base, engine=recording), count)
    decoded = tiny.priors[REFERENCE].engine.decode(recording.latents)
    rows = []
    for name, prior in tiny.priors.items():
        if name == REFERENCE:
            continue
        steps = [sqnr(prior.engine.predict(*given), out) for given, out in recording.calls]
        rows.append(
            {
                "case": "tiny prior",
                "variant": name,
                "sqnr_db": round(statistics.mean(steps), 2),
                "sqnr_worst_step_db": min(steps),
                "psnr_decoder_db": psnr(prior.engine.decode(recording.latents), decoded),
                "psnr_images_db": psnr(pictures(prior, count), truth),
            }
        )
    return rows
