"""Make the known answers of spec/labels.md, in spec/vectors/labels.

    python tools/make_label_vectors.py            write them
    python tools/make_label_vectors.py --check    exit code 1 if they differ from what is there

Answers come from the plain Python decoder ``read_labels.py``, and tests hold ddcodec to them. What
the files hold is described in spec/labels.md, "Conformance".
"""

from __future__ import annotations

import json
import struct
import sys
import zlib
from collections.abc import Sequence
from itertools import pairwise
from math import isqrt, prod
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import read_entropy
import read_labels
from make_entropy_vectors import draw, spread
from make_vectors import Item, file_of
from read_codecs import nest
from read_ddz import Refused
from read_labels import Listed, Matrix, groups_of

FOLDER = Path(__file__).resolve().parent.parent / "spec" / "vectors" / "labels"
Case = dict[str, Any]
Models = Sequence[tuple[int, int]]
SPARSE = (0, 254)
ZERO = (0, 255)
COMMON = (0x53, 0)


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
    writer = read_entropy.Writer(lanes)
    for first in range(0, len(rows) if coded else 0, lanes):
        part = rows[first : first + lanes]
        for i in coded:
            writer.integers([row[i] for row in part], *models[groups[i]], range(len(part)))
    sparse = [group for group, model in enumerate(models) if model == SPARSE]
    for group, listed in zip(sparse, lists, strict=False):
        flat = [row[i] for i, g in enumerate(groups) if g == group for row in rows]
        write_list(writer, flat, listed)
    return head + writer.finish()


def write_list(writer: read_entropy.Writer, flat: Sequence[int], listed: Listed) -> None:
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


def refused(function: Any, *arguments: Any) -> str:
    """The code of the error that a call must end in."""
    try:
        function(*arguments)
    except Refused as error:
        return error.code
    raise AssertionError(f"{function.__name__} accepts it")


