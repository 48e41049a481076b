"""The targets of guided fuzzing: what has to withstand an input, and inputs to begin with."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

import numpy as np

from ddcodec.entropy.integers import pack, unpack
from tools.conformance import fuzz
from tools.conformance.mutations import with_true_sums

# Table, shift, lanes, rows and columns of a stream, each small: many values teach nothing new.
_STREAM = struct.Struct("<BBBBB")


def container(data: bytes) -> None:
    """A whole file, to its digest."""
    fuzz.open_fully(with_true_sums(data))


def artifact(data: bytes) -> None:
    """A whole file, to its labels."""
    fuzz.decode_fully(with_true_sums(data))


def entropy(data: bytes) -> None:
    """A stream of integers, whose models come first."""
    if len(data) < _STREAM.size:
        return
    table, shift, lanes, rows, columns = _STREAM.unpack_from(data)
    tables, shifts = np.full(columns, table, np.uint8), np.full(columns, shift % 18, np.uint8)
    unpack(data[_STREAM.size :], rows, columns, tables, shifts, lanes)


TARGETS: dict[str, Callable[[bytes], None]] = {
    "container": container,
    "artifact": artifact,
    "entropy": entropy,
}


def seeds(target: str) -> Iterator[bytes]:
    """What a corpus begins with."""
    if target != "entropy":
        yield from fuzz.load_corpus()
        return
    rng = np.random.default_rng(0)
    for table, shift, lanes in ((0, 0, 1), (9, 0, 4), (40, 3, 2), (63, 15, 16)):
        values = rng.integers(-(2 << shift), 2 << shift, (20, 3)).astype(np.int32)
        models = np.full(3, table, np.uint8), np.full(3, shift, np.uint8)
        yield _STREAM.pack(table, shift, lanes, *values.shape) + pack(values, *models, lanes)
