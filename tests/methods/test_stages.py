"""Seconds of a unit, told from a few, with a clock that goes as the test says."""

from __future__ import annotations

import pytest

from ddcodec.methods import stages
from ddcodec.methods.stages import seconds_each


class Work:
    """Work that takes a while for each call, and for each unit."""

    def __init__(self, call: float, unit: float) -> None:
        self.call, self.unit, self.now = call, unit, 0.0
        self.calls: list[int] = []

    def __call__(self, count: int) -> None:
        self.calls.append(count)
        self.now += self.call + self.unit * count


@pytest.fixture
def work(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Work:
    made = Work(*request.param)
    monkeypatch.setattr(stages, "perf_counter", lambda: made.now)
    return made


@pytest.mark.parametrize("work", [(0.1, 0.01)], indirect=True)
def test_what_a_call_costs_is_shared_by_its_units(work: Work) -> None:
    """Of 256 units in a call, 64 are done: 0.1 seconds for the call, and 2.56 for its units."""
    assert seconds_each(work, 256) == pytest.approx(2.66 / 256)
    assert work.calls == [1, 1, 4, 16, 64]


@pytest.mark.parametrize("work", [(0.1, 0.01)], indirect=True)
def test_few_units_in_a_call_are_all_done(work: Work) -> None:
    assert seconds_each(work, 2) == pytest.approx(0.12 / 2)
    assert work.calls == [1, 1, 2]


@pytest.mark.parametrize("work", [(0.0, 40.0)], indirect=True)
def test_a_unit_that_takes_long_is_done_once(work: Work) -> None:
    assert seconds_each(work, 256) == 40
    assert work.calls == [1]