def matrices() -> list[Case]:
    example = packed([[3, 0, -1], [-2, 0, 40]], [0, 1, 2], [(0x53, 0), ZERO, (0x85, 2)])
    wide = rows_of(1, 9, 4, 10)
    few, coarse = Listed(0, 0x35, 0, 0x53, 0), Listed(0, 0x45, 3, 0x53, 0)
    listed = few._replace(nonzeros=2)
    sparse = packed([[0, 0], [0, 0], [2, 0], [0, -1]], [0, 0], [SPARSE], 1, [listed])
    kinds = [3, 0, 1, 0, 2, 3]
    mixed = nest(spread(3, 40 * 6, 5), (40, 6))
    for r, row in enumerate(mixed):
        keep = [r % 17 == 3, r % 9 == 0, True, r == 39, False, r % 13 == 12]
        row[:] = [
            (v or 1) if kept or i == 2 else 0
            for i, (v, kept) in enumerate(zip(row, keep, strict=True))
        ]
    counts = [sum(row[i] != 0 for row in mixed for i in where) for where in ((1, 3), (0, 5))]
    few, coarse = few._replace(nonzeros=counts[0]), coarse._replace(nonzeros=counts[1])
    single = few._replace(nonzeros=1)
    extreme = packed([[0], [-65550]], [0], [SPARSE], 1, [single]), 2, [0]
    good = [
        ("the example of section 3", example, 2, [0, 1, 2]),
        ("no columns", packed([[]] * 3, [], []), 3, []),
        ("zeros alone", packed([[0, 0]] * 3, [0, 1], [ZERO, ZERO]), 3, [0, 1]),
        (
            "columns of one group apart, and a last step of fewer rows",
            packed(wide, [0, 1, 0, 1], [(0x45, 3), (0x35, 4)], 4),
            9,
            [0, 1, 0, 1],
        ),
        ("as many lanes as rows", packed(rows_of(2, 5, 1, 4), [0], [COMMON], 5), 5, [0]),
        ("the example of sparse groups", sparse, 4, [0, 0]),
        (
            "sparse groups beside others, gaps with a shift, in three lanes",
            packed(mixed, kinds, [SPARSE, COMMON, ZERO, SPARSE], 3, [few, coarse]),
            40,
            kinds,
        ),
        ("nonzeros alone", packed([[5], [-5]], [0], [SPARSE], 2, [listed]), 2, [0]),
        ("a nonzero of the largest size", *extreme),
    ]
    cases = [
        {"what": what, "rows": rows, "groups": groups, "raw": raw.hex()}
        | {"values": read_labels.read_packed(raw, rows, groups)}
        for what, raw, rows, groups in good
    ]
    bad = [
        ("no bytes", b"", 2, [0]),
        ("a model is missing", example[:7], 2, [0, 1, 2]),
        ("no lanes", b"\0\0" + example[2:], 2, [0, 1, 2]),
        ("more lanes than rows", packed([[1]] * 2, [0], [COMMON], 3), 2, [0]),
        ("more than 4096 lanes", packed([[1]] * 4097, [0], [COMMON], 4097), 4097, [0]),
        ("a shift of 16", example[:3] + b"\x10" + example[4:], 2, [0, 1, 2]),
        ("a shift of 253", example[:3] + b"\xfd" + example[4:], 2, [0, 1, 2]),
        ("a sparse group with a table", b"\1\0\1" + sparse[3:], 4, [0, 0]),
        ("the model of a list is cut off", sparse[:11], 4, [0, 0]),
        ("a list without its stream", sparse[:12], 4, [0, 0]),
        ("a list of nothing", sparse[:4] + bytes(4) + sparse[8:], 4, [0, 0]),
        ("a nonzero too many", sparse[:4] + b"\3" + sparse[5:], 4, [0, 0]),
        ("more nonzeros than values", sparse[:4] + b"\x09" + sparse[5:], 4, [0, 0]),
        ("2^32 - 1 nonzeros", sparse[:4] + b"\xff" * 4 + sparse[8:], 4, [0, 0]),
        ("gaps with a shift of 16", sparse[:9] + b"\x10" + sparse[10:], 4, [0, 0]),
        ("sizes with a shift", sparse[:11] + b"\1" + sparse[12:], 4, [0, 0]),
        ("a nonzero beyond its group", sparse, 3, [0, 0]),
        ("a byte after a list", sparse + b"\0", 4, [0, 0]),
        (
            "too many steps for nonzeros",
            packed([[1]] * 87382, [0], [SPARSE], 1, [few._replace(nonzeros=87382)]),
            87382,
            [0],
        ),
        (
            "more nonzeros than its stream can hold",
            sparse[:4] + b"\0\0\1" + sparse[7:],
            2**17,
            [0, 0],
        ),
        ("zeros with a table", example[:4] + b"\x01\xff" + example[6:], 2, [0, 1, 2]),
        ("zeros in two lanes", b"\2\0\0\xff", 2, [0]),
        ("a byte after zeros", b"\1\0\0\xff\0", 2, [0]),
        ("a row too few", example, 1, [0, 1, 2]),
        ("a row too many", example, 3, [0, 1, 2]),
        ("cut off", example[:-2], 2, [0, 1, 2]),
        ("too many steps", packed([[0]] * (2**18 + 1), [0], [(0xFF, 0)]), 2**18 + 1, [0]),
        ("more rows than its stream can hold", example, 2**17, [0, 1, 2]),
    ]
    for what, raw, rows, groups in bad:
        code = refused(read_labels.read_packed, raw, rows, groups)
        cases.append({"what": what, "rows": rows, "groups": groups, "raw": raw.hex()})
        cases[-1]["error"] = code
    return cases


def codec(name: str, **params: int) -> Case:
    """The entry of an index for a codec, its parameters in order."""
    version = 2 if name == "soft-labels" and "columns" in params else 1
    ordered = dict(sorted(params.items()))
    return {"compression": "none", "name": name, "params": ordered, "version": version}


def model_codec(k: int, r: int, view: Case, **params: int) -> Case:
    """A label model's, with as many features as it should have."""
    chosen = {"mean_step": 4, "shift": 3, "parts": 1, "degree": 1, "response": 0, "band": 2}
    chosen |= params
    features = chosen["parts"] ** 2 + chosen["response"]
    features += len(read_labels.monomials(view, chosen["degree"]))
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
    return codec("label-fields", **{k: model["params"][k] for k in ("features", "atoms", "band")})


def table_raw(rows: int, groups: Sequence[int], stream: int, bits: int = 4) -> bytes:
    """A packed matrix of any numbers; its second group, if there is one, is all zeros."""
    values = rows_of(stream, rows, len(groups), bits)
    values = [[0 if g == 1 else v for v, g in zip(row, groups, strict=True)] for row in values]
    models = [COMMON if g != 1 else ZERO for g in range(max(groups) + 1)]
    return packed(values, groups, models, min(rows, 3))


