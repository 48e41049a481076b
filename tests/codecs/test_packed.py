"""Packed matrices: every matrix comes back, and no bytes do harm."""

from __future__ import annotations

import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ddcodec.codecs import packed
from ddcodec.codecs.label_model import column_groups
from ddcodec.codecs.packed import (
    ALL_ZERO,
    MAX_STEPS,
    pack_matrix,
    packed_bits,
    unpack_matrix,
)
from ddcodec.errors import EncodeError, PayloadError
from tools.conformance.reference.packed import read_packed


@st.composite
def matrices(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """A matrix [rows, features x atoms] whose columns differ in size, and its groups."""
    rows, features, atoms = (
        draw(st.integers(1, 24)),
        draw(st.integers(1, 3)),
        draw(st.integers(0, 4)),
    )
    groups = column_groups(features, atoms, draw(st.integers(1, 5)))
    bits = draw(st.lists(st.integers(0, 15), min_size=len(groups), max_size=len(groups)))
    rng = np.random.default_rng(draw(st.integers(0, 1 << 16)))
    columns = [rng.integers(-(1 << b), 1 << b, rows) if b else np.zeros(rows, int) for b in bits]
    return np.array(columns, np.int32).reshape(len(groups), rows).T, groups


@given(matrices())
def test_every_matrix_comes_back(case: tuple[np.ndarray, np.ndarray]) -> None:
    values, groups = case
    raw = pack_matrix(values, groups)
    found = unpack_matrix("x", raw, len(values), groups)
    assert found.dtype == np.int32 and found.tolist() == values.tolist()
    assert read_packed(raw, len(values), groups.tolist()) == values.tolist()


@given(matrices(), st.data())
def test_damage_is_an_error_or_another_matrix(
    case: tuple[np.ndarray, np.ndarray], data: st.DataObject
) -> None:
    values, groups = case
    raw = bytearray(pack_matrix(values, groups))
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 255))
    rows = data.draw(st.sampled_from([len(values), len(values) + 1, 1, 1000]))
    try:
        found = unpack_matrix("x", bytes(raw), rows, groups)
    except PayloadError:
        return
    assert found.shape == (rows, len(groups))


@given(matrices(), st.data())
def test_every_cut_is_an_error(case: tuple[np.ndarray, np.ndarray], data: st.DataObject) -> None:
    values, groups = case
    raw = pack_matrix(values, groups)
    with pytest.raises(PayloadError):
        unpack_matrix("x", raw[: data.draw(st.integers(0, len(raw) - 1))], len(values), groups)


@given(st.binary(max_size=80), st.integers(1, 2000), st.integers(0, 6))
@example(struct.pack("<HBB", 4096, 0xFF, 0) + b"\0\0\1\0" * 4096, 1, 1)
def test_any_bytes_are_a_matrix_or_an_error(raw: bytes, rows: int, columns: int) -> None:
    groups = column_groups(1, columns, 2)
    try:
        found = unpack_matrix("x", raw, rows, groups)
    except PayloadError:
        return
    assert found.shape == (rows, columns)


def test_groups_of_zeros_cost_two_bytes() -> None:
    values = np.zeros((50, 4), np.int32)
    values[:, 2] = 7
    groups = column_groups(1, 4, 1)
    assert pack_matrix(values, groups)[2:4] == bytes((0, ALL_ZERO))
    assert len(pack_matrix(np.zeros((50, 4), np.int32), groups)) == 2 + 2 * 4
    assert len(pack_matrix(values, groups)) < 2 + 2 * 4 + 30
    assert pack_matrix(np.zeros((50, 0), np.int32), column_groups(1, 0, 1)) == b"\1\0"


def test_the_estimate_is_close_to_the_bytes() -> None:
    values = np.rint(np.random.default_rng(0).laplace(0, 3, (4000, 6))).astype(np.int32)
    groups = column_groups(1, 6, 2)
    assert 8 * len(pack_matrix(values, groups)) == pytest.approx(
        packed_bits(values, groups), rel=0.02
    )


def test_a_reader_never_takes_many_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "SPARSEST", 1 << 40)  # dense, which few nonzeros would not be
    rows = np.zeros(((MAX_STEPS >> 3) + 1, 16), np.int8)
    rows[0, :] = 1
    raw = pack_matrix(rows, column_groups(1, 16, 16))
    (lanes,) = struct.unpack_from("<H", raw)
    assert lanes == 4
    assert len(raw) < 700


def test_lanes_without_rows_take_no_memory() -> None:
    """One row in 4,096 lanes would make room for 4,096 rows."""
    columns = 2000
    raw = struct.pack("<HBB", 4096, 0xFF, 0) + struct.pack("<I", 1 << 16) * 4096
    tracemalloc.start()
    with pytest.raises(PayloadError, match="lanes"):
        unpack_matrix("x", raw, 1, column_groups(1, columns, columns))
    assert tracemalloc.get_traced_memory()[1] < 4 << 20
    tracemalloc.stop()


def test_what_no_integer_of_the_coder_holds_is_refused() -> None:
    with pytest.raises(EncodeError, match="too large"):
        pack_matrix(np.full((2, 1), 1 << 40), column_groups(1, 1, 1))
