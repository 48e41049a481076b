"""A second decoder of soft labels in layers, written from spec/labels.md alone.

    python -m tools.conformance.reference.labels FILE.ddz CLASS SLOT VIEW

Prints the logits of one label, in 1/64 nat, as JSON. Plain Python, without numpy, and slow: it is
there to prove that the specification suffices.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tools.conformance.reference.codecs import decode
from tools.conformance.reference.container import read
from tools.conformance.reference.draws import stored_draw
from tools.conformance.reference.features import features, monomials
from tools.conformance.reference.label_codecs import Model
from tools.conformance.reference.packed import Matrix
from tools.conformance.reference.parameters import Params, check_parameters
from tools.conformance.reference.refusal import Refused, report, require
from tools.conformance.reference.synthesis import Draw, draw
from tools.conformance.reference.table import pictured_slots, shape_of


def clamp(value: int) -> int:
    return max(-0x8000, min(0x7FFF, value))


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
        self.header, self.raws = read(data)
        self.head, self.index = self.header["head"], self.header["index"]
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
        shape = shape_of("seeds", box, self.head)
        found: int = self.array(number, shape)[c - box[0]][s - box[2]]
        return found

    def model(self, c: int) -> tuple[Params, Model]:
        number, box = self.find("label-model", c)
        start, count = self.origin(c)
        require(box == [start, count, 0, 0, 0, 0], "header", "a model of part of an origin")
        codec = self.codec(number)
        require(codec["name"] == "label-model", "header", "not the codec of a label model")
        check_parameters("label-model", codec["params"])
        params = codec["params"]
        view = self.recipe["view"]
        wanted = params["parts"] ** 2 + len(monomials(view, params["degree"])) + params["response"]
        require(params["features"] == wanted, "header", "the number of features")
        require(params["classes"] == count, "header", "a model of another origin")
        each = params["variations"]
        require(each in (1, self.recipe["variations"]), "header", "another number of variations")
        return params, self.array(number, (count, params["features"], params["atoms"]))

    def field(self, params: Params, c: int, s: int, v: int) -> Matrix:
        """The field of the picture that slot s shows in view v."""
        if not params["atoms"]:
            return [[] for _ in range(params["features"])]
        number, box = self.find("label-fields", c, s)
        codec = self.codec(number)
        require(codec["name"] == "label-fields", "header", "not the codec of label fields")
        check_parameters("label-fields", codec["params"])
        names = ("variations", "features", "atoms")
        width = [codec["params"][name] for name in names]
        require(width == [params[name] for name in names], "header", "fields and model")
        shape = (box[1], box[3] or pictured_slots(self.recipe), *width)
        found: Matrix = self.array(number, shape)[c - box[0]][s - box[2]][v % width[0]]
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
        if codec["name"] != "soft-labels":
            array = self.array(number, (*rows, count))
            plain: list[int] = array[place[0]][place[1]][place[2]]
            return plain
        check_parameters("soft-labels", codec["params"])
        columns, step = codec["params"]["columns"], codec["params"]["step"]
        params, model = self.model(c)
        wanted = params["classes"] if step else params["atoms"]
        require(columns in (0, wanted), "header", "columns do not fit the model")
        symbols = self.array(number, (*rows, columns))[place[0]][place[1]][place[2]]
        return logits(params, model, self.shown(params, c, s, v), symbols, step)

    def draw(self, c: int, s: int, v: int) -> Draw:
        """What the seed of picture (c, s) draws for its own view v, or what is stored of it."""
        width, height = self.recipe["size"]
        start, classes = self.origin(c)
        view = self.recipe["view"]
        if view["kind"] == "stored":
            number, box = self.find("draws", c, s, v)
            array = self.array(number, shape_of("draws", box, self.head))
            stored = array[c - box[0]][s - box[2]][v - box[4]]
            return stored_draw(stored, view, c - start, s, classes, pictured_slots(self.recipe))
        seed = self.seed(c, s)
        return draw(view, (height, width), seed, s, v, classes, c - start)

    def shown(self, params: Params, c: int, s: int, v: int) -> list[tuple[int, Matrix, list[int]]]:
        """The appearances of a label: class within the origin, field, features."""
        view, size, start = self.recipe["view"], self.recipe["size"], self.origin(c)[0]
        own = self.draw(c, s, v)
        phi = features(params, view, size, own, own, False)
        found = [(c - start, self.field(params, c, s, v), phi)]
        if own.mixed:
            offset, slot = own.partner
            theirs = self.draw(start + offset, slot, v)
            phi = features(params, view, size, theirs, own, True)
            found.append((offset, self.field(params, start + offset, slot, v), phi))
        return found


def main(arguments: list[str]) -> int:
    if len(arguments) != 4 or not all(a.isdigit() for a in arguments[1:]):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        c, s, v = map(int, arguments[1:])
        print(json.dumps(Labels(Path(arguments[0]).read_bytes()).logits(c, s, v)))
    except Refused as error:
        return report(arguments[0], error)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
