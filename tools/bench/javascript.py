"""Times of the JavaScript reader in Node, of an artifact of a thousand classes made for it.

    python -m tools.bench.javascript [--classes 1000] [--ipc 10] [--views 20]

Pictures, fields and innovations are random numbers, as large as those of real labels (64 atoms,
about 1.5 bits per symbol); so are the times. `node tools/bench/javascript.mjs FILE.ddz` alone
tells the same of any file.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import click
import numpy as np

from ddcodec.arrays import Array
from ddcodec.codecs.label_fields import LabelFields
from ddcodec.codecs.label_model import LabelModel, LabelModelCodec
from ddcodec.codecs.mosaic_png import MosaicPng
from ddcodec.codecs.soft_labels import SoftLabels
from ddcodec.container import Box, NewSection, write_container
from ddcodec.encoding.plain_sections import seed_sections
from ddcodec.labels.features import FeatureSet
from ddcodec.recipe.head import Head, Recipe
from ddcodec.recipe.layout import Layout
from ddcodec.recipe.parts import Evaluation, LabelRecipe
from ddcodec.recipe.synthesis import Stored
from ddcodec.recipe.view import View
from ddcodec.table.slots import MAX_VALUES, class_groups, prefix_groups

ATOMS = 64
FEATURES = FeatureSet(parts=2, degree=1, response=1)
SIDE = 8


@click.command()
@click.option("--classes", default=1000, show_default=True)
@click.option("--ipc", default=10, show_default=True)
@click.option("--views", default=20, show_default=True)
def main(classes: int, ipc: int, views: int) -> None:
    """Make an artifact of random soft labels, and time the reader with it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "random.ddz"
        make(path, classes, ipc, views)
        script = Path(__file__).with_suffix(".mjs")
        subprocess.run(["node", str(script), str(path)], check=True)


def make(out: Path, classes: int, ipc: int, views: int) -> None:
    """Write an artifact of one origin with CutMix views and soft labels in layers."""
    view = View("resized-crop", scale=(1, 4, 4), flip=1, cutmix=1)
    whole = ((0, classes),)
    recipe = Recipe(
        size=(SIDE, SIDE),
        ipc=ipc,
        views=views,
        synthesis=Stored(),
        layout=Layout(),
        view=view,
        labels=LabelRecipe("soft", (4, 1)),
        evaluation=Evaluation((32768,) * 3, (16384,) * 3, "ddz"),
    )
    head = Head(tuple(f"class {c}" for c in range(classes)), whole, whole, recipe)
    rng = np.random.default_rng(0)
    model_codec, model = random_model(rng, classes, view)
    fields = LabelFields(1, model_codec.features, ATOMS, 8)
    symbols = SoftLabels(ATOMS, 8)
    png = MosaicPng(SIDE, SIDE)
    origin = Box(0, classes)
    sections = [
        *seed_sections(head, 0),
        NewSection("label-model", model_codec.spec(), origin, model_codec.encode(model)),
    ]
    for slot, slots in prefix_groups(ipc):
        for start, count in class_groups(classes, slots * views * ATOMS, MAX_VALUES):
            shape = (count, slots, 1, model_codec.features, ATOMS)
            box = Box(start, count, slot, slots)
            raw = fields.encode(innovations(rng, shape, 0.3).astype(np.int16))
            sections.append(NewSection("label-fields", fields.spec(), box, raw))
            pixels = rng.integers(0, 256, (count * slots, SIDE, SIDE, 3), np.uint8)
            sections.append(NewSection("patches", png.spec(), box, png.encode(pixels)))
            raw = symbols.encode(innovations(rng, (count, slots, views, ATOMS), 0.7))
            sections.append(NewSection("labels", symbols.spec(), replace_views(box, views), raw))
    write_container(out, head=head.to_map(), sections=sections)


def replace_views(box: Box, views: int) -> Box:
    """The box with all views."""
    return box._replace(view_start=0, view_count=views)


def random_model(
    rng: np.random.Generator, classes: int, view: View
) -> tuple[LabelModelCodec, LabelModel]:
    """A label model of random numbers, and its codec."""
    count = FEATURES.count(view)
    codec = LabelModelCodec(
        classes, count, ATOMS, 8, 4, 8, FEATURES.parts, FEATURES.degree, FEATURES.response
    )
    model = LabelModel(
        means=innovations(rng, (classes, classes), 20).astype(np.int16),
        basis=innovations(rng, (ATOMS, classes), 20).astype(np.int8),
        class_fields=innovations(rng, codec.shape, 2).astype(np.int16),
        class_steps=np.full(count, 64, np.uint16),
        field_steps=np.full(count, 64, np.uint16),
        units=np.full(ATOMS, 64, np.uint16),
    )
    return codec, model


def innovations(rng: np.random.Generator, shape: tuple[int, ...], scale: float) -> Array:
    """Laplacian integers, int32."""
    return np.rint(rng.laplace(0, scale, shape)).astype(np.int32)


if __name__ == "__main__":
    main()
