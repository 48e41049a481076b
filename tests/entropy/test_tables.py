"""The family of tables: exact, complete, and good enough for what labels look like."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddcodec.entropy import best_table, cost_bits, frequencies
from ddcodec.entropy.tables import TABLES, lookup, starts, table_costs
from tools.conformance.reference import entropy as reference


def test_tables_are_those_of_the_plain_reader() -> None:
    expected = [reference.frequencies(table) for table in range(TABLES)]
    np.testing.assert_array_equal(frequencies(), expected)


def test_every_symbol_of_every_table_can_be_coded() -> None:
    f = frequencies()
    assert (f.dtype, f.shape) == (np.uint16, (256, 16))
    assert f.min() >= 1
    assert f.max() <= 4081  # what bounds the symbols that a stream can hold
    assert (f.sum(axis=1) == 4096).all()
    np.testing.assert_array_equal(f[:, 1:15:2], f[:, 2:15:2])  # both signs alike
    assert not f.flags.writeable


def test_levels_and_shapes_are_in_order() -> None:
    f = frequencies().reshape(16, 16, 16).astype(int)
    assert (np.diff(f[:, :, 0], axis=0) > 0).all()
    for family in (f[:10, :8], f[:10, 8:]):
        assert (np.diff(family[..., 15], axis=1) >= 0).all()


@pytest.mark.parametrize("table", [0x00, 0x37, 0x78, 0xA2, 0xFF])
def test_lookup_has_symbol_offset_and_frequency_of_each_slot(table: int) -> None:
    entries = lookup()[table].astype(int)
    found = np.stack([entries & 0xFF, entries >> 20, np.arange(4096) - (entries >> 8 & 0xFFF)])
    np.testing.assert_array_equal(found.T, reference.slots(table))
    assert starts()[table].tolist() == sorted({start for _, _, start in reference.slots(table)})


def test_costs_are_code_lengths() -> None:
    np.testing.assert_allclose(cost_bits(), 12 - np.log2(frequencies().astype(float)), rtol=1e-6)
    assert cost_bits().dtype == np.float32
    counts = np.arange(32).reshape(2, 16)
    np.testing.assert_allclose(table_costs(counts), counts @ cost_bits().T, rtol=1e-4)


@given(st.integers(0, TABLES - 1))
def test_a_tables_own_frequencies_choose_it(table: int) -> None:
    own = frequencies().astype(np.int64)
    found = best_table(own[table])
    assert found.dtype == np.uint8
    # Where shapes coincide (almost every symbol is the zero), the lowest of the equals is taken.
    np.testing.assert_array_equal(own[found], own[table])
    assert found <= table


def test_best_table_takes_any_shape_and_no_counts_at_all() -> None:
    counts = np.zeros((2, 3, 16), np.int64)
    counts[1, 2, 0] = 1 << 32
    found = best_table(counts)
    assert found.shape == (2, 3)
    assert found[0, 0] == 0
    assert frequencies()[found[1, 2], 0] == frequencies()[:, 0].max()


def laplace(scale: float, zone: float) -> np.ndarray:
    """Probabilities of the symbols of a quantised Laplace source; the zero's bin is +-``zone``."""
    edges = np.arange(8) + zone
    tails = np.exp(-np.sqrt(2) * edges / scale) / 2
    pairs = np.repeat(-np.diff(tails), 2)
    return np.array([1 - 2 * tails[0], *pairs, 2 * tails[-1]])


@pytest.mark.parametrize("zone", [0.5, 0.65, 0.8])
@pytest.mark.parametrize("scale", [0.2, 0.3, 0.5, 0.8, 1.3, 2.0, 3.0, 4.0])
def test_the_best_table_loses_little_on_a_laplace_source(scale: float, zone: float) -> None:
    p = laplace(scale, zone)
    table = best_table(np.rint(p * 2**30))
    loss = p @ (cost_bits()[table] + np.log2(p))
    assert 0 <= loss < 0.025
