"""Integers of all sizes over the tables: round trips, costs, models, damage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ddcodec.entropy import (
    Decoder,
    Encoder,
    best_model,
    decode_integers,
    encode_integers,
    integer_cost,
    pack,
    unpack,
)
from ddcodec.errors import DdcodecError, EncodeError, HeaderError, PayloadError
from tools.conformance.reference import entropy as reference

LOWEST, HIGHEST = -32775, 32774  # what fits without a shift
TABLES = st.integers(0, 255)
SHIFTS = st.integers(0, 15)


@st.composite
def matrices(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Values, tables, shifts and lanes; small numbers and large ones mixed."""
    rows, columns = draw(st.integers(0, 20)), draw(st.integers(0, 4))
    tables = np.array(draw(st.lists(TABLES, min_size=columns, max_size=columns)), np.uint8)
    shifts = np.array(draw(st.lists(SHIFTS, min_size=columns, max_size=columns)), np.uint8)
    whole = st.one_of(st.integers(-9, 9), st.integers(LOWEST, HIGHEST))
    high = draw(hnp.arrays(np.int64, (rows, columns), elements=whole))
    low = np.random.default_rng(draw(st.integers(0, 99))).integers(0, 1 << 15, high.shape)
    values = (high << shifts) + (low & ((1 << shifts.astype(int)) - 1))
    return values.astype(np.int32), tables, shifts, draw(st.integers(1, 25))


@given(matrices())
def test_matrices_come_back(case: tuple[np.ndarray, np.ndarray, np.ndarray, int]) -> None:
    values, tables, shifts, lanes = case
    found = unpack(pack(values, tables, shifts, lanes), *values.shape, tables, shifts, lanes)
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, values)


@given(matrices())
def test_matrices_are_coded_as_plain_python_does(
    case: tuple[np.ndarray, np.ndarray, np.ndarray, int],
) -> None:
    values, tables, shifts, lanes = case
    raw = pack(values, tables, shifts, lanes)
    models = tables.tolist(), shifts.tolist()
    assert raw == reference.write_matrix(values.tolist(), lanes, *models)
    assert reference.read_matrix(raw, len(values), lanes, *models) == values.tolist()


@given(matrices(), st.data())
def test_a_damaged_matrix_is_another_or_is_refused(
    case: tuple[np.ndarray, np.ndarray, np.ndarray, int], data: st.DataObject
) -> None:
    values, tables, shifts, lanes = case
    raw = bytearray(pack(values, tables, shifts, lanes))
    place = data.draw(st.integers(0, len(raw) - 1))
    if data.draw(st.booleans()):
        del raw[place:]
    else:
        raw[place] ^= data.draw(st.integers(1, 255))
    try:
        found = unpack(bytes(raw), *values.shape, tables, shifts, lanes)
    except PayloadError:
        return
    assert (found != values).any()


@given(st.integers(1, 6), st.data())
def test_each_lane_may_have_its_own_table_and_shift(count: int, data: st.DataObject) -> None:
    lanes = np.array(sorted(data.draw(st.sets(st.integers(0, 9), min_size=count))), np.intp)
    sizes = {"min_size": len(lanes), "max_size": len(lanes)}
    tables = np.array(data.draw(st.lists(TABLES, **sizes)), np.uint8)
    shifts = np.array(data.draw(st.lists(SHIFTS, **sizes)), np.uint8)
    values = np.array(data.draw(st.lists(st.integers(LOWEST, HIGHEST), **sizes)))
    encoder = Encoder(10)
    encode_integers(encoder, values, tables, shifts, lanes)
    decoder = Decoder(encoder.finish(), 10)
    np.testing.assert_array_equal(decode_integers(decoder, tables, shifts, lanes), values)
    decoder.finish()


@pytest.mark.parametrize("shift", [0, 1, 15])
def test_the_range_ends_where_the_specification_says(shift: int) -> None:
    tables, shifts = np.array([0x77], np.uint8), np.array([shift], np.uint8)
    ends = [LOWEST << shift, (HIGHEST + 1 << shift) - 1]
    values = np.array(ends)[:, None]
    raw = pack(values, tables, shifts, 1)
    np.testing.assert_array_equal(unpack(raw, 2, 1, tables, shifts, 1), values)
    for beyond in (ends[0] - 1, ends[1] + 1):
        with pytest.raises(EncodeError, match="too large"):
            pack(np.array([[beyond]]), tables, shifts, 1)
        with pytest.raises(EncodeError, match="too large"):
            integer_cost(np.array([beyond]), 0x77, shift)


