"""Streams of few lanes, number by number, give what steps of all lanes give."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ddcodec.entropy import Decoder, decode_columns, decode_integers, pack
from ddcodec.entropy.few_lanes import FEW, decode_few
from ddcodec.errors import PayloadError

MODELS = st.lists(st.tuples(st.integers(0, 255), st.integers(0, 15)), min_size=1, max_size=4)

SEEDS = st.integers(0, 2**32 - 1)


def in_steps(raw: bytes, lanes: int, models: list[tuple[int, int]], rows: int) -> list[list[int]]:
    """The same by numpy, a step at a time."""
    decoder = Decoder(raw, lanes)
    columns = np.empty((len(models), rows), np.int64)
    for first in range(0, rows, lanes):
        for column, (table, shift) in zip(columns, models, strict=True):
            part = column[first : first + lanes]
            part[:] = decode_integers(decoder, table, shift, len(part))
    decoder.finish()
    found: list[list[int]] = columns.tolist()
    return found


@settings(max_examples=60)
@given(MODELS, st.integers(1, FEW), st.integers(1, 40), SEEDS, st.integers(0, 9))
def test_any_stream_is_read_alike(
    models: list[tuple[int, int]], lanes: int, rows: int, seed: int, spread: int
) -> None:
    rng = np.random.default_rng(seed)
    # Some far out, so that they escape.
    size = np.array([1 << min(14, spread + shift // 2) for _, shift in models])
    values = np.rint(rng.standard_normal((rows, len(models))) * size).astype(np.int64)
    tables, shifts = (np.array(column, np.uint8) for column in zip(*models, strict=True))
    raw = pack(values, tables, shifts, lanes)
    decoder = Decoder(raw, lanes)
    found = decode_few(decoder, models, rows)
    decoder.finish()
    assert found.T.tolist() == values.tolist()
    assert found.tolist() == in_steps(raw, lanes, models, rows)


@pytest.mark.parametrize("lanes", [1, FEW, FEW + 1])
def test_a_stream_goes_on_behind_its_columns(lanes: int) -> None:
    values = np.arange(60).reshape(-1, 2)
    zeros = np.zeros(2, np.uint8)
    raw = pack(values, zeros, zeros, lanes)
    decoder = Decoder(raw, lanes)
    rows = lanes * 3
    first = decode_columns(decoder, [(0, 0), (0, 0)], rows)
    rest = decode_columns(decoder, [(0, 0), (0, 0)], 30 - rows)
    decoder.finish()
    assert np.concatenate([first, rest], axis=1).T.tolist() == values.tolist()


def test_a_stream_that_ends_is_refused() -> None:
    raw = pack(np.arange(100)[:, None], np.zeros(1, np.uint8), np.zeros(1, np.uint8), 1)
    for cut in (8, len(raw) // 2 & ~1, len(raw) - 2):
        with pytest.raises(PayloadError, match="ends too early"):
            decode_few(Decoder(raw[:cut], 1), [(0, 0)], 100)
