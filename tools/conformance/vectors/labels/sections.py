"""Sections of label models, fields and symbols: what each decodes to, or how it is refused."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from tools.conformance.reference.codecs import decode
from tools.conformance.reference.packed import groups_of
from tools.conformance.reference.refusal import Refused
from tools.conformance.vectors.labels.raw import (
    CROPS,
    FLIPS,
    ZERO,
    Case,
    codec,
    fields_codec,
    model_codec,
    model_raw,
    packed,
    table_raw,
    with_params,
)


def section(what: str, entry: Case, shape: Sequence[int], raw: bytes) -> Case:
    case = {"what": what, "codec": entry["name"], "version": entry["version"]}
    case |= {"params": entry["params"], "shape": list(shape), "raw": raw.hex()}
    try:
        array = decode(entry, raw, shape)
    except Refused as error:
        return case | {"error": error.code}
    return case | {"array": array._asdict() if entry["name"] == "label-model" else array}


def sections() -> list[Case]:
    model = model_codec(3, 3, CROPS)
    shape = 3, model["params"]["features"], 3
    raw = model_raw(model, 100)
    bare = model_codec(2, 0, FLIPS, degree=0)
    m = shape[1]
    fields, field_shape = fields_codec(model), (2, 2, 1, m, 3)
    field_raw = table_raw(4, groups_of(m, 3, 2), 110)
    of_two = with_params(fields, variations=2)
    labels, label_shape = codec("soft-labels", columns=3, band=1, step=0), (2, 2, 3, 3)
    label_raw = table_raw(12, groups_of(1, 3, 1), 120)
    none = codec("soft-labels", columns=0, band=1, step=7)
    fine = codec("soft-labels", columns=5, band=8, step=1)
    good = [
        section("a model", model, shape, raw),
        section("of means alone", bare, (2, 1, 0), model_raw(bare, 105)),
        section("fields", fields, field_shape, field_raw),
        section("fields of two variations", of_two, (2, 1, 2, m, 3), field_raw),
        section("symbols of atoms", labels, label_shape, label_raw),
        section("no symbols", none, (2, 1, 2, 0), b"\0"),
        section("large symbols of logits", fine, (1, 2, 2, 5), table_raw(4, [0] * 5, 130, 15)),
    ]
    bad = [
        *refused_models(model, shape, raw),
        section(
            "fields beyond 16 bits",
            codec("label-fields", variations=1, features=1, atoms=1, band=1),
            (1, 1, 1, 1, 1),
            packed([[-32769]], [0], [(0, 12)]),
        ),
        section("fields of a slot too many", fields, (2, 3, 1, m, 3), field_raw),
        section("fields of no atoms", with_params(fields, atoms=0), (2, 2, 1, m, 0), b"\1\0"),
        section("symbols of another number", labels, (2, 2, 3, 4), label_raw),
        section("symbols of a view too few", labels, (2, 2, 2, 3), label_raw),
        section("1025 atoms", with_params(labels, columns=1025), (1, 1, 1, 1025), b"\1\0\0\xff"),
        section("a step of 2049", with_params(labels, step=2049), label_shape, label_raw),
        section("nothing where a byte should be", none, (2, 1, 2, 0), b""),
        section("another byte for nothing", none, (2, 1, 2, 0), b"\1"),
        section("something where nothing is", none, (2, 1, 2, 0), b"\0\0"),
    ]
    for case in good:
        assert "array" in case, case["what"]
    for case in bad:
        assert "error" in case, case["what"]
    return good + bad


def refused_models(model: Case, shape: Sequence[int], raw: bytes) -> list[Case]:
    """A label model cut, out of range, and of parameters that it may not have."""
    m = shape[1]
    steps = 4 * m + 2 * 3
    parts = [
        packed([[40000, 0, 0]] * 3, [0] * 3, [(0, 12)]),
        packed([[128, 0, 0]] * 3, [0, 0, 1], [(0, 5), ZERO]),
        packed(
            [[32768] + [0] * (3 * m - 1)] * 3, groups_of(m, 3, 2), [(0, 12)] + [ZERO] * (2 * m - 1)
        ),
    ]
    zero_parts = [
        packed([[0] * 3] * 3, [0] * 3, [ZERO]),
        packed([[0] * 3] * 3, [0, 0, 1], [ZERO] * 2),
        packed([[0] * 3 * m] * 3, groups_of(m, 3, 2), [ZERO] * 2 * m),
    ]

    def model_of(*matrices: bytes) -> bytes:
        return raw[:steps] + b"".join(struct.pack("<I", len(p)) + p for p in matrices)

    return [
        section("steps are cut off", model, shape, raw[: 4 * m - 1]),
        section("units are cut off", model, shape, raw[: steps - 1]),
        section("a unit of 0", model, shape, raw[: 4 * m + 2] + b"\0\0" + raw[4 * m + 4 :]),
        section("a matrix is missing", model, shape, raw[: steps + 2]),
        section("a matrix is cut off", model, shape, raw[:-1]),
        section("a byte too many", model, shape, raw + b"\0"),
        section("a mean beyond 16 bits", model, shape, model_of(parts[0], *zero_parts[1:])),
        section(
            "a basis beyond 8 bits", model, shape, model_of(zero_parts[0], parts[1], zero_parts[2])
        ),
        section("a class field beyond 16 bits", model, shape, model_of(*zero_parts[:2], parts[2])),
        *(
            section(f"{key} {value!r}", with_params(model, **{key: value}), shape, raw)
            for key, value in (
                ("classes", 4097),
                ("features", 0),
                ("features", 65),
                ("atoms", 1025),
                ("band", 0),
                ("mean_step", 0),
                ("mean_step", 2049),
                ("shift", 25),
                ("parts", 3),
                ("degree", 4),
                ("response", True),
                ("unknown", 1),
            )
        ),
    ]
