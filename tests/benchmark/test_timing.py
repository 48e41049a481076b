"""Processor time: quick work is repeated, slow work is not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ddcodec.benchmark import timing
from ddcodec.benchmark.timing import timed


def work_of(
    seconds: list[float], monkeypatch: pytest.MonkeyPatch
) -> tuple[Callable[[], int], list[int]]:
    """Work whose calls take so long by a clock of its own, and the calls so far."""
    now, calls = [0.0], list[int]()

    def work() -> int:
        now[0] += seconds[len(calls)]
        calls.append(len(calls))
        return len(calls)

    monkeypatch.setattr(timing.time, "process_time", lambda: now[0])
    return work, calls


def test_quick_work_is_repeated_and_its_first_call_not_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    work, calls = work_of([0.1, 0.001, 0.003, 0.002, 0.002], monkeypatch)
    result, seconds = timed(work)
    assert (result, len(calls)) == (5, 5)
    assert seconds == pytest.approx(0.002)


def test_slow_work_is_done_once(monkeypatch: pytest.MonkeyPatch) -> None:
    work, calls = work_of([60.0, 1.0], monkeypatch)
    assert timed(work) == (1, 60.0)
    assert calls == [0]
