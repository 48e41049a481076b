"""Whole artifacts put together by hand: stored pictures, generated ones, very many sections."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Sequence
from math import isqrt
from typing import Any

from tools.conformance.vectors.files import (
    LABELS,
    PIXELS,
    SEEDS,
    Box,
    Item,
    file_of,
    frame,
    in_order,
)
from tools.conformance.vectors.labels.draws import STORED_VIEW, draws
from tools.conformance.vectors.labels.raw import COMMON, ZERO, codec, model_codec, packed
from tools.conformance.vectors.png import png

VIEW = {"cutmix": 1, "flip": 1, "kind": "pad-crop", "pad": 1, "scale": [1, 1, 1]}
PLAIN = {"cutmix": 0, "flip": 0, "kind": "identity", "pad": 0, "scale": [1, 1, 1]}
STORED = {"kind": "stored"}
PIN = {"digest": bytes(32), "files": ["model_index.json"], "revision": None, "source": "nobody"}


def head_of(
    synthesis: dict[str, Any],
    labels: str,
    *,
    classes: Sequence[str] = ("cat", "dog"),
    rows: int = 2,
    ipc: int = 1,
    views: int = 2,
    size: int | list[int] = 4,
    view: dict[str, Any] = VIEW,
    variations: int = 1,
    **more: Any,
) -> dict[str, Any]:
    """The head of a table whose first ``rows`` classes have rows (spec/table.md)."""
    recipe = {
        "evaluation": {"mean": [32768] * 3, "protocol": "ddz", "std": [16384] * 3},
        "ipc": ipc,
        "labels": {"kind": labels, "temperature": [4, 1]},
        "layout": {"grid": 1, "kind": "single"},
        "size": size if isinstance(size, list) else [size, size],
        "synthesis": synthesis,
        "variations": variations,
        "view": view,
        "views": views,
    }
    origins = [[0, len(classes)]]
    head = {
        "classes": [*classes],
        "origins": origins,
        **more,
        "recipe": recipe,
        "rows": [[0, rows]],
    }
    return dict(sorted(head.items()))


def pictures(count: int, side: int = 4) -> list[bytes]:
    """RGB pictures whose bytes rise, each from another number."""
    size = 3 * side * side
    return [bytes((100 * i + j) % 256 for j in range(size)) for i in range(count)]


def mosaic(count: int, side: int = 4) -> bytes:
    """A PNG mosaic of those pictures (codecs.md, section 5)."""
    across = isqrt(count - 1) + 1
    down, line = -(-count // across), 3 * side
    cells = pictures(count, side) + [bytes(line * side)] * (across * down - count)
    rows = [
        b"".join(cell[line * y : line * (y + 1)] for cell in cells[across * r : across * (r + 1)])
        for r in range(down)
        for y in range(side)
    ]
    return png(side * across, side * down, rows)


def patches(box: Box, side: int = 4) -> Item:
    codec_ = codec("mosaic-png", height=side, width=side)
    classes, slots = box[1], box[3] or 2
    return Item("patches", codec_, box, mosaic(classes * slots, side))


def seeds(box: Box) -> Item:
    count = box[1] * (box[3] or 2)
    return Item("seeds", SEEDS, box, struct.pack(f"<{count}Q", *range(1, count + 1)))


def labels(box: Box) -> Item:
    """Hard labels: of each row its own class."""
    return Item("labels", LABELS, box, b"\0")


def stored_table() -> bytes:
    """A whole artifact: two pictures of 4 x 4 pixels in a PNG mosaic, soft labels of zeros."""
    domain = b"ddz/pixels/1\0" + struct.pack("<II", 4, 4)
    digests = b"".join(hashlib.sha256(domain + picture).digest()[:4] for picture in pictures(2))
    zeros = packed([[0, 0]] * 4, [0, 1], [ZERO, ZERO])
    soft = {**codec("soft-labels", columns=2, band=1, step=8), "compression": "zstd"}
    model = model_codec(2, 0, VIEW, degree=0)
    box: Box = (0, 2, 0, 1, 0, 0)
    items = [
        Item("label-model", model, (0, 2, 0, 0, 0, 0), means_of_zeros()),
        Item("labels", soft, (0, 2, 0, 1, 0, 2), zeros, frame(zeros)),
        patches(box),
        Item("pixels", PIXELS, box, digests, flags=3),
        Item("seeds", SEEDS, (0, 2, 0, 0, 0, 0), struct.pack("<QQ", 1, 2)),
    ]
    return file_of(*in_order(items), head=head_of(STORED, "soft"))


def means_of_zeros() -> bytes:
    """A label model of two classes, one feature and no atoms."""
    matrices = [packed([[0, 0]] * 2, [0, 0], [ZERO]), *[packed([[]] * 2, [], [])] * 2]
    raw = struct.pack("<HH", 1, 1)
    return raw + b"".join(struct.pack("<I", len(part)) + part for part in matrices)


def generated_items() -> list[Item]:
    """Prompts, schedule, hard labels and seeds of two classes."""
    fp16 = {**LABELS, "name": "prompt-fp16"}
    table = struct.pack("<HHf5f", 1, 1, 1.0, 999.0, 1.0, 0.0, 1.0, -0.5)
    return [
        Item("labels", LABELS, (0, 2, 0, 0, 0, 0), b"\0"),
        Item("prompts", fp16, (0, 2, 0, 0, 0, 0), struct.pack("<4e", 1, -1, 0.5, 2)),
        Item("schedule", {**LABELS, "name": "schedule-table"}, (0,) * 6, table),
        Item("seeds", SEEDS, (0, 2, 0, 0, 0, 0), struct.pack("<QQ", 1, 2)),
    ]


def latents(box: Box) -> Item:
    """Latents of one channel and 2 x 2 positions, values -1 to 1 in steps of a half."""
    count = box[1] * (box[3] or 1)
    rows = [[i % 3 - 1] for i in range(4 * count)]
    raw = struct.pack("<f2b", 0.5, 8, 4) + packed(rows, [0], [COMMON])
    return Item("latents", codec("quantised-latents", channels=1, height=2, width=2), box, raw)


def redrawn_items(base: str) -> list[Item]:
    """The sections of a table of image2image, after the classes' names."""
    texts = Item("prompts", {**LABELS, "name": "prompt-text"}, (0, 2, 0, 0, 0, 0), bytes(4))
    stored = patches((0, 2, 0, 1, 0, 0)) if base == "patches" else latents((0, 2, 0, 0, 0, 0))
    others = [item for item in generated_items() if item.kind != "prompts"]
    return [*others, stored, texts]


