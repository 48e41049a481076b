"""Brightness, contrast and gamma as tables: exact powers, by integers alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ddcodec.synthesis.tone import change_tone, gamma_table, tone_table
from tools.conformance.reference.synthesis import toned

PERCENT = st.integers(-100, 100)


@pytest.mark.parametrize("gamma", [10, 33, 80, 99, 100, 101, 120, 250, 1000])
def test_gamma_is_a_power_rounded_half_up(gamma: int) -> None:
    """Binary64 has the same integers, as the specification says."""
    powers = [int(255 * (i / 255) ** (gamma / 100) + 0.5) for i in range(256)]
    assert list(gamma_table(gamma)) == powers


def test_nothing_changes_nothing() -> None:
    assert tone_table(0, 0, 100) == bytes(range(256))


def test_the_example_of_the_specification() -> None:
    assert [tone_table(-10, 20, gamma)[100] for gamma in (100, 80, 200)] == [95, 116, 35]


def test_extremes_are_black_and_white() -> None:
    assert set(tone_table(-100, 0, 50)) == {0}
    assert set(tone_table(100, -100, 300)) == {255}
    assert tone_table(0, 100, 100)[127:129] == bytes([254, 255])


@settings(max_examples=20)
@given(PERCENT, PERCENT, st.integers(10, 1000))
def test_tables_are_those_of_the_second_implementation(
    brightness: int, contrast: int, gamma: int
) -> None:
    assert list(tone_table(brightness, contrast, gamma)) == toned(brightness, contrast, gamma)


def test_each_picture_has_its_own_table() -> None:
    pictures = np.random.default_rng(1).integers(0, 256, (3, 4, 5, 3), dtype=np.uint8)
    changed = pictures.copy()
    change_tone(changed, np.array([0, 10, 0]), np.array([0, -20, 0]), np.array([100, 100, 50]))
    np.testing.assert_array_equal(changed[0], pictures[0])
    for n, table in ((1, tone_table(10, -20, 100)), (2, tone_table(0, 0, 50))):
        wanted = np.frombuffer(table, np.uint8)[pictures[n]]
        np.testing.assert_array_equal(changed[n], wanted)
