"""A schedule table that starts from a noised latent (spec/image2image.md, "Start" and "Table").

Forward noising is data as denoising is: x_0 = signal * latent + init_scale * noise, where both
coefficients and the steps that remain are read off a diffusers scheduler.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ddcodec.codecs.schedule_table import Schedule
from ddcodec.errors import EncodeError, RequestError
from ddcodec.prior.quiet import quiet_libraries
from ddcodec.prior.schedule import extract_schedule, replay

__all__ = ["PartialSchedule", "extract_partial_schedule", "replay_partial", "steps_run"]


@dataclass(frozen=True, eq=False)
class PartialSchedule:
    """The end of a schedule, from the step that a strength begins with.

    Attributes:
        signal: what the latent is multiplied by at the start.
        table: the steps to run; its ``init_scale`` is what the noise is multiplied by.
    """

    signal: np.float32
    table: Schedule

    @classmethod
    def from_bits(cls, signal: int, table: Schedule) -> PartialSchedule:
        """As a recipe holds it: the bit pattern of ``signal`` beside the table."""
        return cls(np.uint32(signal).view(np.float32), table)

    @property
    def signal_bits(self) -> int:
        """The bit pattern of ``signal``, which a recipe holds."""
        return int(self.signal.view(np.uint32))


def steps_run(steps: int, strength: tuple[int, int]) -> int:
    """How many of ``steps`` inference steps a strength runs, as diffusers' img2img pipelines do.

    Args:
        steps: ``num_inference_steps``, 1 or more.
        strength: the papers' rho as (numerator, denominator), above 0 and at most 1.

    Returns:
        floor of ``steps`` times the strength, both operations in binary64; at least 1. (So 29/100
        of 100 steps are 28, for the product is 28.999999999999996.)

    Raises:
        RequestError: the strength is out of range, or too small for one step.
    """
    numerator, denominator = strength
    if denominator < 1 or not 0 < numerator <= denominator:
        raise RequestError(
            f"a strength of {numerator}/{denominator} is not possible; give more than 0, at most 1"
        )
    if steps < 1:
        raise RequestError(f"{steps} inference steps are not possible; give 1 or more")
    count = int(steps * (numerator / denominator))
    if count < 1:
        raise RequestError(
            f"a strength of {numerator}/{denominator} runs none of {steps} steps; give at least "
            f"1/{steps}, or more steps"
        )
    return count


def extract_partial_schedule(
    scheduler: Any, steps: int, strength: tuple[int, int]
) -> PartialSchedule:
    """Read a start and the steps after it off a diffusers scheduler.

    Its ``add_noise`` and its steps are run on unit vectors, as diffusers'
    ``StableDiffusionImg2ImgPipeline`` would run them; see ``extract_schedule``. A multi-step
    scheduler warms up from its first remaining step, so this is more than the end of a full table.

    Args:
        scheduler: any that ``extract_schedule`` accepts. It is copied, not changed.
        steps: ``num_inference_steps``: those of a strength of 1.
        strength: the papers' rho as (numerator, denominator), above 0 and at most 1.

    Raises:
        EncodeError: the strength runs no step, or the scheduler is not linear, cannot start
            in the middle, or does not replay within a relative error of 1e-5.

    Source: spec/image2image.md, "Table"; rho and its noise are eq. 2 of "Diffusion-augmented
    coreset expansion".
    """
    skipped = steps - steps_run(steps, strength)
    tail = _tail(scheduler, skipped * getattr(scheduler, "order", 1))
    table = extract_schedule(tail, steps)
    with quiet_libraries():
        tail.set_timesteps(steps)
    signal = np.float32(tail.signal)
    if not np.isfinite(signal):
        raise EncodeError(f"{type(scheduler).__name__} gives a latent the factor {signal}")
    return PartialSchedule(signal, table)


def replay_partial(
    schedule: PartialSchedule,
    latents: Tensor,
    noise: Tensor,
    predict: Callable[[Tensor, float], Tensor],
    step_noise: Callable[[int], Tensor],
) -> Tensor:
    """``replay`` from x_0 = signal * latent + init_scale * noise: three roundings to binary32.

    Args:
        latents: float32 [n, c, h, w], on the device to compute on.
        noise: float32 [n, c, h, w], standard normal.
        predict: (model input, timestep) -> model output, both float32 [n, c, h, w].
        step_noise: step 1, 2, ... of the table -> float32 [n, c, h, w].

    Returns:
        float32 [n, c, h, w]: the last sample.

    Source: spec/image2image.md, "Start".
    """
    table = schedule.table
    # Tensors, not Python numbers, so that no backend widens the products.
    signal, scale = torch.tensor(
        np.array([schedule.signal, table.init_scale], np.float32), device=latents.device
    )
    kept = signal * latents
    added = scale * noise
    # One times x is x, so the table's own start adds no rounding.
    return replay(replace(table, init_scale=np.float32(1)), kept + added, predict, step_noise)


class _Tail:
    """The last steps of a scheduler, with what ``extract_schedule`` asks of a whole one.

    ``timesteps`` of the scheduler itself must stay complete: multi-step schedulers count in it.

    Attributes:
        scheduler: the scheduler, which this object changes.
        begin: entries of ``scheduler.timesteps`` to leave out.
        timesteps, signal, init_noise_sigma: the entries that remain, and the coefficients of
            latent and noise at the first of them; known once ``set_timesteps`` was called.
    """

    scheduler: Any
    begin: int
    timesteps: Tensor
    signal: float
    init_noise_sigma: float

    @property
    def config(self) -> Any:
        return self.scheduler.config

    def set_timesteps(self, steps: int, device: str = "cpu") -> None:
        self.scheduler.set_timesteps(steps, device=device)
        if hasattr(self.scheduler, "set_begin_index"):
            self.scheduler.set_begin_index(self.begin)
        self.timesteps = self.scheduler.timesteps[self.begin :]
        latent, noise = torch.eye(2, dtype=torch.float64).reshape(2, 1, 1, 1, 2)
        noised = self.scheduler.add_noise(latent, noise, self.timesteps[:1])
        self.signal, self.init_noise_sigma = noised.flatten().tolist()

    def scale_model_input(self, sample: Tensor, timestep: Tensor) -> Tensor:
        scaled: Tensor = self.scheduler.scale_model_input(sample, timestep)
        return scaled

    def step(self, *arguments: Any, **options: Any) -> Any:
        return self.scheduler.step(*arguments, **options)


def _tail(scheduler: Any, begin: int) -> _Tail:
    # extract_schedule names the class in its errors, and reads options off the constructor.
    kind = type(scheduler)
    named: type[_Tail] = type(kind.__name__, (_Tail,), {"__init__": kind.__init__})
    tail = named.__new__(named)
    tail.scheduler, tail.begin = copy.deepcopy(scheduler), begin
    return tail
