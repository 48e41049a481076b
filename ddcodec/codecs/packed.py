"""Matrices of integers as bytes: a model for each group of columns, then one rANS stream.

The common part of the label codecs. Source: spec/labels.md, "Packed matrices".
"""

from __future__ import annotations

import struct

import numpy as np
import numpy.typing as npt

from ddcodec.entropy.integers import best_model, decode_integers, encode_integers, integer_cost
from ddcodec.entropy.rans import MAX_SYMBOLS_A_WORD, Decoder, Encoder
from ddcodec.errors import PayloadError

__all__ = ["ALL_ZERO", "pack_matrix", "packed_bits", "packed_models", "unpack_matrix"]

Int32s = npt.NDArray[np.int32]
Integers = npt.NDArray[np.integer]
Groups = npt.NDArray[np.intp]

ALL_ZERO = 255
"""The shift that says: every integer of the group is zero, and none is coded."""

MAX_SHIFT = 15
# A lane costs about three bytes of states; so many bytes of content keep that near one per cent.
BYTES_A_LANE = 256
MAX_LANES = 4096
# Steps are what decoding takes its time by: so many take seconds, whatever a file claims.
MAX_STEPS = 1 << 18
_LANES = struct.Struct("<H")


def pack_matrix(values: Integers, groups: Groups) -> bytes:
    """Code a matrix of integers, its columns in groups of one model each.

    Args:
        values: integers [rows, columns].
        groups: the group of each column, [columns], from 0 upwards without gaps.

    Raises:
        EncodeError: an integer is too large.
    """
    models = packed_models(values, groups)
    columns = [(c, *models[groups[c]]) for c in range(values.shape[1])]
    coded = [(c, table, shift) for c, table, shift in columns if shift != ALL_ZERO]
    lanes = _lanes(values, coded)
    encoder = Encoder(lanes)
    for row in range(0, len(values) if coded else 0, lanes):
        part = np.ascontiguousarray(values[row : row + lanes].T)
        for c, table, shift in coded:
            encode_integers(encoder, part[c], table, shift, part.shape[1])
    head = b"".join(bytes(model) for model in models)
    return _LANES.pack(lanes) + head + (encoder.finish() if coded else b"")


def packed_models(values: Integers, groups: Groups) -> list[tuple[int, int]]:
    """The (table, shift) of each group that code its columns in the fewest bits."""
    models = []
    for group in range(int(groups.max()) + 1 if groups.size else 0):
        part = values[:, groups == group]
        models.append(best_model(part) if part.any() else (0, ALL_ZERO))
    return models


def packed_bits(values: Integers, groups: Groups) -> float:
    """About how many bits ``pack_matrix`` takes (encoder-side)."""
    total = 0.0
    for group, (table, shift) in enumerate(packed_models(values, groups)):
        total += 16
        if shift != ALL_ZERO:
            total += float(integer_cost(values[:, groups == group], table, shift).sum())
    return total


def unpack_matrix(name: str, raw: bytes, rows: int, groups: Groups) -> Int32s:
    """The matrix that ``pack_matrix`` coded, int32 [rows, columns].

    Args:
        name: the codec's, for messages.
        raw: all bytes of the matrix.
        rows: number of rows.
        groups: as for ``pack_matrix``.

    Raises:
        PayloadError: the bytes are no such matrix.
    """
    count = int(groups.max()) + 1 if groups.size else 0
    start = _LANES.size + 2 * count
    if len(raw) < start:
        raise PayloadError(f"{name}: {len(raw)} bytes hold no {count} models; the file is damaged")
    (lanes,) = _LANES.unpack_from(raw)
    models = np.frombuffer(raw, np.uint8, 2 * count, _LANES.size).reshape(count, 2).tolist()
    # No more lanes than rows: lanes without rows would make room for what is not there.
    if not 1 <= lanes <= min(MAX_LANES, rows) or any(_malformed(*model) for model in models):
        raise PayloadError(f"{name}: a model or the number of lanes is out of range; damaged")
    coded = [(c, *models[g]) for c, g in enumerate(groups.tolist()) if models[g][1] != ALL_ZERO]
    if not coded:
        if len(raw) != start or lanes != 1:
            raise PayloadError(f"{name}: bytes follow a matrix of zeros; the section is damaged")
        return np.zeros((rows, len(groups)), np.int32)
    stream = raw[start:]
    steps = -(-rows // lanes)
    if steps * len(coded) > MAX_STEPS:
        raise PayloadError(f"{name}: {lanes} lanes are too few for {rows} rows; damaged")
    if rows * len(coded) > MAX_SYMBOLS_A_WORD * (len(stream) // 2 - lanes):
        raise PayloadError(f"{name}: {len(raw)} bytes cannot hold {rows} rows; damaged")
    decoder = Decoder(stream, lanes)
    result = np.zeros((steps, len(groups), lanes), np.int32)
    for step, part in enumerate(result):
        active = min(lanes, rows - step * lanes)
        for c, table, shift in coded:
            part[c, :active] = decode_integers(decoder, table, shift, active)
    decoder.finish()
    whole = result.transpose(0, 2, 1).reshape(-1, len(groups))
    return np.ascontiguousarray(whole[:rows])


def _malformed(table: int, shift: int) -> bool:
    return table != 0 if shift == ALL_ZERO else shift > MAX_SHIFT


def _lanes(values: Integers, coded: list[tuple[int, int, int]]) -> int:
    """As many lanes (a power of two) as the bytes of content allow; decoding is the faster."""
    bits = sum(float(integer_cost(values[:, c], table, shift).sum()) for c, table, shift in coded)
    fewest = max(1, -(-len(values) * len(coded) // MAX_STEPS))
    most = min(MAX_LANES, len(values), max(1, round(bits / 8) // BYTES_A_LANE))
    return max(1 << (most.bit_length() - 1), 1 << (fewest - 1).bit_length())
