"""Matrices of integers as bytes: a model for each group of columns, then one rANS stream.

The common part of the label codecs. Source: spec/labels.md, "Packed matrices".
"""

from __future__ import annotations

import struct
from collections.abc import Collection

import numpy as np

from ddcodec.arrays import Indices, Int32s, Integers
from ddcodec.codecs.sparse import RAW_BYTES, SparseModel
from ddcodec.entropy.integers import best_model, decode_columns, encode_integers, integer_cost
from ddcodec.entropy.rans import MAX_SYMBOLS_A_WORD, Decoder, Encoder
from ddcodec.errors import PayloadError

__all__ = ["ALL_ZERO", "pack_matrix", "packed_bits", "unpack_matrix"]


ALL_ZERO = 255
"""The shift that says: every integer of the group is zero, and none is coded."""

SPARSE = 254
"""The shift that says: the group's nonzeros are listed, behind the models."""

MAX_SHIFT = 15
# No list is tried where more than one value in so many is not zero.
SPARSEST = 6
# A lane costs about three bytes of states; so many bytes of content keep that near one per cent.
BYTES_A_LANE = 256
MAX_LANES = 4096
# Steps are what decoding takes its time by: so many take seconds, whatever a file claims.
MAX_STEPS = 1 << 18
# Each nonzero of a list takes a raw bit, and a word holds hardly more than 16.
SIGNS_A_WORD = 17
_LANES = struct.Struct("<H")


Model = tuple[int, int]


def pack_matrix(values: Integers, groups: Indices) -> bytes:
    """Code a matrix of integers, its columns in groups of one model each.

    Args:
        values: integers [rows, columns].
        groups: the group of each column, [columns], from 0 upwards without gaps.

    Raises:
        EncodeError: an integer is too large.
    """
    models, lists = _models(values, groups)
    dense = [(c, *models[g]) for c, g in enumerate(groups.tolist()) if models[g][1] <= MAX_SHIFT]
    head = b"".join(bytes(model) for model in models) + b"".join(m.raw() for m in lists.values())
    if not dense and not lists:
        return _LANES.pack(1) + head
    content = _bits(values, groups, models, lists)
    encoder = Encoder(_lanes(len(values), len(dense), lists.values(), content))
    for row in range(0, len(values) if dense else 0, encoder.lanes):
        part = np.ascontiguousarray(values[row : row + encoder.lanes].T)
        for c, table, shift in dense:
            encode_integers(encoder, part[c], table, shift, part.shape[1])
    for group, model in lists.items():
        model.encode(encoder, values[:, groups == group])
    return _LANES.pack(encoder.lanes) + head + encoder.finish()


def packed_bits(values: Integers, groups: Indices) -> float:
    """About how many bits ``pack_matrix`` takes (encoder-side)."""
    return _bits(values, groups, *_models(values, groups))


def _bits(
    values: Integers, groups: Indices, models: list[Model], lists: dict[int, SparseModel]
) -> float:
    total = 16.0 * len(models)
    for group, (table, shift) in enumerate(models):
        part = values[:, groups == group]
        if group in lists:
            total += lists[group].bits(part)
        elif shift != ALL_ZERO:
            total += float(integer_cost(part, table, shift).sum())
    return total


def _models(values: Integers, groups: Indices) -> tuple[list[Model], dict[int, SparseModel]]:
    """The model of each group, and of sparse groups how their nonzeros are coded."""
    models: list[Model] = []
    lists: dict[int, SparseModel] = {}
    for group in range(int(groups.max()) + 1 if groups.size else 0):
        part = values[:, groups == group]
        nonzeros = np.count_nonzero(part)
        model = best_model(part) if nonzeros else (0, ALL_ZERO)
        if 0 < nonzeros <= part.size // SPARSEST:
            sparse = SparseModel.of(part)
            if sparse and sparse.bits(part) < float(integer_cost(part, *model).sum()):
                lists[group], model = sparse, (0, SPARSE)
        models.append(model)
    return models, lists


def unpack_matrix(name: str, raw: bytes, rows: int, groups: Indices) -> Int32s:
    """The matrix that ``pack_matrix`` coded, int32 [rows, columns], column by column in memory.

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
    dense = [(c, *models[g]) for c, g in enumerate(groups.tolist()) if models[g][1] <= MAX_SHIFT]
    lists: dict[int, SparseModel] = {}
    # Found for all groups at once: there may be as many as columns.
    widths = np.bincount(groups, minlength=count).tolist()
    for group, (_, shift) in enumerate(models):
        if shift == SPARSE:
            lists[group] = SparseModel.read(name, raw, start, rows * widths[group])
            start += RAW_BYTES
    if not dense and not lists:
        if len(raw) != start or lanes != 1:
            raise PayloadError(f"{name}: bytes follow a matrix of zeros; the section is damaged")
        return np.zeros((rows, len(groups)), np.int32)
    stream = raw[start:]
    entries = sum(model.nonzeros for model in lists.values())
    if _steps(rows, len(dense), lists.values(), lanes) > MAX_STEPS:
        raise PayloadError(f"{name}: {lanes} lanes are too few for {rows} rows; damaged")
    room = len(stream) // 2 - lanes
    if rows * len(dense) + 2 * entries > MAX_SYMBOLS_A_WORD * room or entries > SIGNS_A_WORD * room:
        raise PayloadError(f"{name}: {len(raw)} bytes cannot hold {rows} rows; damaged")
    decoder = Decoder(stream, lanes)
    result = np.zeros((len(groups), rows), np.int32)
    if dense:
        models_of = [(table, shift) for _, table, shift in dense]
        result[[c for c, _, _ in dense]] = decode_columns(decoder, models_of, rows)
    order, ends = np.argsort(groups, kind="stable"), np.cumsum(widths)
    for group, model in lists.items():
        columns = order[ends[group] - widths[group] : ends[group]]
        result[columns] = model.decode(name, decoder, rows, len(columns))
    decoder.finish()
    return result.T


def _malformed(table: int, shift: int) -> bool:
    return table != 0 if shift in (ALL_ZERO, SPARSE) else shift > MAX_SHIFT


def _lanes(rows: int, dense: int, lists: Collection[SparseModel], content: float) -> int:
    """As many lanes (a power of two) as the bits of content allow; decoding is the faster."""
    most = min(MAX_LANES, rows)
    allowed = min(most, max(1, round(content / 8) // BYTES_A_LANE))
    lanes = 1 << (allowed.bit_length() - 1)
    while _steps(rows, dense, lists, lanes) > MAX_STEPS and 2 * lanes <= most:
        lanes *= 2
    return lanes


def _steps(rows: int, dense: int, lists: Collection[SparseModel], lanes: int) -> int:
    """Operations of a reader; a nonzero in a list takes three."""
    return -(-rows // lanes) * dense + 3 * sum(-(-m.nonzeros // lanes) for m in lists)
