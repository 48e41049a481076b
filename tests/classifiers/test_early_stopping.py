from __future__ import annotations

from itertools import pairwise

import pytest

from ddcodec.classifiers.early_stopping import EarlyStopping
from ddcodec.classifiers.optimisation import Optimisation


def run(accuracies: list[float], patience: int = 3) -> tuple[int, list[float]]:
    """Steps that were done, and the rate of each relative to the highest."""
    found = iter(accuracies)
    stopping = EarlyStopping(Optimisation(steps=100), lambda: next(found), patience)
    done, rates = 0, []
    while done < stopping.steps:
        rates.append(stopping.factor(done))
        done += 1
        stopping.check(done)
    return done, rates


def test_what_still_learns_is_trained_to_the_end() -> None:
    rising = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    assert run(rising) == run([], patience=0)
    assert run(rising)[0] == 100


def test_after_three_checks_without_gain_the_rate_falls_to_nothing_soon() -> None:
    done, rates = run([0.5, 0.6, 0.6, 0.5, 0.6])
    assert done == 60 + 15
    assert rates[:60] == run([], patience=0)[1][:60]
    falls = [a - b for a, b in pairwise(rates[60:])]
    assert falls == pytest.approx([rates[60] / 15] * 14)
    assert rates[-1] == pytest.approx(rates[60] / 15)


def test_what_is_perfect_stops_at_once() -> None:
    assert run([1.0])[0] == 20 + 15


def test_resuming_decides_what_was_decided() -> None:
    accuracies = [0.5, 0.4, 0.4, 0.4]
    found = iter(accuracies)
    first = EarlyStopping(Optimisation(steps=100), lambda: next(found), 3)
    for done in range(56):
        first.check(done)
    again = EarlyStopping(Optimisation(steps=100), lambda: pytest.fail("measured twice"), 3)
    again.resume(first.seen, 55)
    assert (
        (again.steps, again.factor(60))
        == (first.steps, first.factor(60))
        == (65, pytest.approx(0.1667, abs=0.2))
    )
