"""A second decoder of whole artifacts, written from spec/table.md: images and labels of rows.

    python -m tools.conformance.reference.artifact FILE.ddz CLASS SLOT VIEW

Prints the SHA-256 of the image, u8 [height][width][3], and of the label, f32 over all classes. Of
pictures that a prior generates, which ``prior.py`` makes, it prints labels alone.
"""

from __future__ import annotations

import hashlib
import struct
import sys
from collections.abc import Callable
from itertools import chain
from pathlib import Path

import numpy as np

from tools.conformance.reference import teacher
from tools.conformance.reference.codecs import single
from tools.conformance.reference.head import check_head
from tools.conformance.reference.labels import Labels
from tools.conformance.reference.probabilities import probabilities
from tools.conformance.reference.refusal import Refused, report, require
from tools.conformance.reference.synthesis import (
    Draw,
    Picture,
    augment,
    collage,
    cut,
    mix,
    resize,
)
from tools.conformance.reference.table import check_table, patches_per_slot, shape_of

Generated = Callable[[int, int, int], Picture]
"""Makes a generated picture of (class, number, variation)."""


class Artifact(Labels):
    """Images and labels of a whole file, whatever its labels are."""

    def __init__(self, data: bytes, generated: Generated | None = None) -> None:
        super().__init__(data)
        check_head(self.head)
        check_table(self.header)
        self.generated = generated
        self.teachers: dict[int, teacher.Teacher] = {}
        self.pictures: dict[tuple[int, int, int], Picture] = {}

    # Section 3: images

    def patch(self, c: int, s: int, j: int, u: int) -> Picture:
        """Patch j of a slot in variation u."""
        synthesis = self.recipe["synthesis"]
        if synthesis["kind"] == "stored":
            return self.stored_patch(c, s, j)
        require(self.generated is not None, "decode", "a picture that a prior generates")
        assert self.generated is not None
        q, grid = s * patches_per_slot(self.recipe) + j, synthesis.get("grid", 1)
        number, cell = divmod(q, grid**2)
        return cut(self.generated(c, number, u), grid)[cell]

    def stored_patch(self, c: int, s: int, j: int) -> Picture:
        """Patch j of a slot, of its mosaic."""
        number, box = self.find("patches", c, s)
        size = [self.codec(number)["params"][name] for name in ("height", "width")]
        patches = self.array(number, (*shape_of("patches", box, self.head), *size, 3))
        place = ((c - box[0]) * box[3] + s - box[2]) * patches_per_slot(self.recipe) + j
        return [[tuple(pixel) for pixel in row] for row in patches[place]]

    def picture(self, c: int, s: int, u: int) -> Picture:
        """The slot's picture in variation u, at the size of a training image."""
        if (c, s, u) not in self.pictures:
            (width, height), layout = self.recipe["size"], self.recipe["layout"]
            patches = [self.patch(c, s, j, u) for j in range(patches_per_slot(self.recipe))]
            alone = layout["kind"] == "single"
            self.pictures[c, s, u] = (
                resize(patches[0], height, width)
                if alone
                else collage(patches, layout["grid"], height, width)
            )
        return self.pictures[c, s, u]

    def seen(self, c: int, s: int, v: int) -> tuple[Picture, Draw]:
        """A picture in its own view, before it is mixed."""
        drawn = self.draw(c, s, v)
        picture = self.picture(c, s, v % self.recipe["variations"])
        plain = v == 0 and self.recipe["view"]["kind"] != "stored"
        return (picture if plain else augment(picture, drawn)), drawn

    def image(self, c: int, s: int, v: int) -> Picture:
        mine, drawn = self.seen(c, s, v)
        if not drawn.mixed:
            return mine
        offset, slot = drawn.partner
        return mix(mine, self.seen(self.origin(c)[0] + offset, slot, v)[0], drawn)

    # Section 3: labels

    def label(self, c: int, s: int, v: int) -> list[float]:
        """Probabilities of all classes; those beyond the origin are 0."""
        kind, found = self.recipe["labels"]["kind"], [0.0] * len(self.head["classes"])
        if kind == "hard":
            return self.hard(c, s, v, found)
        start, count = self.origin(c)
        z = self.logits(c, s, v) if kind == "soft" else self.computed(c, s, v)
        found[start : start + count] = probabilities(z, tuple(self.recipe["labels"]["temperature"]))
        return found

    def hard(self, c: int, s: int, v: int, found: list[float]) -> list[float]:
        number, box = self.find("labels", c, s, v)
        stored = self.array(number, shape_of("labels", box, self.head))
        index = stored[c - box[0]][s - box[2]][v - box[4]]
        start, count = self.origin(c)
        require(index < count, "payload", "a label beyond the origin")
        own = c if index < 0 else start + index
        drawn, (width, height) = self.draw(c, s, v), self.recipe["size"]
        top, bottom, left, right = drawn.box
        kept = (width * height - (bottom - top) * (right - left)) / (width * height)
        found[own] = single(kept)
        if drawn.mixed:
            partner = start + drawn.partner[0]
            found[partner] = single(found[partner] + single(1 - kept))
        return found

    def computed(self, c: int, s: int, v: int) -> list[int]:
        """teacher.md: the logits of the stored teacher for the image."""
        number, _ = self.find("teacher", c)
        params = self.codec(number)["params"]
        if number not in self.teachers:
            self.teachers[number] = teacher.decode(params, self.raws[number])
        image = np.array([self.image(c, s, v)], np.uint8)
        return teacher.rounded(teacher.outputs(params, self.teachers[number], image))[0]


def digest_of_image(picture: Picture) -> str:
    return hashlib.sha256(bytes(chain.from_iterable(chain.from_iterable(picture)))).hexdigest()


def digest_of_label(values: list[float]) -> str:
    return hashlib.sha256(struct.pack(f"<{len(values)}f", *values)).hexdigest()


def main(arguments: list[str]) -> int:
    if len(arguments) != 4 or not all(a.isdigit() for a in arguments[1:]):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        artifact = Artifact(Path(arguments[0]).read_bytes())
        c, s, v = map(int, arguments[1:])
        if artifact.recipe["synthesis"]["kind"] == "stored":
            print("image", digest_of_image(artifact.image(c, s, v)))
        print("label", digest_of_label(artifact.label(c, s, v)))
    except Refused as error:
        return report(arguments[0], error)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
