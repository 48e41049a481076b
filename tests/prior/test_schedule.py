from __future__ import annotations

from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from torch import Tensor

from ddcodec.codecs.schedule_table import Schedule, ScheduleTable
from ddcodec.errors import EncodeError, RequestError
from ddcodec.prior.quiet import quiet_libraries
from ddcodec.prior.schedule import extract_schedule, replay

STABLE_DIFFUSION = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}


def make(name: str, **options: Any) -> Any:
    with quiet_libraries():
        return getattr(diffusers, name)(**{**STABLE_DIFFUSION, **options})


def draw(generator: torch.Generator) -> Tensor:
    return torch.randn(2, 4, 3, 3, generator=generator)


def run_diffusers(scheduler: Any, steps: int, monkeypatch: pytest.MonkeyPatch) -> list[Tensor]:
    """The scheduler itself, with a made-up model e = sin(model input) + t / 1000."""
    generator = torch.Generator().manual_seed(1)
    start = draw(generator)
    noise = [draw(generator) for _ in range(4 * steps)]
    module = __import__(type(scheduler).__module__, fromlist=["randn_tensor"])
    current = iter(noise)
    monkeypatch.setattr(module, "randn_tensor", lambda *a, **k: next(current), raising=False)
    with quiet_libraries():
        scheduler.set_timesteps(steps)
    x = start * scheduler.init_noise_sigma
    for i, t in enumerate(scheduler.timesteps):
        current = iter(noise[i:])
        with quiet_libraries():
            e = model(scheduler.scale_model_input(x, t), float(t))
            x = scheduler.step(e, t, x, return_dict=False)[0]
    return [x, start, *noise]


def model(x: Tensor, timestep: float) -> Tensor:
    return torch.sin(x) + timestep / 1000


