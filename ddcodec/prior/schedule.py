"""Pinned schedulers as data, not code (spec/prior.md, "What a table holds").

Every linear scheduler maps what it has seen so far (samples x, model outputs e) and fresh noise z
to the next sample by fixed coefficients. They are read off a diffusers scheduler by running it
once on basis vectors, stored in the artifact, and replayed without diffusers.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from ddcodec.arrays import Float64s
from ddcodec.codecs.schedule_table import MAX_HISTORY, MAX_STEPS, Schedule
from ddcodec.errors import DdcodecError, EncodeError, RequestError
from ddcodec.prior.quiet import quiet_libraries

__all__ = ["extract_schedule", "replay"]


# Options of diffusers schedulers that make a step non-linear in the sample or the model output.
_NON_LINEAR = ("thresholding", "clip_sample")
# Coefficients this far below their row's largest are rounding residue of the scheduler's own
# arithmetic: twice below the resolution of binary32.
_RESIDUE = 2.0**-40
_TOLERANCE = 1e-5


def extract_schedule(scheduler: Any, steps: int) -> Schedule:
    """Read the table of ``steps`` inference steps off a diffusers scheduler.

    Args:
        scheduler: any diffusers scheduler whose steps are linear (DDIM, DDPM, PNDM, Euler,
            Euler-ancestral, Heun, LCM, DPM-Solver++, UniPC, ...). It is copied, not changed.
        steps: as ``num_inference_steps`` of a pipeline; second-order schedulers make more table
            rows than that.

    Returns:
        The table in binary32, with the shortest history that holds every coefficient.

    Raises:
        EncodeError: the scheduler is not linear, cannot make this many steps, or does not
            replay within a relative error of 1e-5.
    """
    name = type(scheduler).__name__
    if steps < 1:
        raise RequestError(f"{steps} inference steps are not possible; give 1 or more")
    for option in _NON_LINEAR:
        accepted = option in inspect.signature(type(scheduler).__init__).parameters
        if accepted and scheduler.config.get(option):
            raise EncodeError(
                f"{name} has {option} switched on, which is not linear and cannot be stored as a "
                f"schedule table; set {option} to false in scheduler/scheduler_config.json"
            )
    with _library_errors(scheduler, steps):
        schedule = _tabulate(_prepared(scheduler, steps), name)
        error = _replay_error(_prepared(scheduler, steps), schedule)
    if not error < _TOLERANCE:
        raise EncodeError(
            f"{name} with {steps} steps is not reproduced by a schedule table (relative error "
            f"{error:.1e}); choose a linear scheduler such as DDIM, Euler or DPM-Solver++"
        )
    return schedule


def replay(
    schedule: Schedule,
    noise: Tensor,
    predict: Callable[[Tensor, float], Tensor],
    step_noise: Callable[[int], Tensor],
) -> Tensor:
    """Run a schedule table: single binary32 operations in a fixed order.

    x_0 = init_scale * noise; then x_{i+1} = a_0 x_i + b_0 e_i + a_1 x_{i-1} + b_1 e_{i-1} + ...
    + c z, summed from left to right, where a term with coefficient zero is left out.

    Args:
        noise: float32 [n, c, h, w], standard normal, on the device to compute on.
        predict: (model input, timestep) -> model output e, both float32 [n, c, h, w].
        step_noise: step 1, 2, ... -> z, float32 [n, c, h, w]; called only where c is not zero.

    Returns:
        float32 [n, c, h, w]: the last sample.
    """
    a, b, c_noise = schedule.a, schedule.b, schedule.c_noise
    history = a.shape[1]
    xs, es = [_scaled(noise, schedule.init_scale)], list[Tensor]()
    for i, timestep in enumerate(schedule.timesteps):
        es.insert(0, predict(_scaled(xs[0], schedule.c_in[i]), float(timestep)))
        terms = []
        for k in range(min(history, len(xs))):
            terms += [_scaled(v[k], c) for v, c in ((xs, a[i, k]), (es, b[i, k])) if c != 0]
        if c_noise[i] != 0:
            terms.append(_scaled(step_noise(i + 1), c_noise[i]))
        total = terms[0] if terms else torch.zeros_like(xs[0])
        for term in terms[1:]:
            total = total + term
        xs.insert(0, total)
        del xs[history:], es[history:]
    return xs[0]


def _scaled(x: Tensor, coefficient: np.float32 | float) -> Tensor:
    # A tensor, not a Python number, so that no backend widens or reorders the product.
    return x * torch.tensor(coefficient, dtype=torch.float32, device=x.device)


class _Noise(TorchFunctionMode):
    """Hand out given noise wherever the scheduler draws from a normal distribution.

    It acts on the calling thread only, unlike a patched ``randn_tensor``, and catches
    schedulers that call torch themselves.
    """

    def __init__(self, value: Tensor) -> None:
        super().__init__()
        self.value = value
        self.draws = 0

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func in (torch.randn, torch.randn_like):
            self.draws += 1
            return self.value.to((kwargs or {}).get("dtype") or self.value.dtype)
        return func(*args, **(kwargs or {}))


@contextmanager
def _library_errors(scheduler: Any, steps: int) -> Iterator[None]:
    """What a scheduler raises when it is not made for this use, said as an EncodeError."""
    try:
        with quiet_libraries():
            yield
    except DdcodecError:
        raise
    except (ArithmeticError, AttributeError, ImportError, LookupError, TypeError) as error:
        raise _unusable(scheduler, steps, error) from error
    except (AssertionError, RuntimeError, ValueError) as error:
        raise _unusable(scheduler, steps, error) from error


def _unusable(scheduler: Any, steps: int, error: BaseException) -> EncodeError:
    return EncodeError(
        f"{type(scheduler).__name__} cannot make {steps} text-to-image steps ({error}); give "
        "another number of steps, or a linear scheduler such as DDIM, Euler or DPM-Solver++"
    )


def _prepared(scheduler: Any, steps: int) -> Any:
    fresh = copy.deepcopy(scheduler)
    fresh.set_timesteps(steps, device="cpu")
    return fresh


def _step(scheduler: Any, t: Tensor, x: Tensor, e: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
    """One step -> (model input, next sample), as diffusers' text-to-image pipelines call it."""
    with _Noise(z) as noise, torch.no_grad():
        model_input = scheduler.scale_model_input(x, t)
        following = scheduler.step(e, t, x, return_dict=False)[0]
    if noise.draws > 1:
        name = type(scheduler).__name__
        raise EncodeError(f"{name} draws noise twice in a step; choose another scheduler")
    return model_input, following


