"""Raw bytes of the codecs of soft labels, written as an encoder would; nothing is checked."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from tools.conformance.reference.arrays import nest
from tools.conformance.reference.entropy import Writer
from tools.conformance.reference.features import monomials
from tools.conformance.reference.packed import Listed, Matrix, groups_of
from tools.conformance.vectors.numbers import draw, spread

Case = dict[str, Any]
Models = Sequence[tuple[int, int]]
SPARSE = (0, 254)
ZERO = (0, 255)
COMMON = (0x53, 0)

FLIPS = {"kind": "identity", "pad": 0, "scale": [1, 1, 1], "flip": 1, "cutmix": 0}
CROPS = {**FLIPS, "kind": "pad-crop", "pad": 2}
MIXED = {**CROPS, "cutmix": 1}
RESIZED = {**FLIPS, "kind": "resized-crop", "scale": [1, 3, 4]}


def packed(
    rows: Matrix,
    groups: Sequence[int],
    models: Models,
    lanes: int = 1,
    lists: Sequence[Listed] = (),
) -> bytes:
    """Section 3, as a writer would: nothing is checked, so that faults can be made.

    Of each list as many nonzeros are written as there are, whatever it says.
    """
    head = struct.pack("<H", lanes) + b"".join(bytes(model) for model in models)
    head += b"".join(struct.pack("<I4B", *listed) for listed in lists)
    coded = [i for i, g in enumerate(groups) if models[g] not in (ZERO, SPARSE)]
    if not coded and not lists:
        return head
    writer = Writer(lanes)
    for first in range(0, len(rows) if coded else 0, lanes):
        part = rows[first : first + lanes]
        for i in coded:
            writer.integers([row[i] for row in part], *models[groups[i]], range(len(part)))
    sparse = [group for group, model in enumerate(models) if model == SPARSE]
    for group, listed in zip(sparse, lists, strict=False):
        flat = [row[i] for i, g in enumerate(groups) if g == group for row in rows]
        write_list(writer, flat, listed)
    return head + writer.finish()


def write_list(writer: Writer, flat: Sequence[int], listed: Listed) -> None:
    """Section 3, "Sparse groups"."""
    places = [place for place, value in enumerate(flat) if value]
    every = [b - a - 1 for a, b in pairwise([-1, *places])]
    for first in range(0, len(places), writer.lanes):
        part = places[first : first + writer.lanes]
        gaps = every[first : first + writer.lanes]
        k, values, active = listed.gap_shift, [flat[place] for place in part], range(len(part))
        writer.integers(
            [signed(gap >> k) * 2**k + gap % 2**k for gap in gaps], listed.gap_table, k, active
        )
        writer.integers([signed(abs(v) - 1) for v in values], listed.size_table, 0, active)
        writer.bits([int(v < 0) for v in values], 1, active)


def signed(number: int) -> int:
    """0, 1, 2, 3, ... as 0, -1, 1, -2, ..."""
    return number // 2 if number % 2 == 0 else -(number + 1) // 2


def rows_of(stream: int, rows: int, columns: int, bits: int) -> Matrix:
    """The same integers for ever, of either sign and all magnitudes up to 2^bits."""
    return nest(spread(stream, rows * columns, bits), (rows, columns)) if columns else [[]] * rows


def codec(name: str, **params: int) -> Case:
    """The entry of an index for a codec, its parameters in order."""
    ordered = dict(sorted(params.items()))
    return {"compression": "none", "name": name, "params": ordered, "version": 1}


def model_codec(k: int, r: int, view: Case, **params: int) -> Case:
    """A label model's, with as many features as it should have."""
    chosen = {"mean_step": 4, "shift": 3, "parts": 1, "degree": 1, "response": 0, "band": 2}
    chosen["variations"] = 1
    chosen |= params
    features = chosen["parts"] ** 2 + chosen["response"]
    features += len(monomials(view, chosen["degree"]))
    return codec("label-model", **({"features": features} | chosen), classes=k, atoms=r)


def model_raw(
    entry: Case, stream: int, *, fields: Matrix | None = None, steps: int | None = None
) -> bytes:
    """A model of any numbers of a few bits; or with these class fields [K][M r] and steps.

    Units are 16 and so on, to the largest there is.
    """
    k, m, r, band = (entry["params"][key] for key in ("classes", "features", "atoms", "band"))
    small = [1 + n for n in draw(stream, 2 * m, 300)]
    raw = struct.pack(f"<{2 * m}H", *(small if steps is None else [steps] * 2 * m))
    raw += struct.pack(f"<{r}H", *[16, 1, 65535, 300][:r])
    parts = [
        (rows_of(stream + 1, k, k, 6), [0] * k, 3),
        (rows_of(stream + 2, k, r, 6), groups_of(1, r, band), 3),
        (fields or rows_of(stream + 3, k, m * r, 5), groups_of(m, r, band), 12 if fields else 2),
    ]
    for rows, groups, shift in parts:
        models = [(0x75, shift)] * (max(groups, default=-1) + 1)
        part = packed(rows, groups, models, 2 if models and k > 1 else 1)
        raw += struct.pack("<I", len(part)) + part
    return raw


def fields_codec(model: Case) -> Case:
    shared = ("variations", "features", "atoms", "band")
    return codec("label-fields", **{name: model["params"][name] for name in shared})


def table_raw(rows: int, groups: Sequence[int], stream: int, bits: int = 4) -> bytes:
    """A packed matrix of any numbers; its second group, if there is one, is all zeros."""
    values = rows_of(stream, rows, len(groups), bits)
    values = [[0 if g == 1 else v for v, g in zip(row, groups, strict=True)] for row in values]
    models = [COMMON if g != 1 else ZERO for g in range(max(groups) + 1)]
    return packed(values, groups, models, min(rows, 3))


def with_params(entry: Case, **params: Any) -> Case:
    return {**entry, "params": {**entry["params"], **params}}


def top_k(orders: Matrix, rows: Matrix, groups: Sequence[int], base: int = 0) -> bytes:
    """Top-k labels (codecs.md, section 10), every matrix in one table and one lane."""
    models = [(0x53, 1)] * (max(groups) + 1)
    listed = packed(orders, [0] * len(orders[0]), [(0x10, 2)] * bool(orders[0]))
    head = struct.pack("<hI", base, len(listed))
    return head + listed + packed(rows, groups, models)
