"""The fineness that meets a target: close to it, from the right side, in few attempts."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddcodec.errors import EncodeError
from ddcodec.labels.encoder.rate import Found, search


def run(measure: Callable[[float], float], target: float, start: float, rising: bool) -> Any:
    """A search in which coded labels are their fineness; and all that was tried."""
    tried: list[float] = []

    def encode(fineness: float) -> Any:
        tried.append(fineness)
        return fineness

    found: Found = search(encode, measure, target, start, rising=rising)  # type: ignore[arg-type]
    assert found.coded == found.fineness  # type: ignore[comparison-overlap]
    assert found.measure == measure(found.fineness)
    return found, tried


@given(st.floats(1e-5, 0.3), st.floats(0.05, 1.0), st.floats(1.5, 2.5), st.floats(1e-3, 2.0))
def test_a_divergence_is_met_and_used(
    target: float, scale: float, power: float, start: float
) -> None:
    found, tried = run(lambda f: scale * f**power, target, start, True)
    assert 0.96 * target <= found.measure <= target
    assert len(tried) <= 10


@given(st.floats(500, 50_000), st.floats(50, 5000), st.floats(1e-3, 2.0))
def test_a_budget_is_kept_and_used(target: float, overhead: float, start: float) -> None:
    def measure(fineness: float) -> float:
        return overhead + 4000 * math.log2(1 + 1 / fineness)

    if measure(4.0) < target < measure(1e-4):
        found, tried = run(measure, target, start, False)
        assert 0.95 * target <= found.measure <= target
        assert len(tried) <= 10


def test_steps_are_no_reason_to_miss_a_target() -> None:
    found, _ = run(lambda f: math.ceil(f * 8) ** 2 / 100, 0.1, 1.0, True)
    assert found.measure == 0.09


def test_bytes_that_fall_in_jumps_are_used_all_the_same() -> None:
    """As measured of 1,100 labels: right above the target they stay, and then fall steeply."""
    known = [(0.05, 5138), (0.235, 1960), (0.2956, 1270), (0.31, 1134), (0.3116, 1130)]
    known += [(0.3126, 1129.5), (0.337, 916), (0.3633, 740), (0.4222, 478), (0.57, 224), (4, 100)]

    def measure(fineness: float) -> float:
        low, high = (
            max(p for p in known if p[0] <= fineness),
            min(p for p in known if p[0] > fineness),
        )
        share = (fineness - low[0]) / (high[0] - low[0])
        return math.floor((low[1] + share**3 * (high[1] - low[1])) / 8) * 8

    found, _ = run(measure, 1126, 0.0512, False)
    assert 0.97 * 1126 <= found.measure <= 1126


def test_if_all_meet_it_the_coarsest_is_taken() -> None:
    found, tried = run(lambda f: 0.0, 0.1, 0.01, True)
    assert found.fineness == max(tried) > 3.5


def test_if_all_fit_the_finest_is_taken() -> None:
    found, tried = run(lambda f: 10.0, 1000, 0.1, False)
    assert found.fineness == min(tried) < 3e-4


@pytest.mark.parametrize("rising", [True, False])
def test_labels_too_coarse_to_be_written_are_passed_over(rising: bool) -> None:
    def encode(fineness: float) -> Any:
        if fineness > 0.05:
            raise EncodeError("too coarse")
        return fineness

    def measure(fineness: Any) -> float:
        return float(fineness if rising else 1 / fineness)

    found = search(encode, measure, 0.04 if rising else 25, 1.0, rising=rising)
    assert 0.038 < found.fineness <= 0.05 and found.measure <= (0.04 if rising else 25)


@pytest.mark.parametrize(
    "rising, words",
    [
        (True, "within 0.001 nats of the teacher's; ask for less, or for lossless"),
        (False, "in 0.001 bytes; ask for fewer views or pictures, or for a larger budget"),
    ],
)
def test_what_cannot_be_met_is_said_in_its_own_unit(rising: bool, words: str) -> None:
    with pytest.raises(EncodeError, match=words):
        run(lambda f: 7.0, 0.001, 0.1, rising)


def test_a_search_that_was_interrupted_codes_only_what_it_has_not_measured() -> None:
    known: dict[float, float] = {}
    tried: list[float] = []

    def encode(fineness: float) -> Any:
        if len(tried) == 3:
            raise KeyboardInterrupt
        tried.append(fineness)
        if fineness > 2:
            raise EncodeError("too coarse")
        return fineness

    def keep(fineness: float, measure: Callable[[], float]) -> float:
        if fineness not in known:
            known[fineness] = measure()
        return known[fineness]

    def again() -> Found:
        tried.clear()
        return search(
            encode,
            lambda coded: float(coded) ** 2.4,  # type: ignore[arg-type]
            0.01,
            3.0,
            rising=True,
            keep=keep,
        )

    with pytest.raises(KeyboardInterrupt):
        again()
    found = again()
    whole, all_tried = run(lambda f: f**2.4, 0.01, math.sqrt(3e-4), True)
    assert (found.fineness, found.measure) == (whole.fineness, whole.measure)
    assert not set(tried) & set(list(known)[:3]) and len(known) == 1 + len(all_tried)
    # Once all is measured, only what was found has to be coded again.
    assert again().coded == found.coded and tried == [found.fineness]  # type: ignore[comparison-overlap]
