"""Make whole artifacts with the digest of every image and label, spec/vectors/datasets.

    python -m tools.conformance.vectors.datasets [--check]

All of it comes from the second decoders, what the prior generates too.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Sequence
from itertools import product
from typing import Any

from tools.conformance.reference.artifact import (
    Artifact,
    digest_of_image,
    digest_of_label,
)
from tools.conformance.reference.prior import Generator, networks, pin, weights
from tools.conformance.vectors import avif, webp
from tools.conformance.vectors.artifacts import PLAIN, STORED, VIEW, generation, head_of
from tools.conformance.vectors.files import Item, file_of, frame, in_order
from tools.conformance.vectors.labels.artifacts import fields_item, labels_item, noise
from tools.conformance.vectors.labels.draws import STORED_VIEW, draws
from tools.conformance.vectors.labels.raw import codec, model_codec, model_raw
from tools.conformance.vectors.maker import VECTORS, Maker, as_map
from tools.conformance.vectors.numbers import draw
from tools.conformance.vectors.teacher import network, sparse, write

ABOUT = [
    "Whole artifacts and what they decode to, made by tools/conformance/vectors/datasets.py.",
    "rows: of each class index, slot and view, the SHA-256 of the image, u8 "
    "[height][width][3], and of the label, binary32 little-endian over all classes of the head "
    "(those beyond the row's origin are 0).",
    "prior: whether a prior generates the pictures; the one in the package (spec/prior.md, "
    "section 6) does.",
]
SEEDS = b"".join(struct.pack("<I", word) for word in draw(700, 16, 1 << 32))


def ordered(value: Any) -> Any:
    """Maps with their keys in order, as canonical msgpack has them."""
    if not isinstance(value, dict):
        return value
    return {key: ordered(value[key]) for key in sorted(value)}


def collage() -> bytes:
    """Collages of four WebP patches, crops, flips and CutMix; soft labels in layers."""
    head = head_of(STORED, "soft", ipc=2, views=3, size=15, view={**VIEW, "pad": 3})
    head["recipe"] |= {"layout": {"grid": 2, "kind": "collage"}, "size": [15, 14]}
    head["recipe"]["labels"]["temperature"] = [1000, 3]
    model = model_codec(2, 2, head["recipe"]["view"], degree=2)
    symbols = codec("soft-labels", columns=2, band=1, step=0)
    mosaic = codec("mosaic-webp", height=6, width=8)
    items = [
        Item("patches", mosaic, (0, 2, 0, 2, 0, 0), webp.SIXTEEN),
        Item("seeds", codec("seed-list"), (0, 2, 0, 2, 0, 0), SEEDS[:32]),
        Item("label-model", model, (0, 2, 0, 0, 0, 0), model_raw(model, 710)),
        fields_item(model, (0, 2, 0, 2, 0, 0), 720),
        labels_item(symbols, (0, 2, 0, 2, 0, 3), 730, 4),
    ]
    return file_of(*in_order(items), head=ordered(head))


def hard() -> bytes:
    """Hard labels of resized, turned and mixed PNG patches; two origins, a class of support."""
    more = {"flip_percent": 80, "vflip": 60, "rotate": [60, 80], "brightness": [20, 20, 50]}
    view = {**PLAIN, **more, "kind": "resized-crop", "scale": [1, 4, 4], "flip": 1, "cutmix": 1}
    view |= {"gamma": [80, 120, 50], "partners": 2}
    ranges: dict[str, Any] = {"rows": [[0, 1], [2, 2]], "origins": [[0, 3], [3, 1]]}
    head = head_of(STORED, "hard", classes=["a", "b", "c", "d"], ipc=2, views=4, view=view)
    head |= ranges
    head["recipe"]["size"] = [10, 7]
    raw = b"\1" + struct.pack("<8H", 2, 0, 0, 1, 1, 2, 0, 2)
    mosaic = codec("mosaic-png", height=5, width=6)
    derived = struct.pack("<Q4I", 0x0123456789ABCDEF, 1, 2, 3, 0xFFFFFFFF)
    items = [
        Item(
            "patches",
            mosaic,
            (0, 4, 0, 2, 0, 0),
            noise(18, 15, 740),
        ),
        Item("seeds", codec("seed-derived"), (0, 4, 0, 0, 0, 0), derived),
        Item("labels", codec("hard-labels"), (0, 1, 0, 2, 0, 4), raw),
        Item("labels", codec("hard-labels"), (2, 1, 0, 0, 0, 0), b"\0"),
        Item("labels", codec("hard-labels"), (3, 1, 0, 0, 0, 0), b"\0"),
    ]
    return file_of(*in_order(items), head=ordered(head))


def stored_views() -> bytes:
    """Views that are stored, view 0 too; soft labels in layers, support of a class and a slot."""
    view = {**STORED_VIEW, "slots": 2}
    head = head_of(STORED, "soft", rows=1, view=view, size=[6, 4])
    model = model_codec(2, 2, view, degree=2, parts=2, response=1)
    symbols = codec("soft-labels", columns=2, band=1, step=0)
    mosaic = codec("mosaic-png", height=5, width=6)
    items = [
        Item("patches", mosaic, (0, 2, 0, 2, 0, 0), noise(12, 10, 770)),
        Item("seeds", codec("seed-list"), (0, 2, 0, 2, 0, 0), SEEDS[:32]),
        draws((0, 2, 0, 2, 0, 2), (6, 4)),
        Item("label-model", model, (0, 2, 0, 0, 0, 0), model_raw(model, 780)),
        fields_item(model, (0, 2, 0, 2, 0, 0), 790),
        labels_item(symbols, (0, 1, 0, 1, 0, 2), 795, 4),
    ]
    return file_of(*in_order(items), head=ordered(head))


def stored_teacher() -> bytes:
    """Labels of a stored teacher, of AV1 patches in CutMix views."""
    head = head_of(STORED, "teacher", classes=["a", "b", "c"], rows=3, size=8, views=3)
    params = {"arch": "convnet3", "bits": 4, "classes": 3, "side": 8}
    entry = {**codec("teacher-weights"), "params": params, "compression": "zstd"}
    full, thin = network(params), sparse(params)
    layers = [full.layers[0], *thin.layers[1:-1], full.layers[-1]]
    raw, (_, height, width, _) = write(full._replace(layers=layers)), avif.SHAPE
    mosaic = codec("mosaic-avif", height=height, width=width)
    items = [
        Item("patches", mosaic, (0, 3, 0, 1, 0, 0), avif.RAW),
        Item("seeds", codec("seed-list"), (0, 3, 0, 0, 0, 0), SEEDS[:24]),
        Item("teacher", entry, (0, 3, 0, 0, 0, 0), raw, frame(raw)),
    ]
    return file_of(*in_order(items), head=ordered(head))


def text2image() -> bytes:
    """Collages that the packaged prior generates, two for each slot; a class of support."""
    made = networks("w8a15")
    width = made["text_encoder"].config["hidden_size"]
    synthesis = generation("w8a15", 0, weights(made))
    synthesis |= {"grid": 2, "guidance": [5, 2], "size": [16, 16]}
    synthesis |= {"vectors": [1, width], "negative": "a blurry photo"}
    view = {**VIEW, "pad": 2}
    head = head_of(synthesis, "hard", rows=1, ipc=2, size=12, view=view, variations=2, prior=pin())
    halves = [w & 0x8FFF | 0x2000 for w in draw(750, 2 * width, 1 << 16)]
    planes = bytes(w & 255 for w in halves) + bytes(w >> 8 for w in halves)
    steps = [(999.0, 1.0, 0.0, 1.0, -0.75, 0.0, 0.0), (400.0, 1.0, 0.5, 0.75, -0.5, 0.0, 0.25)]
    table = struct.pack("<HHf", 2, 2, 1.0) + b"".join(struct.pack("<7f", *step) for step in steps)
    items = [
        Item("labels", codec("hard-labels"), (0, 1, 0, 0, 0, 0), b"\0"),
        Item("prompts", codec("prompt-fp16"), (0, 2, 0, 0, 0, 0), planes),
        Item("schedule", codec("schedule-table"), (0,) * 6, table),
        Item("seeds", codec("seed-list"), (0, 2, 0, 0, 0, 0), SEEDS[:32]),
    ]
    return file_of(*in_order(items), head=ordered(head))


def image2image() -> bytes:
    """Pictures that the packaged prior redraws, with mixup and a text of a class."""
    synthesis = generation("w8a8", 0, weights(networks("w8a8"))) | {
        "size": [16, 16],
        "vectors": [0],
    }
    del synthesis["grid"]
    synthesis |= {"kind": "image2image", "base": "patches", "share": [3, 4], "signal": 0x3F400000}
    head = head_of(synthesis, "hard", rows=1, ipc=2, size=12, views=1, view=PLAIN, prior=pin())
    mosaic = codec("mosaic-png", height=9, width=7)
    table = struct.pack("<HHf5f", 1, 1, 0.5, 500.0, 1.0, 0.25, 1.0, -0.5)
    text = "a dog's (2) b\u00e9".encode()
    texts = struct.pack("<2H", len(text), 0) + text
    items = [
        Item("labels", codec("hard-labels"), (0, 1, 0, 2, 0, 1), b"\1" + struct.pack("<2H", 1, 0)),
        Item("patches", mosaic, (0, 2, 0, 2, 0, 0), noise(14, 18, 760)),
        Item("prompts", codec("prompt-text"), (0, 2, 0, 0, 0, 0), texts),
        Item("schedule", codec("schedule-table"), (0,) * 6, table),
        Item("seeds", codec("seed-list"), (0, 2, 0, 0, 0, 0), SEEDS[32:64]),
    ]
    return file_of(*in_order(items), head=ordered(head))


def digests(artifact: Artifact) -> list[Sequence[Any]]:
    """Class, slot, view, and the digests of image and label, of every row."""
    found: list[Sequence[Any]] = []
    for start, count in artifact.head["rows"]:
        slots, views = range(artifact.recipe["ipc"]), range(artifact.recipe["views"])
        for row in product(range(start, start + count), slots, views):
            image, label = artifact.image(*row), artifact.label(*row)
            found.append([*row, digest_of_image(image), digest_of_label(label)])
    return found


def build() -> dict[str, bytes]:
    made = {
        f"y_{one.__name__}.ddz": (one.__doc__, one())
        for one in (collage, hard, stored_views, stored_teacher, text2image, image2image)
    }
    listed = []
    for name, (what, data) in made.items():
        prior = name.endswith("2image.ddz")
        artifact = Artifact(data, Generator(data) if prior else None)
        about = {"file": name, "what": str(what).rstrip("."), "prior": prior}
        listed.append({**about, "rows": digests(artifact)})
    files = {name: data for name, (_, data) in made.items()}
    return files | {"vectors.json": as_map({"about": ABOUT, "artifacts": listed})}


MAKER = Maker("whole artifacts and the digests of their rows", VECTORS / "datasets", build)


if __name__ == "__main__":
    sys.exit(MAKER.main())