def test_costs_are_what_the_stream_weighs() -> None:
    rng = np.random.default_rng(0)
    scales = np.array([0.3, 1, 4, 30, 3000])
    values = np.rint(rng.laplace(0, scales, (4000, 5))).astype(np.int32)
    models = [best_model(column) for column in values.T]
    tables = np.array([table for table, _ in models], np.uint8)
    shifts = np.array([shift for _, shift in models], np.uint8)
    cost = integer_cost(values, tables, shifts)
    assert cost.shape == values.shape
    assert cost.dtype == np.float64
    bits = 8 * len(pack(values, tables, shifts, 16))
    assert 0.999 < bits / (cost.sum() + 16 * 16) < 1.005
    assert shifts.tolist() == sorted(shifts)
    assert shifts[0] == 0
    assert shifts[4] >= 8


@given(hnp.arrays(np.int32, st.integers(0, 30), elements=st.integers(-40000, 40000)))
def test_no_model_is_better_than_the_best(values: np.ndarray) -> None:
    table, shift = best_model(values)
    best = integer_cost(values, table, shift).sum()
    for other in range(0 if abs(values).max(initial=0) < 32000 else 1, 16):
        costs = integer_cost(values[None], np.arange(256)[:, None], other).sum(axis=1)
        assert best <= costs.min() + 1e-3


def test_models_of_odd_samples() -> None:
    assert best_model(np.zeros(0, np.int32)) == (0, 0)
    table, shift = best_model(np.zeros((3, 4), np.int32))
    assert shift == 0
    assert integer_cost(np.zeros(1, int), table, shift)[0] < 0.02
    assert best_model(np.full(9, 1 << 20))[1] >= 5
    with pytest.raises(EncodeError, match="too large"):
        best_model(np.array([1 << 31]))
    with pytest.raises(EncodeError, match="too large"):
        best_model(np.array([1 << 16]), most=0)


@pytest.mark.parametrize(
    ("values", "tables", "shifts", "lanes"),
    [
        (np.zeros((2, 2), int), [0], [0, 0], 1),
        (np.zeros((2, 2), int), [0, 0], [0], 1),
        (np.zeros((2, 2), int), [0, 0], [0, 16], 1),
        (np.zeros((2, 2), int), [0, 0], [0, 0], 0),
    ],
)
def test_what_cannot_be_packed_is_refused(
    values: Any, tables: list[int], shifts: list[int], lanes: int
) -> None:
    with pytest.raises(EncodeError):
        pack(values, np.array(tables, np.uint8), np.array(shifts, np.uint8), lanes)


def test_bad_models_are_refused_as_header() -> None:
    raw = Encoder(1).finish()
    for tables, shifts, lanes in (([1], [16], 1), ([1, 2], [0], 1), ([1], [0], 0)):
        with pytest.raises(HeaderError):
            unpack(raw, 0, 1, np.array(tables, np.uint8), np.array(shifts, np.uint8), lanes)


def test_a_matrix_too_large_for_its_stream_is_refused_before_it_is_allocated() -> None:
    with pytest.raises(PayloadError, match="cannot hold"):
        unpack(b"\xff" * 64, 1 << 40, 1, np.zeros(1, np.uint8), np.zeros(1, np.uint8), 16)
    columns = 1 << 10
    models = np.zeros(columns, np.uint8)
    with pytest.raises(PayloadError, match="cannot hold"):
        unpack(b"\xff" * 64, 1 << 40, columns, models, models, 16)


def test_random_bytes_give_numbers_or_an_error_of_ours() -> None:
    rng = np.random.default_rng(2)
    for _ in range(300):
        rows, columns, lanes = (int(n) for n in rng.integers(1, 9, 3))
        tables = rng.integers(0, 256, columns).astype(np.uint8)
        shifts = rng.integers(0, 16, columns).astype(np.uint8)
        try:
            unpack(rng.bytes(int(rng.integers(0, 200))), rows, columns, tables, shifts, lanes)
        except DdcodecError as error:
            assert error.code == "payload"


def test_the_plain_reader_prints_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    values = np.array([[1, -70], [0, 5], [-2, 900]])
    path = tmp_path / "stream"
    path.write_bytes(pack(values, np.array([0x53, 0x55], np.uint8), np.array([0, 4]), 2))
    assert reference.main([str(path), "2", "3", "0x53:0", "0x55:4"]) == 0
    assert json.loads(capsys.readouterr().out) == values.tolist()
    assert reference.main([str(path), "3", "3", "0x53:0", "0x55:4"]) == 3
    assert "payload" in capsys.readouterr().err
    assert reference.main([str(path)]) == 2
