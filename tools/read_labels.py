"""A second decoder of soft labels in layers, written from spec/labels.md; nothing of ddcodec.

    python tools/read_labels.py FILE.ddz CLASS SLOT VIEW

Prints the logits of one label, in 1/64 nat, as JSON. Plain Python, without numpy, and slow: it is
there to prove that the specification suffices. Streams are read by ``read_entropy.py``, seeds and
labels of version 1 by ``read_codecs.py``.
"""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Sequence
from itertools import product
from math import isqrt, prod
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parent))

import read_codecs
import read_ddz
import read_entropy
from read_ddz import Refused, require

Params = dict[str, Any]
Matrix = list[list[int]]
LISTED = 254
NOT_CODED = 255
RANGES: dict[str, dict[str, tuple[int, int]]] = {
    "label-model": {
        "classes": (1, 4096),
        "features": (1, 64),
        "atoms": (0, 1024),
        "band": (1, 1024),
        "mean_step": (1, 2048),
        "shift": (0, 24),
        "parts": (1, 2),
        "degree": (0, 3),
        "response": (0, 1),
    },
    "label-fields": {"features": (1, 64), "atoms": (1, 1024), "band": (1, 1024)},
    "soft-labels": {"columns": (0, 65535), "band": (1, 65535), "step": (0, 2048)},
}


class Model(NamedTuple):
    """Section 4: means [K][K], basis [r][K], class fields [K][M][r], steps [M], units [r]."""

    means: Matrix
    basis: Matrix
    class_fields: list[Matrix]
    class_steps: list[int]
    field_steps: list[int]
    units: list[int]


class Listed(NamedTuple):
    """Section 3, "Sparse groups": how the nonzeros of a group are coded."""

    nonzeros: int
    gap_table: int
    gap_shift: int
    size_table: int
    size_shift: int


class Draw(NamedTuple):
    """Crop and flip of a picture in a view; partner (class within the origin, slot) and box."""

    top: int
    left: int
    rows: int
    columns: int
    flip: int
    partner: tuple[int, int] | None = None
    box: tuple[int, int, int, int] = (0, 0, 0, 0)  # rows from, to; columns from, to

    @property
    def mixed(self) -> bool:
        return self.box[1] > self.box[0] and self.box[3] > self.box[2]


def clamp(value: int) -> int:
    return max(-0x8000, min(0x7FFF, value))


def check_params(name: str, params: Params) -> None:
    """Section 2."""
    limits = RANGES[name]
    require(params.keys() == limits.keys(), "header", "unknown or missing parameters")
    for key, (low, high) in limits.items():
        good = type(params[key]) is int and low <= params[key] <= high
        require(good, "header", f"parameter {key}")
    wide = name == "soft-labels" and params["step"] == 0 and params["columns"] > 1024
    require(not wide, "header", "more than 1024 atoms")


