"""Sparse groups of packed matrices: their nonzeros come back, and no list does harm."""

from __future__ import annotations

import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddcodec.codecs.label_model import column_groups
from ddcodec.codecs.packed import MAX_STEPS, SPARSE, pack_matrix, packed_bits, unpack_matrix
from ddcodec.codecs.sparse import RAW_BYTES, SparseModel
from ddcodec.entropy.rans import Decoder, Encoder
from ddcodec.errors import PayloadError
from tools.conformance.reference.entropy import Reader
from tools.conformance.reference.packed import Listed, read_list, read_packed
from tools.conformance.reference.refusal import Refused

ROWS = 400
# Bytes before the head of a list: lanes, table and shift of one group.
HEAD = 4


@st.composite
def matrices(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """A matrix of many rows and few nonzeros, in runs or not; some columns may be dense."""
    columns, band = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    rng = np.random.default_rng(draw(st.integers(0, 1 << 16)))
    values = rng.integers(-(1 << draw(st.integers(1, 16))), 1 << 6, (ROWS, columns))
    share = draw(st.lists(st.sampled_from([0, 0.01, 0.05, 0.15, 1]), min_size=1, max_size=5))
    kept = rng.random((ROWS, columns)) < np.resize(share, columns)
    if draw(st.booleans()):
        kept = np.sort(kept, axis=0)
    return np.where(kept, values, 0).astype(np.int32), column_groups(1, columns, band)


@st.composite
def lists(draw: st.DrawFn) -> tuple[SparseModel, np.ndarray, int]:
    """A model of any parameters, columns that it codes, and a number of lanes."""
    rows, columns = draw(st.integers(1, 60)), draw(st.integers(1, 4))
    values = np.zeros(rows * columns, np.int64)
    places = draw(st.sets(st.integers(0, values.size - 1), min_size=1, max_size=40))
    number = st.integers(-65550, 65550).filter(bool)
    values[sorted(places)] = draw(
        st.lists(number, min_size=len(places), max_size=len(places)),
    )
    byte = st.integers(0, 255)
    model = SparseModel(len(places), draw(byte), draw(st.integers(0, 15)), draw(byte), 0)
    return model, values.reshape(columns, rows).T, draw(st.integers(1, 64))


def sparse_matrix() -> tuple[np.ndarray, np.ndarray, bytes]:
    """One group, listed, in one lane."""
    values = np.zeros((ROWS, 2), np.int32)
    values[::50, 1] = [3, -1, 7, 1, 1, -2, 90, 1]
    model, encoder = SparseModel(8, 0x35, 4, 0x53, 0), Encoder(1)
    model.encode(encoder, values)
    raw = bytes((1, 0, 0, SPARSE)) + model.raw() + encoder.finish()
    groups = column_groups(1, 2, 2)
    assert (unpack_matrix("x", raw, ROWS, groups) == values).all()
    return values, groups, raw


def with_head(raw: bytes, nonzeros: int, *models: int) -> bytes:
    return raw[:HEAD] + struct.pack("<I4B", nonzeros, *models) + raw[HEAD + RAW_BYTES :]


@given(matrices())
def test_every_matrix_of_few_nonzeros_comes_back(case: tuple[np.ndarray, np.ndarray]) -> None:
    values, groups = case
    raw = pack_matrix(values, groups)
    assert unpack_matrix("x", raw, ROWS, groups).tolist() == values.tolist()
    assert read_packed(raw, ROWS, groups.tolist()) == values.tolist()


@given(lists())
def test_every_model_codes_every_list(case: tuple[SparseModel, np.ndarray, int]) -> None:
    model, columns, lanes = case
    encoder = Encoder(lanes)
    model.encode(encoder, columns)
    raw = encoder.finish()
    decoder = Decoder(raw, lanes)
    assert model.decode("x", decoder, *columns.shape).tolist() == columns.T.tolist()
    decoder.finish()
    flat = columns.T.reshape(-1)
    listed = Listed(*model)
    found = read_list(Reader(raw, lanes), lanes, listed)
    assert found == [(p, flat[p]) for p in np.flatnonzero(flat)]


@given(matrices(), st.data())
def test_damage_is_an_error_or_another_matrix(
    case: tuple[np.ndarray, np.ndarray], data: st.DataObject
) -> None:
    values, groups = case
    raw = bytearray(pack_matrix(values, groups))
    place = data.draw(st.integers(0, min(len(raw) - 1, 60)))
    raw[place] ^= data.draw(st.integers(1, 255))
    try:
        found = unpack_matrix("x", bytes(raw), ROWS, groups).tolist()
    except PayloadError:
        with pytest.raises(Refused):
            read_packed(bytes(raw), ROWS, groups.tolist())
        return
    assert read_packed(bytes(raw), ROWS, groups.tolist()) == found


@given(st.binary(min_size=0, max_size=60), st.integers(1, 300), st.integers(1, 3))
def test_any_list_is_a_matrix_or_an_error(tail: bytes, rows: int, columns: int) -> None:
    raw = bytes((1, 0, 0, SPARSE)) + tail
    try:
        found = unpack_matrix("x", raw, rows, column_groups(1, columns, columns))
    except PayloadError:
        return
    assert found.shape == (rows, columns)


def test_every_cut_is_an_error() -> None:
    _, groups, raw = sparse_matrix()
    for length in range(len(raw)):
        with pytest.raises(PayloadError):
            unpack_matrix("x", raw[:length], ROWS, groups)


@pytest.mark.parametrize(
    "head",
    [
        (0, 0, 0, 0, 0),
        (2 * ROWS + 1, 0, 0, 0, 0),
        ((1 << 32) - 1, 0, 0, 0, 0),
        (8, 0, 16, 0, 0),
        (8, 0, 255, 0, 0),
        (8, 0, 0, 0, 1),
    ],
)
def test_a_model_out_of_range_is_refused(head: tuple[int, ...]) -> None:
    _, groups, raw = sparse_matrix()
    with pytest.raises(PayloadError, match="model is out of range"):
        unpack_matrix("x", with_head(raw, *head), ROWS, groups)


def test_a_sparse_group_with_a_table_is_refused() -> None:
    _, groups, raw = sparse_matrix()
    with pytest.raises(PayloadError, match="out of range"):
        unpack_matrix("x", raw[:2] + b"\1" + raw[3:], ROWS, groups)


def test_a_nonzero_beyond_its_group_is_refused() -> None:
    _, groups, raw = sparse_matrix()
    rows = (ROWS + 350) // 2  # the last nonzero is at place ROWS + 350
    assert np.flatnonzero(unpack_matrix("x", raw, rows + 1, groups)).size == 8
    with pytest.raises(PayloadError, match="beyond its group"):
        unpack_matrix("x", raw, rows, groups)


def test_the_largest_gaps_do_not_overflow() -> None:
    """U(g >> 15) is up to 65,549: a gap is beyond 31 bits."""
    encoder = Encoder(1)
    for _ in range(100):
        encoder.symbols(np.array([15]), 0, 1)
        encoder.bits(np.array([15]), 4, np.array([0]))
        encoder.bits(np.array([(1 << 15) - 1]), 15, np.array([0]))
        encoder.bits(np.array([(1 << 15) - 1]), 15, 1)
        encoder.symbols(np.array([0]), 0, 1)
        encoder.bits(np.array([0]), 1, 1)
    raw = bytes((1, 0, 0, SPARSE)) + SparseModel(100, 0, 15, 0, 0).raw() + encoder.finish()
    for read in (unpack_matrix, lambda _, *rest: read_packed(*rest)):
        with pytest.raises((PayloadError, Refused), match="beyond its group"):
            read("x", raw, 1000, np.zeros(1, np.intp))


@pytest.mark.parametrize("lanes, nonzeros", [(1, 87381), (4096, 1 << 20), (4096, 16 << 20)])
def test_hostile_counts_allocate_nothing(lanes: int, nonzeros: int) -> None:
    state, groups = struct.pack("<I", 1 << 16), column_groups(1, 16, 16)
    raw = struct.pack("<HBB", lanes, 0, SPARSE) + SparseModel(nonzeros, 0xFF, 0, 0xFF, 0).raw()
    raw += state * lanes
    tracemalloc.start()
    with pytest.raises(PayloadError, match="cannot hold"):
        unpack_matrix("x", raw, 1 << 20, groups)
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


def test_nonzeros_cost_a_reader_bounded_steps() -> None:
    nonzeros = MAX_STEPS // 3 + 1
    raw = bytes((1, 0, 0, SPARSE)) + SparseModel(nonzeros, 0, 0, 0, 0).raw() + bytes(1 << 20)
    with pytest.raises(PayloadError, match="lanes are too few"):
        unpack_matrix("x", raw, 1 << 20, np.zeros(1, np.intp))


def test_a_writer_takes_lanes_enough_for_its_lists() -> None:
    values = np.zeros((1 << 20, 1), np.int8)
    values[5::6] = 1
    groups = column_groups(1, 1, 1)
    raw = pack_matrix(values, groups)
    assert (unpack_matrix("x", raw, len(values), groups) == values).all()


@pytest.mark.parametrize("large", [65550, 65551, 1 << 20, -(1 << 29)])
def test_few_nonzeros_too_large_to_list_are_coded_all_the_same(large: int) -> None:
    values = np.zeros((4000, 1), np.int32)
    values[100::400, 0] = large
    groups = column_groups(1, 1, 1)
    raw = pack_matrix(values, groups)
    assert (unpack_matrix("x", raw, 4000, groups) == values).all()


def test_many_sparse_groups_are_read_in_no_time_of_their_number_squared() -> None:
    columns = 20_000
    raw = struct.pack("<H", 1) + bytes((0, SPARSE)) * columns
    raw += SparseModel(1, 0, 0, 0, 0).raw() * columns + b"\0\0\1\0"
    with pytest.raises(PayloadError):
        unpack_matrix("x", raw, 1, column_groups(1, columns, 1))


def test_the_estimate_is_close_to_the_bytes() -> None:
    rng = np.random.default_rng(0)
    values = np.where(rng.random((60000, 4)) < 0.001, rng.integers(-4, 5, (60000, 4)), 0)
    groups = column_groups(1, 4, 2)
    raw = pack_matrix(values, groups)
    assert SPARSE in raw[3:6:2]
    assert 8 * len(raw) == pytest.approx(packed_bits(values, groups), rel=0.03)