FLIPS = {"kind": "identity", "pad": 0, "scale": [1, 1, 1], "flip": 1, "cutmix": 0}
CROPS = {**FLIPS, "kind": "pad-crop", "pad": 2}
MIXED = {**CROPS, "cutmix": 1}
RESIZED = {**FLIPS, "kind": "resized-crop", "scale": [1, 3, 4]}


def section(what: str, entry: Case, shape: Sequence[int], raw: bytes) -> Case:
    case = {"what": what, "codec": entry["name"], "version": entry["version"]}
    case |= {"params": entry["params"], "shape": list(shape), "raw": raw.hex()}
    try:
        array = read_labels.decode(entry, raw, shape)
    except Refused as error:
        return case | {"error": error.code}
    return case | {"array": array._asdict() if entry["name"] == "label-model" else array}


def with_params(entry: Case, **params: Any) -> Case:
    return {**entry, "params": {**entry["params"], **params}}


def sections() -> list[Case]:
    model = model_codec(3, 3, CROPS)
    shape = 3, model["params"]["features"], 3
    raw = model_raw(model, 100)
    bare = model_codec(2, 0, FLIPS, degree=0)
    m = shape[1]
    fields, field_shape = fields_codec(model), (2, 2, m, 3)
    field_raw = table_raw(4, groups_of(m, 3, 2), 110)
    labels, label_shape = codec("soft-labels", columns=3, band=1, step=0), (2, 2, 3, 3)
    label_raw = table_raw(12, groups_of(1, 3, 1), 120)
    none = codec("soft-labels", columns=0, band=1, step=7)
    fine = codec("soft-labels", columns=5, band=8, step=1)
    good = [
        section("a model", model, shape, raw),
        section("of means alone", bare, (2, 1, 0), model_raw(bare, 105)),
        section("fields", fields, field_shape, field_raw),
        section("symbols of atoms", labels, label_shape, label_raw),
        section("no symbols", none, (2, 1, 2, 0), b"\0"),
        section("large symbols of logits", fine, (1, 2, 2, 5), table_raw(4, [0] * 5, 130, 15)),
    ]
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

    bad = [
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
        section("another origin", model, (4, m, 3), raw),
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
        section(
            "fields beyond 16 bits",
            codec("label-fields", features=1, atoms=1, band=1),
            (1, 1, 1, 1),
            packed([[-32769]], [0], [(0, 12)]),
        ),
        section("fields of other features", fields, (2, 2, m + 1, 3), field_raw),
        section("fields of a slot too many", fields, (2, 3, m, 3), field_raw),
        section("fields of no atoms", with_params(fields, atoms=0), (2, 2, m, 0), b"\1\0"),
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


def feature_cases() -> list[Case]:
    """Features of views of every kind, of sizes that divide badly and of one pixel."""
    narrow = {**RESIZED, "scale": [1, 4096, 4096], "cutmix": 1}
    kinds = [
        (FLIPS, [8, 8], (1, 3, 0)),
        ({**FLIPS, "flip": 0}, [8, 8], (1, 3, 0)),
        ({**FLIPS, "cutmix": 1}, [7, 5], (2, 1, 1)),
        (CROPS, [32, 32], (1, 2, 0)),
        ({**CROPS, "flip": 0}, [9, 7], (1, 3, 1)),
        (MIXED, [31, 17], (2, 2, 1)),
        (MIXED, [32, 32], (1, 1, 1)),
        ({**MIXED, "pad": 7}, [8, 9], (2, 3, 0)),
        (RESIZED, [64, 48], (1, 3, 0)),
        (narrow, [40, 30], (2, 3, 1)),
        (narrow, [3, 200], (1, 3, 0)),
        ({**narrow, "flip": 0}, [1, 1], (2, 2, 1)),
        ({**FLIPS, "cutmix": 1}, [2, 1], (2, 1, 1)),
    ]
    cases = []
    for number, (view, size, (parts, degree, response)) in enumerate(kinds):
        numbers = draw(200 + number, 12, 1 << 30)
        for index in (0, 1, 2, 3):
            seed, other = numbers[index] << 32 | index, numbers[index + 4] << 20
            slot = index
            own = read_labels.draw(view, size, seed, slot, index, 5)
            params = {"parts": parts, "degree": degree, "response": response}
            shown = [read_labels.features(params, view, size, own, own, False)]
            if own.mixed:
                theirs = read_labels.draw(view, size, other, 0, index, 5)
                shown.append(read_labels.features(params, view, size, theirs, own, True))
            case = {"view": view, "size": size, **params, "index": index, "classes": 5}
            cases.append(case | {"own": [seed, slot], "partner": other, "features": shown})
    return cases


def png(width: int, height: int, stream: int) -> bytes:
    """A picture of noise, its deflate stream one stored block, so that it is the same for ever."""
    noise = bytes(draw(stream, 3 * width * height, 256))
    lines = [b"\0" + noise[3 * width * y : 3 * width * (y + 1)] for y in range(height)]
    data = b"".join(lines)
    block = struct.pack("<BHH", 1, len(data), 0xFFFF ^ len(data)) + data
    deflated = b"\x78\x01" + block + struct.pack(">I", zlib.adler32(data))

    def chunk(name: bytes, content: bytes) -> bytes:
        crc = zlib.crc32(name + content)
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", crc)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", deflated), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


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
    picture = png(across * width, -(-count // across) * height, stream)
    mosaic = codec("mosaic-png", width=width, height=height)
    seeds = [w << 32 | w ^ 0x1234567 for w in draw(stream + 1, count, 1 << 32)]
    box = (0, classes, 0, 0, 0, 0)
    raw = struct.pack(f"<{count}Q", *seeds)
    return [Item("patches", mosaic, box, picture), Item("seeds", codec("seed-list"), box, raw)]


def labels_item(
    entry: Case, box: tuple[int, int, int, int, int, int], stream: int, bits: int
) -> Item:
    columns, rows = entry["params"]["columns"], prod(box[1::2])
    if not columns:
        return Item("labels", entry, box, b"\0")
    return Item(
        "labels",
        entry,
        box,
        table_raw(rows, groups_of(1, columns, entry["params"]["band"]), stream, bits),
    )


def fields_item(model: Case, box: tuple[int, int, int, int, int, int], stream: int) -> Item:
    m, r, band = (model["params"][key] for key in ("features", "atoms", "band"))
    return Item(
        "label-fields",
        fields_codec(model),
        box,
        table_raw(box[1] * (box[3] or 2), groups_of(m, r, band), stream, 6),
    )


def in_order(items: Sequence[Item]) -> list[Item]:
    """ddz.md, section 5."""

    def key(item: Item) -> tuple[Any, ...]:
        box = item.box
        return box[2], box[0], box[4], item.kind.encode(), box[3], box[1], box[5]

    return sorted(items, key=key)


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
    """Two origins: fields of degree 3 without innovations; means alone, and labels of version 1."""
    head = head_of(RESIZED, [16, 12], [[0, 2], [2, 3]], 2, 3, [[0, 5]])
    model, means = (
        model_codec(2, 3, RESIZED, degree=3, shift=8),
        model_codec(3, 0, RESIZED, degree=0),
    )
    plain = codec("soft-labels", classes=3, step=8)
    nothing = codec("soft-labels", columns=0, band=1, step=0)
    words = [2 * n if n >= 0 else -2 * n - 1 for n in spread(520, 3 * (1 + 6), 6)]
    planes = [struct.pack(f"<{len(w)}H", *w) for w in (words[:3], words[3:])]
    raw = b"".join(p[::2] + p[1::2] for p in planes)
    return head, [
        *common(head, 500),
        Item("label-model", model, (0, 2, 0, 0, 0, 0), model_raw(model, 510)),
        Item("label-model", means, (2, 3, 0, 0, 0, 0), model_raw(means, 514)),
        fields_item(model, (0, 2, 0, 0, 0, 0), 518),
        Item("labels", nothing, (0, 2, 0, 2, 0, 3), b"\0"),
        Item("labels", nothing, (2, 2, 0, 2, 0, 3), b"\0"),
        Item("labels", plain, (4, 1, 0, 2, 0, 3), raw),
    ]


def kept(head: Case, items: list[Item]) -> tuple[Case, list[Item]]:
    """A slice: slot 0 of class 2, and fields of the class and of partners that show."""
    full = read_labels.Labels(file_of(*in_order(items), head=head))
    size, view, count = head["recipe"]["size"], head["recipe"]["view"], len(head["classes"])
    views, row = head["recipe"]["views"], 2
    draws = [read_labels.draw(view, size, full.seed(row, 0), 0, v, count) for v in range(views)]
    classes = {row} | {d.partner[0] for d in draws if d.mixed and d.partner is not None}
    assert 1 < len(classes) < count, "all classes are partners, or none is"
    result = []
    for item in items:
        entry = item.codec["params"]
        if item.kind == "seeds":
            raw = b"".join(struct.pack("<Q", full.seed(c, 0)) for c in range(count))
            result.append(item._replace(raw=raw))
        elif item.kind == "patches":  # a mosaic outlives a slice of its slots
            result.append(item._replace(box=(0, count, 0, head["recipe"]["ipc"], 0, 0)))
        elif item.kind == "label-model":
            result.append(item)
        elif item.kind == "label-fields" and item.box[2] == 0:
            m, r, band = (entry[key] for key in ("features", "atoms", "band"))
            array = read_labels.read_fields(item.raw, (count, 1, m, r), entry)
            for c in sorted(classes):
                rows = [[value for values in array[c][0] for value in values]]
                raw = packed(rows, groups_of(m, r, band), [(0x53, 2)] * (m * -(-r // band)))
                result.append(item._replace(box=(c, 1, 0, 1, 0, 0), raw=raw))
        elif item.kind == "labels" and item.box[2] == 0:
            columns, band = entry["columns"], entry["band"]
            array = read_labels.read_innovations(item.raw, (count, 1, views, columns), entry)
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
    """File name -> its entry and bytes."""
    made: dict[str, tuple[Case, list[Item]]] = {
        "y_crops": crops(),
        "y_cutmix": cutmix(),
        "y_slice": kept(*cutmix()),
        "y_resized": resized(),
    }
    head, items = crops()
    model = model_codec(3, 2, CROPS, degree=2)
    m = model["params"]["features"]
    large = [[30000] * 2 + [-30000] * 2 + [0] * (2 * m - 4)] * 3  # mirrored, twice as much
    huge = model_raw(model, 310, fields=large, steps=65535)
    few = model_codec(3, 2, CROPS, degree=1)
    one = model_codec(3, 1, CROPS, degree=2)
    hard = {**head["recipe"], "labels": {"kind": "hard", "temperature": [1, 1]}}
    bad = {
        "n_no_model": without(items, "label-model"),
        "n_no_fields": without(items, "label-fields"),
        "n_codec_of_fields": replaced(items, "label-fields", codec=model),
        "n_other_atoms": replaced(items, "label-fields", codec=fields_codec(one)),
        "n_other_features": replaced(items, "label-fields", codec=fields_codec(few)),
        "n_feature_set": replaced(items, "label-model", codec=with_params(model, degree=1)),
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
    labels = read_labels.Labels(data)
    rows = [c for start, count in head["rows"] for c in range(start, start + count)]
    slots, views = range(head["recipe"]["ipc"]), range(head["recipe"]["views"])
    if name.startswith("n_"):
        return {"error": refused(labels.logits, 0, 0, 1)}
    return {"logits": [[[labels.logits(c, s, v) for v in views] for s in slots] for c in rows]}


def build() -> dict[str, bytes]:
    """File name -> content."""
    files = artifacts()
    parts = {
        "matrices": matrices(),
        "sections": sections(),
        "features": feature_cases(),
        "artifacts": [entry for entry, _ in files.values()],
    }
    lists = ",\n ".join(
        f'"{name}": [\n  ' + ",\n  ".join(json.dumps(case) for case in cases) + "\n ]"
        for name, cases in parts.items()
    )
    made = {name: data for name, (_, data) in files.items()}
    return {"vectors.json": f"{{{lists}\n}}\n".encode()} | made


def main(arguments: list[str]) -> int:
    made = build()
    if arguments == ["--check"]:
        there = {p.name: p.read_bytes() for p in FOLDER.iterdir()} if FOLDER.is_dir() else {}
        names = sorted(n for n in made.keys() | there.keys() if made.get(n) != there.get(n))
        print(f"{FOLDER}: {', '.join(names) or 'nothing'} differs", file=sys.stderr)
        return 1 if names else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in FOLDER.iterdir():
        old.unlink()
    for name, data in made.items():
        (FOLDER / name).write_bytes(data)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