def _tabulate(scheduler: Any, name: str) -> Schedule:
    """Feed a fresh basis vector for each x_i, e_i and z_i; coordinates are coefficients."""
    timesteps = scheduler.timesteps
    count = len(timesteps)
    a, b, c = np.zeros((count, count)), np.zeros((count, count)), np.zeros(count)
    c_in = np.zeros(count)
    basis = _Basis(count)
    for i, t in enumerate(timesteps):
        x, e, z = (basis.vector(kind, i) for kind in range(3))
        model_input, following = _step(scheduler, t, x, e, z)
        c_in[i] = basis.coordinates(model_input)[0, i]
        row = basis.coordinates(following)
        row[np.abs(row) <= _RESIDUE * np.abs(row).max()] = 0
        a[i, : i + 1] = row[0, i::-1] if i else row[0, :1]
        b[i, : i + 1] = row[1, i::-1] if i else row[1, :1]
        c[i] = row[2, i]
    table = [v.astype(np.float32) for v in (c_in, c, a, b)]
    start = np.float32(float(scheduler.init_noise_sigma))
    if not all(np.isfinite(v).all() for v in (*table, start)):
        raise EncodeError(
            f"{name} with {count} steps divides by zero (a schedule that ends in pure noise needs "
            "v_prediction); use another timestep spacing or scheduler"
        )
    used = np.nonzero((table[2] != 0).any(0) | (table[3] != 0).any(0))[0]
    history = int(used.max()) + 1 if len(used) else 1
    if count > MAX_STEPS or history > MAX_HISTORY:
        raise EncodeError(
            f"{name} makes {count} steps with a history of {history}; a schedule table holds at "
            f"most {MAX_STEPS} and {MAX_HISTORY}, so give fewer steps or another scheduler"
        )
    return Schedule(
        timesteps=timesteps.to(torch.float32).numpy(),
        c_in=table[0],
        c_noise=table[1],
        a=np.ascontiguousarray(table[2][:, :history]),
        b=np.ascontiguousarray(table[3][:, :history]),
        init_scale=start,
    )


class _Basis:
    """Unit vectors x_0, e_0, z_0, x_1, ... laid out as float64 samples [1, 1, 1, 3 * count]."""

    def __init__(self, count: int) -> None:
        self.count = count

    def vector(self, kind: int, index: int) -> Tensor:
        out = torch.zeros(1, 1, 1, 3 * self.count, dtype=torch.float64)
        out[..., kind * self.count + index] = 1
        return out

    def coordinates(self, sample: Tensor) -> Float64s:
        out: Float64s = sample.to(torch.float64).reshape(3, self.count).numpy().copy()
        return out


def _replay_error(scheduler: Any, schedule: Schedule) -> float:
    """Relative error of ``replay`` against the scheduler itself, on random tensors."""
    generator = torch.Generator().manual_seed(0)

    def draw() -> Tensor:
        return torch.randn(1, 4, 8, 8, generator=generator, dtype=torch.float64).float()

    count = len(scheduler.timesteps)
    start = draw()
    # Larger than a model's outputs, so that a clip hidden in the scheduler shows.
    outputs = [4 * draw() for _ in range(count)]
    noise = [draw() for _ in range(count)]
    inputs = []
    x = start.double() * float(scheduler.init_noise_sigma)
    for t, e, z in zip(scheduler.timesteps, outputs, noise, strict=True):
        model_input, x = _step(scheduler, t, x, e.double(), z.double())
        inputs.append(model_input)
    errors = list[float]()

    def predict(model_input: Tensor, _: float) -> Tensor:
        i = len(errors)
        errors.append(_relative(model_input, inputs[i]))
        return outputs[i]

    last = replay(schedule, start, predict, lambda step: noise[step - 1])
    return max([*errors, _relative(last, x)], key=lambda v: v if v == v else float("inf"))


def _relative(value: Tensor, truth: Tensor) -> float:
    difference = (value.double() - truth.double()).norm()
    return float(difference / truth.double().norm().clamp_min(1e-30))
