"""The normative tables: what they hold, that they follow from their definitions, and damage."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest

from ddcodec import tables
from ddcodec.errors import DecodeError
from tools.conformance.reference import tables as reference
from tools.conformance.vectors.tables import MAKER

ROOT = Path(__file__).resolve().parents[1]
ACCESSORS = [tables.normal, tables.exp, tables.sigmoid, tables.gaussian]


@pytest.mark.parametrize("accessor", ACCESSORS)
def test_a_table_is_read_once_and_cannot_be_written(accessor: Callable[[], np.ndarray]) -> None:
    table = accessor()
    assert accessor() is table
    with pytest.raises(ValueError, match="read-only"):
        table[0] = 0


def test_the_normal_table_rises_and_is_what_the_specification_says() -> None:
    table = tables.normal()
    assert (table.dtype, table.shape) == (np.int32, (32768,))
    assert (table[0], table[1], table[-1]) == (1, 4, 283438)
    assert (np.diff(table) >= 0).all()
    assert tables.NORMAL_SHA256 in (ROOT / "spec" / "codecs.md").read_text()


def test_the_exponential_table_falls_to_zero_with_its_one_tie_to_even() -> None:
    table = tables.exp()
    assert (table.dtype, table.shape) == (np.int16, (16384,))
    assert table[:8193:1024].tolist() == [16256, 8128, 4064, 2032, 1016, 508, 254, 127, 64]
    assert (table[1], table[-1]) == (round(16256 / 2 ** (1 / 1024)), 0)
    assert (np.diff(table) <= 0).all()


@pytest.mark.parametrize(
    ("accessor", "function"),
    [
        (tables.sigmoid, lambda x: 1 / (1 + math.exp(-x))),
        (tables.gaussian, NormalDist().cdf),
    ],
)
def test_the_distribution_tables_rise_from_a_half(
    accessor: Callable[[], np.ndarray], function: Callable[[float], float]
) -> None:
    table = accessor()
    assert (table.dtype, table.shape) == (np.int32, (32769,))
    assert table[0] == 2**23
    assert (np.diff(table) >= 0).all()
    for k in (1, 2048, 2 * 2048, 16 * 2048):
        assert abs(table[k] - 2**24 * function(k / 2048)) < 0.501


def test_a_damaged_or_missing_table_is_a_decode_error() -> None:
    with pytest.raises(DecodeError, match="damaged"):
        tables.load("normal.bin", hashlib.sha256(b"").hexdigest())
    with pytest.raises(DecodeError, match="cannot be read"):
        tables.load("absent.bin", "")


def test_the_tables_follow_from_their_definitions() -> None:
    assert MAKER.differences() == []


def test_the_tables_are_what_the_specification_of_exact_execution_says() -> None:
    page = (ROOT / "spec" / "exact.md").read_text()
    for sha256 in (tables.EXP_SHA256, tables.SIGMOID_SHA256, tables.GAUSSIAN_SHA256):
        assert sha256 in page


def test_the_program_of_the_specification_makes_the_tables() -> None:
    assert [*reference.exponentials()] == tables.exp().tolist()
    assert [*reference.sigmoids()] == tables.sigmoid().tolist()
    for k in (0, 1, 2, 100, 9999, 11098, 12287, 12288, 32768, *range(0, 12000, 97)):
        assert reference.gaussian(k) == tables.gaussian()[k]
    for k in (0, 1, 2, 32766, 32767, *range(0, 32768, 499)):
        assert reference.normal(k) == tables.normal()[k]


def test_all_four_are_in_the_page_of_tables() -> None:
    page = (ROOT / "spec" / "tables.md").read_text()
    for accessor in ACCESSORS:
        assert hashlib.sha256(accessor().tobytes()).hexdigest() in page
