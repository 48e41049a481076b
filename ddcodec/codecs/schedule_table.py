"""The schedule table: a diffusion sampler as data, replayed with single binary32 operations.

Source: spec/codecs.md, "Schedule table". Every sampler linear in the latent and the prediction
is an affine update a step; the table holds its coefficients, so no scheduler code is pinned.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ddcodec.arrays import Float32s
from ddcodec.codecs.base import ALL, Codec, check_length
from ddcodec.errors import EncodeError, PayloadError

__all__ = ["MAX_HISTORY", "MAX_STEPS", "Schedule", "ScheduleTable"]


MAX_STEPS = 4096
MAX_HISTORY = 16
_PREFIX = struct.Struct("<HHf")


@dataclass(frozen=True, eq=False)
class Schedule:
    """Coefficients of S steps with H terms of history, all float32.

    The model input of step i is c_in[i] * x_i at ``timesteps[i]`` and its output is e_i; then
    x_{i+1} = sum over k of a[i, k] x_{i-k} + b[i, k] e_{i-k}, plus c_noise[i] z_i. It starts
    from x_0 = init_scale * noise. Terms with k > i have coefficients of zero.

    Args:
        timesteps: [S], as the model takes them.
        c_in: [S].
        c_noise: [S].
        a: [S, H].
        b: [S, H].
        init_scale: scale of the initial noise.
    """

    timesteps: Float32s
    c_in: Float32s
    c_noise: Float32s
    a: Float32s
    b: Float32s
    init_scale: np.float32

    @property
    def steps(self) -> int:
        """Number of model evaluations."""
        return len(self.timesteps)

    @property
    def history(self) -> int:
        """Number of latents and predictions an update may use."""
        return int(self.a.shape[1])


@dataclass(frozen=True)
class ScheduleTable(Codec[Schedule, Schedule]):
    """Raw: u16 steps, u16 history, f32 init_scale, then for each step f32 timestep, c_in, c_noise
    and ``history`` pairs (a_k, b_k). Decodes to a ``Schedule``; the shape argument is unused,
    since the table is of the whole artifact.
    """

    name: ClassVar[str] = "schedule-table"
    version: ClassVar[int] = 1
    compression: ClassVar[str] = "zstd"

    def encode(self, array: Schedule) -> bytes:
        steps, history = _check(array)
        pairs = np.stack([array.a, array.b], axis=-1).reshape(steps, 2 * history)
        columns = [array.timesteps, array.c_in, array.c_noise]
        table = np.concatenate([np.stack(columns, axis=-1), pairs], axis=1)
        return _PREFIX.pack(steps, history, array.init_scale) + table.astype("<f4").tobytes()

    def most_raw(self, shape: tuple[int, ...]) -> int:
        return _PREFIX.size + 4 * MAX_STEPS * (3 + 2 * MAX_HISTORY)

    def decode(self, raw: bytes, shape: tuple[int, ...] = ()) -> Schedule:
        if len(raw) < _PREFIX.size:
            raise PayloadError(f"{self.name}: {len(raw)} raw bytes; even an empty table has 8")
        steps, history, init_scale = _PREFIX.unpack_from(raw)
        if not 1 <= steps <= MAX_STEPS or not 1 <= history <= MAX_HISTORY:
            raise PayloadError(
                f"{self.name}: {steps} steps with a history of {history}; "
                f"allowed are 1..{MAX_STEPS} and 1..{MAX_HISTORY}"
            )
        check_length(self.name, raw, _PREFIX.size + 4 * steps * (3 + 2 * history))
        table = np.frombuffer(raw, dtype="<f4", offset=_PREFIX.size).astype(np.float32)
        if not (np.isfinite(table).all() and np.isfinite(init_scale)):
            raise PayloadError(f"{self.name}: a coefficient is not finite; the section is damaged")
        table = table.reshape(steps, 3 + 2 * history)
        pairs = table[:, 3:].reshape(steps, history, 2)
        if any(pairs[i, i + 1 :].any() for i in range(min(steps, history))):
            raise PayloadError(f"{self.name}: a step refers to history before the first step")
        timesteps, c_in, c_noise = (np.ascontiguousarray(table[:, i]) for i in range(3))
        a, b = (np.ascontiguousarray(pairs[..., i]) for i in range(2))
        return Schedule(timesteps, c_in, c_noise, a, b, np.float32(init_scale))

    def slice_raw(
        self,
        raw: bytes,
        class_slice: slice,
        slot_slice: slice,
        shape: tuple[int, ...],
        view_slice: slice = ALL,
    ) -> bytes:
        """The table itself: it belongs to every class and slot."""
        return raw


def _check(schedule: Schedule) -> tuple[int, int]:
    steps = len(schedule.timesteps)
    history = schedule.a.shape[1] if schedule.a.ndim == 2 else 0
    if not 1 <= steps <= MAX_STEPS or not 1 <= history <= MAX_HISTORY:
        raise EncodeError(
            f"a schedule of {steps} steps with a history of {history} cannot be stored; "
            f"allowed are 1..{MAX_STEPS} and 1..{MAX_HISTORY}"
        )
    for field in ("timesteps", "c_in", "c_noise", "a", "b"):
        array = getattr(schedule, field)
        shape = (steps, history) if field in "ab" else (steps,)
        if array.dtype != np.float32 or array.shape != shape:
            raise EncodeError(
                f"schedule.{field} must be float32 {shape}; got {array.dtype} {array.shape}"
            )
        if not np.isfinite(array).all():
            raise EncodeError(f"schedule.{field} has a value that is not finite")
    if not np.isfinite(schedule.init_scale) or np.float32(schedule.init_scale) != (
        schedule.init_scale
    ):
        raise EncodeError("schedule.init_scale must be a finite float32")
    for i in range(min(steps, history)):
        if schedule.a[i, i + 1 :].any() or schedule.b[i, i + 1 :].any():
            raise EncodeError(f"step {i} refers to history before the first step")
    return steps, history
