"""The schedule table: bit patterns in, the same bit patterns out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ddcodec.codecs.schedule_table import MAX_HISTORY, MAX_STEPS, Schedule, ScheduleTable
from ddcodec.errors import EncodeError

CODEC = ScheduleTable()


def schedule(steps: int = 3, history: int = 2) -> Schedule:
    a = np.full((steps, history), 0.9, np.float32)
    a[np.arange(history) > np.arange(steps)[:, None]] = 0
    ramp = np.linspace(999, 0, steps, dtype=np.float32)
    return Schedule(ramp, ramp + 1, ramp * 0, a, -a, np.float32(14.6))


@given(st.data())
def test_bit_patterns_survive(data: st.DataObject) -> None:
    steps, history = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 3))
    finite = st.floats(width=32, allow_nan=False, allow_infinity=False)
    table = schedule(steps, history)
    table = replace(table, c_in=data.draw(hnp.arrays(np.float32, steps, elements=finite)))
    raw = CODEC.encode(table)
    assert len(raw) == 8 + steps * (12 + 8 * history)
    decoded = CODEC.decode(raw, ())
    assert (decoded.steps, decoded.history) == (steps, history)
    for field in ("timesteps", "c_in", "c_noise", "a", "b", "init_scale"):
        assert getattr(decoded, field).tobytes() == getattr(table, field).tobytes()
        assert getattr(decoded, field).dtype == np.float32


def test_a_slice_of_an_artifact_keeps_the_whole_table() -> None:
    raw = CODEC.encode(schedule())
    assert CODEC.slice_raw(raw, slice(0, 1), slice(0, 1), ()) == raw


@pytest.mark.parametrize(
    "table",
    [
        schedule(MAX_STEPS + 1, 1),
        schedule(1, MAX_HISTORY + 1),
        replace(schedule(), c_in=np.zeros(2, np.float32)),
        replace(schedule(), c_in=np.zeros(3)),
        replace(schedule(), a=np.full((3, 2), np.inf, np.float32)),
        replace(schedule(), a=np.ones((3, 2), np.float32)),
        replace(schedule(), init_scale=np.float32(np.nan)),
    ],
)
def test_tables_that_cannot_be_replayed_are_refused(table: Schedule) -> None:
    with pytest.raises(EncodeError):
        CODEC.encode(table)
