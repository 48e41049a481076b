"""The codecs of soft labels in layers (spec/labels.md, sections 2 and 4)."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from math import prod
from typing import Any, NamedTuple

from tools.conformance.reference.arrays import nest, unpack
from tools.conformance.reference.packed import Matrix, groups_of, read_packed
from tools.conformance.reference.parameters import Params, check_parameters
from tools.conformance.reference.refusal import require

Decoder = Callable[[bytes, Sequence[int], Params], Any]


class Model(NamedTuple):
    """Section 4: means [K][K], basis [r][K], class fields [K][M][r], steps [M], units [r]."""

    means: Matrix
    basis: Matrix
    class_fields: list[Matrix]
    class_steps: list[int]
    field_steps: list[int]
    units: list[int]


def narrow(matrix: Matrix, bits: int) -> Matrix:
    """The same, if all values fit so many bits."""
    limit = 1 << (bits - 1)
    for row in matrix:
        require(all(-limit <= v < limit for v in row), "payload", f"a value beyond {bits} bits")
    return matrix


def read_model(raw: bytes, shape: Sequence[int], params: Params) -> Model:
    """Section 4, ``label-model``; the shape is [classes of the origin, M, r]."""
    k, m, r, band = (params[key] for key in ("classes", "features", "atoms", "band"))
    require(tuple(shape) == (k, m, r), "payload", f"a model of {(k, m, r)} for {shape}")
    at, matrices = 4 * m + 2 * r, []
    require(len(raw) >= at, "payload", "steps or units are missing")
    steps = unpack("H", raw[:at])
    require(all(steps[2 * m :]), "payload", "a unit of 0")
    for groups in ([0] * k, groups_of(1, r, band), groups_of(m, r, band)):
        require(len(raw) >= at + 4, "payload", "a matrix is missing")
        (length,) = struct.unpack_from("<I", raw, at)
        at += 4 + length
        require(len(raw) >= at, "payload", "a matrix is cut off")
        matrices.append(read_packed(raw[at - length : at], k, groups))
    require(len(raw) == at, "payload", "bytes are left over")
    means, turned, flat = matrices
    narrow(means, 16), narrow(turned, 8), narrow(flat, 16)
    basis = [[row[j] for row in turned] for j in range(r)]
    fields = [[row[i * r : (i + 1) * r] for i in range(m)] for row in flat]
    return Model(means, basis, fields, steps[:m], steps[m : 2 * m], steps[2 * m :])


def read_fields(raw: bytes, shape: Sequence[int], params: Params) -> Any:
    """Section 4, ``label-fields``."""
    each, m, r = params["variations"], params["features"], params["atoms"]
    require(len(shape) == 5 and min(shape) >= 1, "payload", f"shape {shape}")
    require(tuple(shape[2:]) == (each, m, r), "payload", "variations, features and atoms")
    packed = read_packed(raw, prod(shape[:3]), groups_of(m, r, params["band"]))
    return nest([v for row in narrow(packed, 16) for v in row], shape)


def read_soft_labels(raw: bytes, shape: Sequence[int], params: Params) -> Any:
    """Section 4, ``soft-labels`` version 2."""
    columns = params["columns"]
    require(len(shape) == 4 and min(shape[:3]) >= 1, "payload", f"shape {shape}")
    require(shape[3] == columns, "payload", "columns")
    if not columns:
        require(raw == b"\0", "payload", "not the byte of nothing")
        return nest([[] for _ in range(prod(shape[:3]))], shape[:3])
    packed = read_packed(raw, prod(shape[:3]), groups_of(1, columns, params["band"]))
    return nest([v for row in packed for v in row], shape)


def decoder(name: str, read: Callable[[bytes, Sequence[int], Params], Any]) -> Decoder:
    """The reader of a codec, after checks of its parameters and of the section's size."""

    def decode(raw: bytes, shape: Sequence[int], params: Params) -> Any:
        check_parameters(name, params)
        require(prod(shape) <= 1 << 24, "limit-exceeded", "more than 2^24 values")
        return read(raw, shape, params)

    return decode


LABEL_CODECS: dict[str, Decoder] = {
    "label-fields": decoder("label-fields", read_fields),
    "label-model": decoder("label-model", read_model),
    "soft-labels": decoder("soft-labels", read_soft_labels),
}
