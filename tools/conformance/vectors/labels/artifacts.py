"""Whole files with soft labels: the logits of every label, or the error of asking for one."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from math import isqrt, prod
from typing import Any

from tools.conformance.reference.label_codecs import read_fields, read_soft_labels
from tools.conformance.reference.labels import Labels
from tools.conformance.reference.packed import Matrix, groups_of
from tools.conformance.vectors.files import Box, Item, file_of, in_order
from tools.conformance.vectors.labels.draws import ROWS, STORED_VIEW, draws
from tools.conformance.vectors.labels.matrices import refused
from tools.conformance.vectors.labels.raw import (
    CROPS,
    MIXED,
    RESIZED,
    Case,
    codec,
    fields_codec,
    model_codec,
    model_raw,
    packed,
    table_raw,
    top_k,
    with_params,
)
from tools.conformance.vectors.numbers import draw, spread
from tools.conformance.vectors.png import png


def head_of(
    view: Case, size: Sequence[int], origins: Matrix, ipc: int, views: int, rows: Matrix
) -> Case:
    classes = sum(count for _, count in origins)
    recipe = {
        "evaluation": {"mean": [32768] * 3, "protocol": "ddz", "std": [16384] * 3},
        "ipc": ipc,
        "labels": {"kind": "soft", "temperature": [4, 1]},
        "layout": {"grid": 1, "kind": "single"},
        "size": list(size),
        "synthesis": {"kind": "stored"},
        "variations": 1,
        "view": dict(sorted(view.items())),
        "views": views,
    }
    names = [f"class {c}" for c in range(classes)]
    return {"classes": names, "origins": origins, "recipe": recipe, "rows": rows}


def common(head: Case, stream: int) -> list[Item]:
    """Pictures and seeds of all classes."""
    (width, height), ipc = head["recipe"]["size"], head["recipe"]["ipc"]
    classes = len(head["classes"])
    count = classes * ipc
    across = isqrt(count - 1) + 1
    picture = noise(across * width, -(-count // across) * height, stream)
    mosaic = codec("mosaic-png", width=width, height=height)
    seeds = [w << 32 | w ^ 0x1234567 for w in draw(stream + 1, count, 1 << 32)]
    raw = struct.pack(f"<{count}Q", *seeds)
    return [
        Item("patches", mosaic, (0, classes, 0, ipc, 0, 0), picture),
        Item("seeds", codec("seed-list"), (0, classes, 0, 0, 0, 0), raw),
    ]


def noise(width: int, height: int, stream: int) -> bytes:
    """A picture of noise."""
    data = bytes(draw(stream, 3 * width * height, 256))
    return png(width, height, [data[3 * width * y : 3 * width * (y + 1)] for y in range(height)])


def labels_item(entry: Case, box: Box, stream: int, bits: int) -> Item:
    columns, rows = entry["params"]["columns"], prod(box[1::2])
    if not columns:
        return Item("labels", entry, box, b"\0")
    return Item(
        "labels",
        entry,
        box,
        table_raw(rows, groups_of(1, columns, entry["params"]["band"]), stream, bits),
    )


def fields_item(model: Case, box: Box, stream: int) -> Item:
    m, r, band = (model["params"][key] for key in ("features", "atoms", "band"))
    rows = box[1] * (box[3] or 2) * model["params"]["variations"]
    return Item(
        "label-fields",
        fields_codec(model),
        box,
        table_raw(rows, groups_of(m, r, band), stream, 6),
    )


def crops() -> tuple[Case, list[Item]]:
    """Crops and flips; fields of degree 2 and innovations of two atoms, in three sections."""
    head = head_of(CROPS, [8, 6], [[0, 3]], 2, 4, [[0, 3]])
    model = model_codec(3, 2, CROPS, degree=2)
    entry = codec("soft-labels", columns=2, band=1, step=0)
    return head, [
        *common(head, 300),
        Item("label-model", model, (0, 3, 0, 0, 0, 0), model_raw(model, 310)),
        fields_item(model, (0, 3, 0, 2, 0, 0), 320),
        labels_item(entry, (0, 2, 0, 2, 0, 4), 330, 4),
        labels_item(entry, (2, 1, 0, 2, 0, 3), 331, 4),
        labels_item(entry, (2, 1, 0, 2, 3, 1), 332, 4),
    ]


def cutmix() -> tuple[Case, list[Item]]:
    """CutMix; fields by slot, over the quarters of a view; logits in steps of 3."""
    head = head_of(MIXED, [9, 8], [[0, 4]], 3, 5, [[0, 4]])
    model = model_codec(4, 3, MIXED, parts=2, response=1, mean_step=9, shift=6)
    entry = codec("soft-labels", columns=4, band=2, step=3)
    return head, [
        *common(head, 400),
        Item("label-model", model, (0, 4, 0, 0, 0, 0), model_raw(model, 410)),
        *(fields_item(model, (0, 4, *slots, 0, 0), 420 + slots[0]) for slots in ((0, 1), (1, 2))),
        *(
            labels_item(entry, (0, 4, *slots, 0, 5), 430 + slots[0], 5)
            for slots in ((0, 1), (1, 2))
        ),
    ]


def resized() -> tuple[Case, list[Item]]:
    """Two origins: fields of degree 3 without innovations; means alone, beside top-k labels."""
    head = head_of(RESIZED, [16, 12], [[0, 2], [2, 3]], 2, 3, [[0, 5]])
    model, means = (
        model_codec(2, 3, RESIZED, degree=3, shift=8),
        model_codec(3, 0, RESIZED, degree=0),
    )
    listed = codec("top-k-labels", classes=3, k=1, step=8, common=0, ranked=0, band=1)
    nothing = codec("soft-labels", columns=0, band=1, step=0)
    tops, drops, columns = spread(520, 6, 6), draw(521, 6, 60), draw(522, 6, 3)
    raw = top_k([[]], [list(row) for row in zip(tops, drops, columns, strict=True)], [0, 1, 2])
    return head, [
        *common(head, 500),
        Item("label-model", model, (0, 2, 0, 0, 0, 0), model_raw(model, 510)),
        Item("label-model", means, (2, 3, 0, 0, 0, 0), model_raw(means, 514)),
        fields_item(model, (0, 2, 0, 0, 0, 0), 518),
        Item("labels", nothing, (0, 2, 0, 2, 0, 3), b"\0"),
        Item("labels", nothing, (2, 2, 0, 2, 0, 3), b"\0"),
        Item("labels", listed, (4, 1, 0, 2, 0, 3), raw),
    ]


def varied() -> tuple[Case, list[Item]]:
    """Generated pictures, three of a slot, in CutMix views; fields of each picture."""
    head = head_of(MIXED, [9, 8], [[0, 2]], 2, 7, [[0, 2]])
    synthesis = {
        "batch": 1,
        "grid": 1,
        "guidance": [1, 1],
        "kind": "text2image",
        "negative": "",
        "profile": "float",
        "prompt": "a {}",
        "size": [8, 8],
        "time_ids": [],
        "vectors": [0],
        "weights": None,
    }
    head["recipe"] |= {"synthesis": synthesis, "variations": 3}
    head["prior"] = {
        "digest": bytes(32),
        "files": ["model_index.json"],
        "revision": None,
        "source": "any",
    }
    model = model_codec(2, 2, MIXED, variations=3)
    entry = codec("soft-labels", columns=2, band=1, step=0)
    table = struct.pack("<HHf5f", 1, 1, 1.0, 999.0, 1.0, 0.0, 1.0, -0.5)
    seeds = next(item for item in common(head, 600) if item.kind == "seeds")
    return dict(sorted(head.items())), [
        seeds,
        Item("prompts", codec("prompt-text"), (0, 2, 0, 0, 0, 0), b"\0\0\3\0owl"),
        Item("schedule", codec("schedule-table"), (0,) * 6, table),
        Item("label-model", model, (0, 2, 0, 0, 0, 0), model_raw(model, 610)),
        fields_item(model, (0, 2, 0, 2, 0, 0), 620),
        labels_item(entry, (0, 2, 0, 2, 0, 7), 630, 4),
    ]


def stored() -> tuple[Case, list[Item]]:
    """Stored views, view 0 too: crops, flips and mixes that no seed draws."""
    head = head_of(STORED_VIEW, [6, 4], [[0, 2]], 2, 2, [[0, 2]])
    model = model_codec(2, 2, STORED_VIEW, degree=2, parts=2)
    entry = codec("soft-labels", columns=2, band=1, step=0)
    return head, [
        *common(head, 640),
        draws((0, 2, 0, 2, 0, 2), (6, 4)),
        Item("label-model", model, (0, 2, 0, 0, 0, 0), model_raw(model, 650)),
        fields_item(model, (0, 2, 0, 2, 0, 0), 660),
        labels_item(entry, (0, 2, 0, 2, 0, 2), 670, 4),
    ]


def kept(head: Case, items: list[Item]) -> tuple[Case, list[Item]]:
    """A slice: slot 0 of class 2; seeds and fields of the class and of partners that show."""
    full = Labels(file_of(*in_order(items), head=head))
    count, views, row = len(head["classes"]), head["recipe"]["views"], 2
    draws = [full.draw(row, 0, v) for v in range(views)]
    classes = {row} | {d.partner[0] for d in draws if d.mixed}
    assert 1 < len(classes) < count, "all classes are partners, or none is"
    result = []
    for item in items:
        entry = item.codec["params"]
        if item.kind == "seeds":
            for c in sorted(classes):
                raw = struct.pack("<Q", full.seed(c, 0))
                result.append(item._replace(box=(c, 1, 0, 1, 0, 0), raw=raw))
        elif item.kind in ("patches", "label-model"):  # a mosaic outlives a slice of its slots
            result.append(item)
        elif item.kind == "label-fields" and item.box[2] == 0:
            m, r, band = (entry[key] for key in ("features", "atoms", "band"))
            array = read_fields(item.raw, (count, 1, 1, m, r), entry)
            for c in sorted(classes):
                rows = [[value for values in array[c][0][0] for value in values]]
                raw = packed(rows, groups_of(m, r, band), [(0x53, 2)] * (m * -(-r // band)))
                result.append(item._replace(box=(c, 1, 0, 1, 0, 0), raw=raw))
        elif item.kind == "labels" and item.box[2] == 0:
            columns, band = entry["columns"], entry["band"]
            array = read_soft_labels(item.raw, (count, 1, views, columns), entry)
            models = [(0x53, 2)] * -(-columns // band)
            raw = packed(array[row][0], groups_of(1, columns, band), models)
            result.append(item._replace(box=(row, 1, 0, 1, 0, views), raw=raw))
    recipe = {**head["recipe"], "ipc": 1}
    return {**head, "recipe": recipe, "rows": [[row, 1]]}, result


def without(items: list[Item], kind: str) -> list[Item]:
    return [item for item in items if item.kind != kind]


def replaced(items: list[Item], kind: str, **fields: Any) -> list[Item]:
    """The same with fields of the first section of a kind replaced."""
    place = next(i for i, item in enumerate(items) if item.kind == kind)
    return [item._replace(**fields) if i == place else item for i, item in enumerate(items)]


def artifacts() -> dict[str, tuple[Case, bytes]]:
    """File name -> its entry in vectors.json, and its bytes."""
    made: dict[str, tuple[Case, list[Item]]] = {
        "y_crops": crops(),
        "y_cutmix": cutmix(),
        "y_slice": kept(*cutmix()),
        "y_resized": resized(),
        "y_varied": varied(),
        "y_stored_views": stored(),
    }
    far = [*ROWS[:1], [*ROWS[1][:8], 2], *ROWS[2:]]  # of slot 0, with slot 2 of two
    partner = draws((0, 2, 0, 2, 0, 2), (6, 4), rows=far).raw
    made["n_draws_partner"] = stored()[0], replaced(stored()[1], "draws", raw=partner)
    head, items = crops()
    model = model_codec(3, 2, CROPS, degree=2)
    m = model["params"]["features"]
    large = [[30000] * 2 + [-30000] * 2 + [0] * (2 * m - 4)] * 3  # mirrored, twice as much
    huge = model_raw(model, 310, fields=large, steps=65535)
    few = model_codec(3, 2, CROPS, degree=1)
    one = model_codec(3, 1, CROPS, degree=2)
    four = model_codec(4, 2, CROPS, degree=2)
    hard = {**head["recipe"], "labels": {"kind": "hard", "temperature": [1, 1]}}
    bad = {
        "n_no_model": without(items, "label-model"),
        "n_no_fields": without(items, "label-fields"),
        "n_codec_of_fields": replaced(items, "label-fields", codec=model),
        "n_other_atoms": replaced(items, "label-fields", codec=fields_codec(one)),
        "n_other_features": replaced(items, "label-fields", codec=fields_codec(few)),
        "n_other_origin": replaced(items, "label-model", codec=four, raw=model_raw(four, 310)),
        "n_feature_set": replaced(items, "label-model", codec=with_params(model, degree=1)),
        "n_other_variations": replaced(
            items, "label-model", codec=with_params(model, variations=2)
        ),
        "n_columns": replaced(
            items, "labels", codec=codec("soft-labels", columns=3, band=1, step=0)
        ),
        "n_coefficient": replaced(items, "label-model", raw=huge),
        "n_half_a_model": replaced(items, "label-model", box=(0, 2, 0, 0, 0, 0)),
    }
    made |= {name: (head, changed) for name, changed in bad.items()}
    made["n_hard"] = {**head, "recipe": hard}, items
    result = {}
    for name, (top, sections_) in made.items():
        data = file_of(*in_order(sections_), head=top)
        result[f"{name}.ddz"] = {"file": f"{name}.ddz"} | answers(name, data, top), data
    return result


def answers(name: str, data: bytes, head: Case) -> Case:
    """The labels of a file, or the error that its first label gives."""
    labels = Labels(data)
    rows = [c for start, count in head["rows"] for c in range(start, start + count)]
    slots, views = range(head["recipe"]["ipc"]), range(head["recipe"]["views"])
    if name.startswith("n_"):
        return {"error": refused(labels.logits, 0, 0, 1)}
    return {"logits": [[[labels.logits(c, s, v) for v in views] for s in slots] for c in rows]}
