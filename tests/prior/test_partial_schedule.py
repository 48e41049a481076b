"""A table from the middle of a schedule is what diffusers' image2image pipelines run."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from torch import Tensor

from ddcodec.codecs.schedule_table import Schedule, ScheduleTable
from ddcodec.errors import EncodeError, RequestError
from ddcodec.prior.partial_schedule import (
    PartialSchedule,
    extract_partial_schedule,
    replay_partial,
    steps_run,
)
from ddcodec.prior.quiet import quiet_libraries
from ddcodec.prior.schedule import extract_schedule

STABLE_DIFFUSION = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}

# One value a channel: what a linear "network" gets and gives.
WEIGHTS = torch.randn(4, 4, generator=torch.Generator().manual_seed(5)) / 2


def make(name: str, **options: Any) -> Any:
    with quiet_libraries():
        return getattr(diffusers, name)(**{**STABLE_DIFFUSION, **options})


def linear(x: Tensor, timestep: float) -> Tensor:
    return torch.einsum("oc,nchw->nohw", WEIGHTS, x) * (1 + timestep / 1000)


def timesteps_of_diffusers(scheduler: Any, steps: int, strength: float) -> Tensor:
    """Its own rule; leaves the scheduler ready for the first step."""
    with quiet_libraries():
        from diffusers import StableDiffusionImg2ImgPipeline as Pipeline

        scheduler.set_timesteps(steps)
        timesteps: Tensor = Pipeline.get_timesteps(
            SimpleNamespace(scheduler=scheduler), steps, strength, None
        )[0]
    return timesteps


def draws(count: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(2, 4, 3, 3, generator=generator) for _ in range(count)]


def run_diffusers(
    scheduler: Any, steps: int, strength: float, monkeypatch: pytest.MonkeyPatch
) -> tuple[Tensor, Tensor]:
    """Timesteps and last sample of the scheduler, in the loop of the image2image pipeline."""
    latents, start, *noise = draws(2 + 4 * steps)
    module = __import__(type(scheduler).__module__, fromlist=["randn_tensor"])
    current = iter(noise)
    monkeypatch.setattr(module, "randn_tensor", lambda *a, **k: next(current), raising=False)
    timesteps = timesteps_of_diffusers(scheduler, steps, strength)
    with quiet_libraries():
        x = scheduler.add_noise(latents, start, timesteps[:1].repeat(len(latents)))
        for i, t in enumerate(timesteps):
            current = iter(noise[i:])
            e = linear(scheduler.scale_model_input(x, t), float(t))
            x = scheduler.step(e, t, x, return_dict=False)[0]
    return timesteps, x


SCHEDULERS: list[tuple[str, dict[str, Any]]] = [
    ("DDIMScheduler", {"clip_sample": False, "prediction_type": "v_prediction"}),
    ("DDIMScheduler", {"clip_sample": False, "timestep_spacing": "trailing"}),
    ("DDPMScheduler", {"clip_sample": False}),
    ("DEISMultistepScheduler", {}),
    ("DPMSolverMultistepScheduler", {"use_karras_sigmas": True}),
    ("DPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++"}),
    ("DPMSolverSinglestepScheduler", {}),
    ("EulerAncestralDiscreteScheduler", {"timestep_spacing": "trailing"}),
    ("EulerDiscreteScheduler", {"timestep_spacing": "leading"}),
    ("HeunDiscreteScheduler", {}),
    ("KDPM2AncestralDiscreteScheduler", {}),
    ("KDPM2DiscreteScheduler", {}),
    ("LCMScheduler", {}),
    ("LMSDiscreteScheduler", {}),
    ("PNDMScheduler", {"skip_prk_steps": True, "steps_offset": 1}),
    ("TCDScheduler", {}),
    ("UniPCMultistepScheduler", {"prediction_type": "v_prediction"}),
]


@pytest.mark.parametrize("strength", [(4, 5), (1, 2), (1, 1), (1, 5)], ids=str)
@pytest.mark.parametrize(("name", "options"), SCHEDULERS, ids=str)
def test_it_replays_as_diffusers_does(
    name: str, options: dict[str, Any], strength: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduler = make(name, **options)
    partial = extract_partial_schedule(scheduler, 5, strength)
    timesteps, wanted = run_diffusers(scheduler, 5, strength[0] / strength[1], monkeypatch)
    assert partial.table.timesteps.tolist() == timesteps.tolist()
    latents, start, *noise = draws(22)
    made = replay_partial(partial, latents, start, linear, lambda step: noise[step - 1])
    assert (made - wanted).norm() < 1e-5 * wanted.norm()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("DDIMScheduler", {}),
        ("HeunDiscreteScheduler", {}),
        ("PNDMScheduler", {"skip_prk_steps": 1}),
    ],
    ids=str,
)
def test_the_steps_run_are_those_of_diffusers(name: str, options: dict[str, Any]) -> None:
    scheduler = make(name, **options)
    order = scheduler.order
    for steps in (1, 3, 5, 30, 50, 100):
        for percent in range(1, 101):
            wanted = timesteps_of_diffusers(scheduler, steps, percent / 100)
            if int(steps * (percent / 100)) == 0:
                assert len(wanted) < 2  # PNDM's second evaluation of its only step
                with pytest.raises(RequestError, match="runs none"):
                    steps_run(steps, (percent, 100))
                continue
            begin = (steps - steps_run(steps, (percent, 100))) * order
            assert torch.equal(scheduler.timesteps[begin:], wanted)


def test_five_steps_at_the_papers_strength_are_four() -> None:
    assert steps_run(5, (4, 5)) == 4
    assert steps_run(50, (7, 10)) == 35
    assert steps_run(100, (29, 100)) == 28


def test_the_start_is_the_textbook_one() -> None:
    """Ho et al., "Denoising diffusion probabilistic models", eq. 4; Karras et al. for Euler."""
    scheduler = make("DDIMScheduler", clip_sample=False)
    partial = extract_partial_schedule(scheduler, 10, (1, 2))
    kept = scheduler.alphas_cumprod[int(partial.table.timesteps[0])].double()
    assert partial.signal == np.float32(kept.sqrt().item())
    assert partial.table.init_scale == np.float32((1 - kept).sqrt().item())
    euler = make("EulerDiscreteScheduler")
    partial = extract_partial_schedule(euler, 10, (1, 2))
    with quiet_libraries():
        euler.set_timesteps(10)
    assert (partial.signal, partial.table.init_scale) == (1, euler.sigmas[5].item())


def test_a_strength_of_one_is_the_whole_table() -> None:
    scheduler = make("DPMSolverMultistepScheduler")
    whole = extract_schedule(scheduler, 6)
    partial = extract_partial_schedule(scheduler, 6, (1, 1))
    for field in ("timesteps", "c_in", "c_noise", "a", "b"):
        assert np.array_equal(getattr(partial.table, field), getattr(whole, field))
    assert 0 < partial.signal < 0.1


def test_a_multi_step_scheduler_warms_up_anew() -> None:
    scheduler = make("DPMSolverMultistepScheduler", solver_order=2)
    whole = extract_schedule(scheduler, 6)
    partial = extract_partial_schedule(scheduler, 6, (1, 2)).table
    assert partial.timesteps.tolist() == whole.timesteps[3:].tolist()
    assert whole.b[3, 1] != 0
    assert partial.b[0, 1] == 0


@pytest.mark.parametrize(("name", "options"), SCHEDULERS, ids=str)
def test_the_table_fits_its_codec(name: str, options: dict[str, Any]) -> None:
    table = extract_partial_schedule(make(name, **options), 6, (2, 3)).table
    stored = ScheduleTable().decode(ScheduleTable().encode(table))
    for field in ("timesteps", "c_in", "c_noise", "a", "b", "init_scale"):
        assert np.array_equal(getattr(stored, field), getattr(table, field))


def test_probing_leaves_the_scheduler_as_it_was() -> None:
    scheduler = make("DPMSolverMultistepScheduler")
    before = scheduler.timesteps.clone()
    extract_partial_schedule(scheduler, 4, (1, 2))
    assert torch.equal(scheduler.timesteps, before)
    assert scheduler.begin_index is None


def test_a_schedule_too_long_for_a_table_may_end_in_one_that_fits() -> None:
    scheduler = make("UniPCMultistepScheduler")
    with pytest.raises(EncodeError, match="history of 24"):
        extract_schedule(scheduler, 25)
    assert extract_partial_schedule(scheduler, 25, (1, 2)).table.steps == 12


@pytest.mark.parametrize("strength", [(0, 1), (-1, 2), (6, 5), (1, 0), (1, -2), (-1, -2)], ids=str)
def test_strengths_out_of_range_are_refused(strength: tuple[int, int]) -> None:
    with pytest.raises(RequestError, match="more than 0, at most 1"):
        extract_partial_schedule(make("DDIMScheduler", clip_sample=False), 5, strength)


def test_what_cannot_be_a_table_is_named() -> None:
    with pytest.raises(RequestError, match="runs none of 5 steps; give at least 1/5"):
        extract_partial_schedule(make("DDIMScheduler", clip_sample=False), 5, (1, 6))
    with pytest.raises(RequestError, match="0 inference steps"):
        extract_partial_schedule(make("DDIMScheduler", clip_sample=False), 0, (1, 1))
    with pytest.raises(EncodeError, match="DDIMScheduler has clip_sample switched on"):
        extract_partial_schedule(make("DDIMScheduler"), 5, (1, 2))
    learned = make("DDPMScheduler", clip_sample=False, variance_type="learned")
    with pytest.raises(EncodeError, match="DDPMScheduler cannot make 8"):
        extract_partial_schedule(learned, 8, (1, 4))


def test_the_start_is_three_operations_in_the_stated_order() -> None:
    """Against numpy scalars, bit for bit."""
    f = np.float32
    rng = np.random.default_rng(0)
    latents, noise = rng.normal(size=(2, 3, 4, 8, 8)).astype(f)
    one = np.ones(1, f)
    column = np.ones((1, 1), f)
    table = Schedule(
        timesteps=one, c_in=one, c_noise=0 * one, a=column, b=column, init_scale=f(0.3)
    )
    partial = PartialSchedule(f(0.7), table)
    seen = []

    def predict(x: Tensor, _: float) -> Tensor:
        seen.append(x.numpy())
        return torch.zeros_like(x)

    replay_partial(partial, torch.tensor(latents), torch.tensor(noise), predict, torch.zeros)
    assert np.array_equal(seen[0], f(0.7) * latents + f(0.3) * noise)
    fused = (0.7 * latents.astype(float) + 0.3 * noise.astype(float)).astype(f)
    assert not np.array_equal(seen[0], fused)