def redrawn_table(base: str, items: Sequence[Item] | None = None) -> bytes:
    """A whole artifact of image2image but for its prior: mixup, two pictures of each slot."""
    more = {"base": base, "kind": "image2image", "share": [3, 4], "signal": 0x3F000000}
    synthesis = {**generation("float", 1, None), **more, "vectors": [0]}
    del synthesis["grid"]
    found = redrawn_items(base) if items is None else items
    head = head_of(dict(sorted(synthesis.items())), "hard", prior=PIN, variations=2)
    return file_of(*in_order(found), head=head)


def generated_table(
    profile: str, batch: int, weights: bytes | None, items: Sequence[Item] | None = None
) -> bytes:
    """A whole artifact but for its prior, which nobody has."""
    found = generated_items() if items is None else items
    head = head_of(generation(profile, batch, weights), "hard", prior=PIN)
    return file_of(*in_order(found), head=head)


def generation(profile: str, batch: int, weights: bytes | None) -> dict[str, Any]:
    """A synthesis of kind text2image."""
    return {
        "batch": batch,
        "grid": 1,
        "guidance": [1, 1],
        "kind": "text2image",
        "negative": "",
        "profile": profile,
        "prompt": "a photo of {}",
        "size": [8, 8],
        "time_ids": [],
        "vectors": [1, 2],
        "weights": weights,
    }


def named_table() -> bytes:
    """A whole artifact whose classes have readable names, two of them alike."""
    items = [patches((0, 2, 0, 1, 0, 0)), labels((0, 2, 0, 0, 0, 0)), seeds((0, 2, 0, 1, 0, 0))]
    head = head_of(
        STORED, "hard", classes=("n02012849", "n03126707"), views=1, view=PLAIN, names=["crane"] * 2
    )
    return file_of(*in_order(items), head=head)


def drawn_table() -> bytes:
    """A whole artifact whose views are stored: one row, and partners in another slot and class."""
    view = {**STORED_VIEW, "slots": 2}
    head = head_of(STORED, "hard", rows=1, view=view, size=[6, 4])
    whole: Box = (0, 2, 0, 2, 0, 0)
    views = draws((0, 2, 0, 2, 0, 2), (6, 4))
    items = [views, patches(whole), seeds(whole), labels((0, 1, 0, 0, 0, 0))]
    return file_of(*in_order(items), head=head)


def many_sections() -> bytes:
    """1,000 rows among 10,000 classes; 2,000 sections of one class, seeds and labels."""
    side, rows = 1, 1000
    items = [patches((0, rows, 0, 1, 0, 0), side=side)]
    for c in range(rows):
        items.append(seeds((c, 1, 0, 1, 0, 0)))
        items.append(labels((c, 1, 0, 1, 0, 1)))
    head = head_of(
        STORED,
        "hard",
        classes=[f"{c:x}" for c in range(10_000)],
        rows=rows,
        views=1,
        size=side,
        view=PLAIN,
    )
    return file_of(*in_order(items), head=head)


def whole() -> Iterator[tuple[str, str, bytes]]:
    """Name, what it shows, and bytes of artifacts to accept."""
    yield "table_stored", "a whole artifact: pictures in a PNG mosaic, soft labels", stored_table()
    yield (
        "table_generated",
        "a whole artifact: prompts, schedule, hard labels, an exact profile",
        generated_table("w8a15", 0, bytes(range(32))),
    )
    yield "table_float", "the same in the float profile", generated_table("float", 1, None)
    yield "table_named", "classes that are called alike", named_table()
    yield "table_draws", "views that are stored, with support of slots and classes", drawn_table()
    yield "table_patches", "patches that are redrawn, with mixup", redrawn_table("patches")
    yield "table_latents", "the same from stored latents", redrawn_table("latents")
    yield (
        "table_many_sections",
        "2,000 sections of one class each: a reader's cost must not be sections times classes",
        many_sections(),
    )