def groups_of(features: int, atoms: int, band: int) -> list[int]:
    """Section 3: the group of each column (feature, atom)."""
    return [m * -(-atoms // band) + j // band for m in range(features) for j in range(atoms)]


def read_packed(raw: bytes, rows: int, groups: Sequence[int]) -> Matrix:
    """Section 3: a packed matrix."""
    count = max(groups, default=-1) + 1
    at = 2 + 2 * count
    require(len(raw) >= at, "payload", "models are missing")
    (lanes,) = struct.unpack_from("<H", raw)
    require(1 <= lanes <= min(4096, rows), "payload", f"{lanes} lanes of {rows} rows")
    models = [(raw[2 + 2 * g], raw[3 + 2 * g]) for g in range(count)]
    lists = []
    for group, (table, shift) in enumerate(models):
        good = shift <= 15 or (shift in (LISTED, NOT_CODED) and table == 0)
        require(good, "payload", f"shift {shift} with table {table}")
        if shift == LISTED:
            require(len(raw) >= at + 8, "payload", "the model of a list is cut off")
            model = Listed(*struct.unpack_from("<I4B", raw, at))
            at += 8
            columns = [i for i, g in enumerate(groups) if g == group]
            good = 1 <= model.nonzeros <= rows * len(columns)
            require(good, "payload", f"{model.nonzeros} nonzeros")
            good = model.gap_shift <= 15 and model.size_shift == 0
            require(good, "payload", "the shift of a list")
            lists.append((model, columns))
    coded = [i for i, g in enumerate(groups) if models[g][1] <= 15]
    result = [[0] * len(groups) for _ in range(rows)]
    if not coded and not lists:
        require(lanes == 1 and len(raw) == at, "payload", "something follows zeros")
        return result
    steps = -(-rows // lanes) * len(coded)
    steps += 3 * sum(-(-model.nonzeros // lanes) for model, _ in lists)
    require(steps <= 1 << 18, "payload", "too many steps")
    reader = read_entropy.Reader(raw[at:], lanes)
    symbols = rows * len(coded) + sum(2 * model.nonzeros for model, _ in lists)
    room = 4096 * (len(raw[at:]) // 2 - lanes)
    require(symbols <= room, "payload", "the stream is too short")
    for row in range(0, rows if coded else 0, lanes):
        active = range(min(lanes, rows - row))
        for i in coded:
            table, shift = models[groups[i]]
            for lane, value in enumerate(reader.integers(table, shift, active)):
                result[row + lane][i] = value
    for model, columns in lists:
        for place, value in read_list(reader, lanes, model):
            require(place < rows * len(columns), "payload", "a nonzero beyond its group")
            result[place % rows][columns[place // rows]] = value
    reader.finish()
    return result


def read_list(reader: read_entropy.Reader, lanes: int, model: Listed) -> list[tuple[int, int]]:
    """Section 3, "Sparse groups": place and value of each nonzero."""
    found: list[tuple[int, int]] = []
    place = -1
    for first in range(0, model.nonzeros, lanes):
        active = range(min(lanes, model.nonzeros - first))
        k = model.gap_shift
        gaps = reader.integers(model.gap_table, k, active)
        sizes = reader.integers(model.size_table, 0, active)
        negative = reader.bits(1, active)
        for v, size, minus in zip(gaps, sizes, negative, strict=True):
            place += unsigned(v >> k) * 2**k + v % 2**k + 1
            found.append((place, -1 - unsigned(size) if minus else 1 + unsigned(size)))
    return found


def unsigned(number: int) -> int:
    """0, -1, 1, -2, ... as 0, 1, 2, 3, ..."""
    return 2 * number if number >= 0 else -2 * number - 1


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
    steps = read_codecs.unpack("H", raw[:at])
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
    m, r = params["features"], params["atoms"]
    require(len(shape) == 4 and min(shape) >= 1, "payload", f"shape {shape}")
    require(tuple(shape[2:]) == (m, r), "payload", "features and atoms")
    packed = read_packed(raw, shape[0] * shape[1], groups_of(m, r, params["band"]))
    return read_codecs.nest([v for row in narrow(packed, 16) for v in row], shape)


def read_innovations(raw: bytes, shape: Sequence[int], params: Params) -> Any:
    """Section 4, ``soft-labels`` version 2."""
    columns = params["columns"]
    require(len(shape) == 4 and min(shape[:3]) >= 1, "payload", f"shape {shape}")
    require(shape[3] == columns, "payload", "columns")
    if not columns:
        require(raw == b"\0", "payload", "not the byte of nothing")
        return read_codecs.nest([[] for _ in range(prod(shape[:3]))], shape[:3])
    packed = read_packed(raw, prod(shape[:3]), groups_of(1, columns, params["band"]))
    return read_codecs.nest([v for row in packed for v in row], shape)


READERS = {
    ("label-fields", 1): read_fields,
    ("label-model", 1): read_model,
    ("soft-labels", 2): read_innovations,
}


def decode(codec: dict[str, Any], raw: bytes, shape: Sequence[int]) -> Any:
    """What a section holds."""
    key = codec["name"], codec["version"]
    if key not in READERS:
        return read_codecs.decode(codec, raw, shape)
    check_params(codec["name"], codec["params"])
    require(prod(shape) <= 1 << 24, "limit-exceeded", "more than 2^24 values")
    return READERS[key](raw, shape, codec["params"])


def below(word: int, count: int) -> int:
    return word * count >> 32


def draw(view: Params, size: Sequence[int], seed: int, slot: int, index: int, classes: int) -> Draw:
    """spec/synthesis.md, section 3: what a picture's own seed draws for a view."""
    width, height = size
    if index == 0:
        return Draw(0, 0, height, width, 0)
    w = read_codecs.words(seed, 1, index, 12)
    flip = below(w[3], 2) if view["flip"] else 0
    top = left = 0
    rows, columns, pad = height, width, view["pad"]
    if view["kind"] == "pad-crop":
        top, left = below(w[1], 2 * pad + 1) - pad, below(w[2], 2 * pad + 1) - pad
    elif view["kind"] == "resized-crop":
        low, high, den = view["scale"]
        a = 65536 * low + below(w[0], 65536 * (high - low) + 1)
        rows = max(1, isqrt(height**2 * a // (65536 * den)))
        columns = max(1, isqrt(width**2 * a // (65536 * den)))
        top, left = below(w[1], height - rows + 1), below(w[2], width - columns + 1)
    if not view["cutmix"]:
        return Draw(top, left, rows, columns, flip)
    partner = below(w[4], classes), below(w[5], slot + 1)
    high, wide = isqrt(height**2 * w[6] >> 32), isqrt(width**2 * w[6] >> 32)
    y, x = below(w[7], height) - high // 2, below(w[8], width) - wide // 2
    box = max(0, y), min(height, y + high), max(0, x), min(width, x + wide)
    return Draw(top, left, rows, columns, flip, partner, box)


def monomials(view: Params, degree: int) -> list[tuple[int, ...]]:
    """Section 6: quadruples of powers of F, X, Y, S."""
    highest = (
        view["flip"],
        0 if view["kind"] == "identity" else degree,
        0 if view["kind"] == "identity" else degree,
        degree if view["kind"] == "resized-crop" else 0,
    )
    every = product(*(range(most + 1) for most in highest))
    kept = [powers for powers in every if 1 <= sum(powers) <= degree]
    kept.sort(reverse=True)
    return sorted(kept, key=sum)


def legendre(n: int, x: int) -> int:
    if n == 1:
        return x
    return (3 * x**2 - 65536) >> 9 if n == 2 else (5 * x**3 - 196608 * x) >> 17


def features(
    params: Params, view: Params, size: Sequence[int], shown: Draw, own: Draw, partner: bool
) -> list[int]:
    """Section 6: of a picture ``shown`` in the view of ``own``, whose box divides it."""
    width, height = size
    parts, degree = params["parts"], params["degree"]
    first, last, start, end = own.box if own.mixed else (0, 0, 0, 0)
    q = [[0] * parts for _ in range(parts)]
    for i, j in product(range(parts), repeat=2):
        ys = range(i * height // parts, (i + 1) * height // parts)
        xs = range(j * width // parts, (j + 1) * width // parts)
        a = len(ys) * len(xs)
        b = sum(first <= y < last for y in ys) * sum(start <= x < end for x in xs)
        q[i][j] = 256 * (b if partner else a - b) // max(1, a)
    if parts == 1:
        sigma = q[0][0]
        phi = [sigma]
    else:
        if shown.flip:
            q = [row[::-1] for row in q]
        (a, b), (c, d) = q
        sigma = (a + b + c + d) >> 2
        phi = [sigma, (a + c - b - d) >> 1, (a + b - c - d) >> 1, (a + d - b - c) >> 1]
    if view["kind"] == "pad-crop":
        x, y = 256 * shown.left // view["pad"], 256 * shown.top // view["pad"]
    else:
        x = 512 * (2 * shown.left + shown.columns - width) // width
        y = 512 * (2 * shown.top + shown.rows - height) // height
    variables = (256 - 512 * shown.flip, x, y, 1024 * shown.columns // width - 768)
    for powers in monomials(view, degree):
        u = sigma
        for power, variable in zip(powers, variables, strict=True):
            if power:
                u = (u * legendre(power, variable)) >> 8
        phi.append(u)
    if params["response"]:
        phi.append((sigma * (256 - sigma)) >> 6)
    return phi


def logits(
    params: Params,
    model: Model,
    shown: Sequence[tuple[int, Matrix, Sequence[int]]],
    symbols: Sequence[int],
    step: int,
) -> list[int]:
    """Section 7: of appearances (class within the origin, field, features)."""
    e = []
    for j in range(params["atoms"]):
        total = 128
        for c, field, phi in shown:
            for m, value in enumerate(phi):
                whole = model.class_steps[m] * model.class_fields[c][m][j]
                total += value * (whole + model.field_steps[m] * field[m][j])
        e.append((total >> 8) + (model.units[j] * symbols[j] if symbols and not step else 0))
    require(all(abs(value) <= 1 << 31 for value in e), "payload", "a coefficient beyond 2^31")
    z = []
    for k in range(params["classes"]):
        mixed = sum(phi[0] * params["mean_step"] * model.means[c][k] for c, _, phi in shown)
        product = sum(value * row[k] for value, row in zip(e, model.basis, strict=True))
        rounded = ((1 << params["shift"] >> 1) + product) >> params["shift"]
        z.append(clamp(((128 + mixed) >> 8) + rounded))
    if symbols and step:
        z = [clamp(value + step * s) for value, s in zip(z, symbols, strict=True)]
    return z


class Labels:
    """The soft labels of a whole file."""

    def __init__(self, data: bytes) -> None:
        header, self.raws = read_ddz.read(data)
        self.head, self.index = header["head"], header["index"]
        self.recipe = self.head["recipe"]
        self.arrays: dict[int, Any] = {}

    def find(self, kind: str, c: int, s: int = 0, v: int = 0) -> tuple[int, list[int]]:
        """Number and box of the section that holds (c, s, v)."""
        for number, place in enumerate(self.index["kind"]):
            box = self.index["box"][6 * number : 6 * number + 6]
            inside = [
                (not count and axis > 0) or first <= at < first + count
                for axis, (at, first, count) in enumerate(
                    zip((c, s, v), box[::2], box[1::2], strict=True)
                )
            ]
            if self.index["kinds"][place]["name"] == kind and all(inside):
                return number, box
        raise Refused("header", f"no {kind} section covers class {c}, slot {s}, view {v}")

    def codec(self, number: int) -> dict[str, Any]:
        found: dict[str, Any] = self.index["codecs"][self.index["codec"][number]]
        return found

    def array(self, number: int, shape: Sequence[int]) -> Any:
        if number not in self.arrays:
            self.arrays[number] = decode(self.codec(number), self.raws[number], shape)
        return self.arrays[number]

    def origin(self, c: int) -> tuple[int, int]:
        start, count = next((a, n) for a, n in self.head["origins"] if a <= c < a + n)
        return start, count

    def seed(self, c: int, s: int) -> int:
        number, box = self.find("seeds", c, s)
        shape = read_codecs.shape_of("seeds", box, self.head)
        found: int = self.array(number, shape)[c - box[0]][s - box[2]]
        return found

    def model(self, c: int) -> tuple[Params, Model]:
        number, box = self.find("label-model", c)
        start, count = self.origin(c)
        require(box == [start, count, 0, 0, 0, 0], "header", "a model of part of an origin")
        codec = self.codec(number)
        require(codec["name"] == "label-model", "header", "not the codec of a label model")
        check_params("label-model", codec["params"])
        params = codec["params"]
        view = self.recipe["view"]
        wanted = params["parts"] ** 2 + len(monomials(view, params["degree"])) + params["response"]
        require(params["features"] == wanted, "header", "the number of features")
        return params, self.array(number, (count, params["features"], params["atoms"]))

    def field(self, params: Params, c: int, s: int) -> Matrix:
        if not params["atoms"]:
            return [[] for _ in range(params["features"])]
        number, box = self.find("label-fields", c, s)
        codec = self.codec(number)
        require(codec["name"] == "label-fields", "header", "not the codec of label fields")
        check_params("label-fields", codec["params"])
        width = codec["params"]["features"], codec["params"]["atoms"]
        require(width == (params["features"], params["atoms"]), "header", "fields and model")
        shape = (box[1], box[3] or self.recipe["ipc"], *width)
        found: Matrix = self.array(number, shape)[c - box[0]][s - box[2]]
        return found

    def logits(self, c: int, s: int, v: int) -> list[int]:
        """Sections 5 to 7: the label of (class, slot, view)."""
        require(self.recipe["labels"]["kind"] == "soft", "header", "labels are not soft")
        number, box = self.find("labels", c, s, v)
        codec = self.codec(number)
        rows = box[1], box[3] or self.recipe["ipc"], box[5] or self.recipe["views"]
        start, count = self.origin(c)
        inside = start <= box[0] and box[0] + box[1] <= start + count
        require(inside, "header", "a section of two origins")
        place = c - box[0], s - box[2], v - box[4]
        if (codec["name"], codec["version"]) != ("soft-labels", 2):
            array = self.array(number, (*rows, count))
            plain: list[int] = array[place[0]][place[1]][place[2]]
            return plain
        check_params("soft-labels", codec["params"])
        columns, step = codec["params"]["columns"], codec["params"]["step"]
        params, model = self.model(c)
        wanted = params["classes"] if step else params["atoms"]
        require(columns in (0, wanted), "header", "columns do not fit the model")
        symbols = self.array(number, (*rows, columns))[place[0]][place[1]][place[2]]
        return logits(params, model, self.shown(params, (start, count), c, s, v), symbols, step)

    def shown(
        self, params: Params, origin: tuple[int, int], c: int, s: int, v: int
    ) -> list[tuple[int, Matrix, list[int]]]:
        """The appearances of a label: class within the origin, field, features."""
        view, size, (start, count) = self.recipe["view"], self.recipe["size"], origin
        own = draw(view, size, self.seed(c, s), s, v, count)
        phi = features(params, view, size, own, own, False)
        found = [(c - start, self.field(params, c, s), phi)]
        if own.mixed and own.partner is not None:
            offset, slot = own.partner
            theirs = draw(view, size, self.seed(start + offset, slot), slot, v, count)
            phi = features(params, view, size, theirs, own, True)
            found.append((offset, self.field(params, start + offset, slot), phi))
        return found


def main(arguments: list[str]) -> int:
    if len(arguments) != 4 or not all(a.isdigit() for a in arguments[1:]):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        c, s, v = map(int, arguments[1:])
        print(json.dumps(Labels(Path(arguments[0]).read_bytes()).logits(c, s, v)))
    except Refused as error:
        print(f"{arguments[0]}: {error.code}: {error}", file=sys.stderr)
        return read_ddz.EXIT_CODES.get(error.code, 3)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