# Scheduler, options, and the history its table needs at 6 steps.
LINEAR: list[tuple[str, dict[str, Any], int]] = [
    ("DDIMScheduler", {"clip_sample": False}, 1),
    ("DDIMScheduler", {"clip_sample": False, "set_alpha_to_one": False, "steps_offset": 1}, 1),
    ("DDIMScheduler", {"clip_sample": False, "timestep_spacing": "trailing"}, 1),
    ("DDPMScheduler", {"clip_sample": False}, 1),
    ("DDPMScheduler", {"clip_sample": False, "variance_type": "fixed_large"}, 1),
    ("EulerDiscreteScheduler", {}, 1),
    ("EulerDiscreteScheduler", {"use_karras_sigmas": True, "timestep_spacing": "leading"}, 1),
    ("EulerAncestralDiscreteScheduler", {}, 1),
    ("EulerAncestralDiscreteScheduler", {"timestep_spacing": "trailing"}, 1),
    ("LCMScheduler", {}, 1),
    ("HeunDiscreteScheduler", {}, 2),
    ("PNDMScheduler", {"skip_prk_steps": True, "steps_offset": 1}, 5),
    ("DPMSolverMultistepScheduler", {"solver_order": 1}, 1),
    ("DPMSolverMultistepScheduler", {"solver_order": 2, "solver_type": "midpoint"}, 2),
    ("DPMSolverMultistepScheduler", {"solver_order": 2, "use_karras_sigmas": True}, 2),
    ("DPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++"}, 2),
    ("UniPCMultistepScheduler", {}, 5),
]


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
@pytest.mark.parametrize(("name", "options", "history"), LINEAR, ids=str)
def test_table_replays_as_diffusers_does(
    name: str,
    options: dict[str, Any],
    history: int,
    prediction: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scheduler = make(name, prediction_type=prediction, **options)
    schedule = extract_schedule(scheduler, 6)
    assert schedule.history == history
    wanted, start, *noise = run_diffusers(scheduler, 6, monkeypatch)
    assert schedule.timesteps.tolist() == scheduler.timesteps.tolist()
    made = replay(schedule, start, model, lambda step: noise[step - 1])
    assert (made - wanted).norm() < 1e-5 * wanted.norm()


@pytest.mark.parametrize(("name", "options", "history"), LINEAR, ids=str)
def test_table_fits_its_codec(name: str, options: dict[str, Any], history: int) -> None:
    schedule = extract_schedule(make(name, **options), 6)
    stored = ScheduleTable().decode(ScheduleTable().encode(schedule))
    for field in ("timesteps", "c_in", "c_noise", "a", "b", "init_scale"):
        assert np.array_equal(getattr(stored, field), getattr(schedule, field))


def test_probing_leaves_the_scheduler_as_it_was() -> None:
    scheduler = make("DPMSolverMultistepScheduler")
    before = scheduler.timesteps.clone()
    extract_schedule(scheduler, 4)
    assert torch.equal(scheduler.timesteps, before)


def test_ddim_coefficients_are_the_textbook_ones() -> None:
    """Song et al., "Denoising diffusion implicit models", eq. 12 with sigma = 0."""
    scheduler = make("DDIMScheduler", clip_sample=False)
    schedule = extract_schedule(scheduler, 4)
    now = scheduler.alphas_cumprod[schedule.timesteps.astype(int)].double().numpy()
    after = np.append(now[1:], 1.0)
    a = np.sqrt(after / now)
    np.testing.assert_allclose(schedule.a[:, 0], a, rtol=1e-6)
    np.testing.assert_allclose(
        schedule.b[:, 0], np.sqrt(1 - after) - a * np.sqrt(1 - now), rtol=1e-6, atol=1e-6
    )
    assert not schedule.c_noise.any()


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("DDIMScheduler", {}, "clip_sample switched on"),
        ("DDPMScheduler", {"clip_sample": False, "thresholding": True}, "thresholding switched"),
        ("LCMScheduler", {"clip_sample": True, "clip_sample_range": 1e6}, "clip_sample switched"),
        ("DPMSolverMultistepScheduler", {"thresholding": True}, "thresholding switched on"),
        ("DDPMScheduler", {"clip_sample": False, "variance_type": "learned"}, "cannot make"),
    ],
    ids=str,
)
def test_non_linear_options_are_named(name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(EncodeError, match=message):
        extract_schedule(make(name, **options), 4)


def test_hidden_clipping_is_found_by_replaying(monkeypatch: pytest.MonkeyPatch) -> None:
    scheduler = make("DDIMScheduler", clip_sample=False)
    step = diffusers.DDIMScheduler.step

    def clipped(self: Any, e: Tensor, t: Tensor, x: Tensor, **kwargs: Any) -> Any:
        return step(self, e.clamp(-3, 3), t, x, **kwargs)

    monkeypatch.setattr(diffusers.DDIMScheduler, "step", clipped)
    with pytest.raises(EncodeError, match="not reproduced by a schedule table"):
        extract_schedule(scheduler, 4)


def test_division_by_zero_is_explained() -> None:
    scheduler = make(
        "DDIMScheduler",
        clip_sample=False,
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
    )
    with pytest.raises(EncodeError, match="divides by zero"):
        extract_schedule(scheduler, 4)


@pytest.mark.parametrize("steps", [0, -1, 1001])
def test_impossible_step_counts_are_refused(steps: int) -> None:
    with pytest.raises((EncodeError, RequestError), match="steps"):
        extract_schedule(make("DDIMScheduler", clip_sample=False), steps)


def test_history_beyond_the_tables_limit_is_refused() -> None:
    with pytest.raises(EncodeError, match="history of 24"):
        extract_schedule(make("UniPCMultistepScheduler"), 25)


def test_replay_is_single_operations_in_the_stated_order() -> None:
    """Against numpy scalars, bit for bit, on coefficients where the order shows."""
    f = np.float32
    rng = np.random.default_rng(0)
    c_in, c_noise = (rng.normal(size=3).astype(f) for _ in range(2))
    a, b = (rng.normal(size=(3, 2)).astype(f) for _ in range(2))
    a[0, 1] = b[0, 1] = b[2, 0] = c_noise[1] = 0
    timesteps = np.array([9, 5, 1], f)
    schedule = Schedule(
        timesteps=timesteps, c_in=c_in, c_noise=c_noise, a=a, b=b, init_scale=f(1.7)
    )
    start = rng.normal(size=(1, 1, 8, 8)).astype(f)
    z = rng.normal(size=(3, 1, 1, 8, 8)).astype(f)
    used = []

    def third(x: Tensor, timestep: float) -> Tensor:
        return x * x + timestep

    def noise(step: int) -> Tensor:
        used.append(step)
        return torch.from_numpy(z[step - 1])

    made = replay(schedule, torch.from_numpy(start), third, noise).numpy()

    x0 = f(1.7) * start
    e0 = (c_in[0] * x0) * (c_in[0] * x0) + f(9)
    x1 = (a[0, 0] * x0 + b[0, 0] * e0) + c_noise[0] * z[0]
    e1 = (c_in[1] * x1) * (c_in[1] * x1) + f(5)
    x2 = ((a[1, 0] * x1 + b[1, 0] * e1) + a[1, 1] * x0) + b[1, 1] * e0
    x3 = ((a[2, 0] * x2 + a[2, 1] * x1) + b[2, 1] * e1) + c_noise[2] * z[2]
    assert np.array_equal(made, x3)
    assert used == [1, 3]
