"""Draws of stored views, put together by hand (spec/codecs.md, section 12)."""

from __future__ import annotations

import struct
from typing import Any

from tools.conformance.reference.packed import Matrix
from tools.conformance.vectors.files import Box, Item
from tools.conformance.vectors.labels.raw import COMMON, ZERO, codec, packed

STORED_VIEW = {"cutmix": 1, "flip": 1, "kind": "stored", "pad": 0, "scale": [1, 1, 1]}
SIZE = {"height": 4, "width": 6}
# Two boxes of the first view, and one of the second.
BOXES = [[0, 4, 1, 2], [1, 1, 0, 6], [2, 2, 3, 1], [0, 0, 0, 0]]
# Two classes of two slots, two views: a, b, t, l, f, m, k, x, y of each.
ROWS = [
    [0, 0, 0, 0, 1, 1, 2, 0, 0],  # mixed with the second of its batch: class 1, slot 0
    [-1, 2, 1, -1, 0, 1, 0, 0, 1],  # with slot 1, which is not in its batch
    [1, 0, -1, 1, 0, 2, 1, 0, 0],  # with itself, alone in its batch
    [0, 0, 0, 0, 0, 0, 0, 0, 0],  # as it is
    [0, 2, 0, -1, 1, 1, 1, 0, 0],
    [0, 0, 0, 0, 1, 0, 0, 0, 0],  # mirrored
    [0, 0, 0, 0, 0, 2, 0, -1, -1],
    [-2, -4, 1, 0, 0, 1, 2, 0, 0],
]


def draws_raw(boxes: Matrix, rows: Matrix, most: int) -> bytes:
    """Both matrices, every column in one table and one lane."""
    listed = packed(boxes, [*range(4)], [COMMON] * 4) if most else b""
    models = [COMMON if any(column) else ZERO for column in zip(*rows, strict=True)]
    return struct.pack("<II", most, len(listed)) + listed + packed(rows, [*range(9)], models)


def draws(
    box: Box, size: tuple[int, int], boxes: Matrix = BOXES, rows: Matrix = ROWS, most: int = 2
) -> Item:
    """A section for pictures of (width, height)."""
    entry = codec("view-draws", height=size[1], width=size[0])
    return Item("draws", entry, box, draws_raw(boxes, rows, most))


def draws_cases() -> list[tuple[str, dict[str, Any], list[int], bytes, str]]:
    """Two classes, two slots, two views of pictures of 6 x 4 pixels."""
    shape, good = [2, 2, 2, 11], draws_raw(BOXES, ROWS, 2)
    zeros = [[0] * 9] * 8

    def one(what: str, *changed: int, row: int = 0) -> tuple[Any, ...]:
        """The same with another row."""
        rows = [[*changed] if i == row else kept for i, kept in enumerate(ROWS)]
        return "view-draws", SIZE, shape, draws_raw(BOXES, rows, 2), what

    def boxed(what: str, *changed: int) -> tuple[Any, ...]:
        """The same with another first box."""
        return "view-draws", SIZE, shape, draws_raw([[*changed], *BOXES[1:]], ROWS, 2), what

    return [
        ("view-draws", SIZE, shape, good, "crops, flips, boxes, partners of every kind"),
        ("view-draws", SIZE, [4, 1, 2, 11], good, "the same as four classes of a slot"),
        ("view-draws", SIZE, shape, draws_raw([], zeros, 0), "pictures as they are"),
        (
            "view-draws",
            {"height": 4, "width": 4},
            [1, 2, 1, 11],
            draws_raw(
                [[0, 4, 1, 2]], [[0, 0, 0, 0, 1, 1, 2, 0, 0], [1, -1, 0, 0, 0, 1, 1, 0, 0]], 1
            ),
            "the example",
        ),
        ("view-draws", SIZE, [2, 2, 2, 10], good, "draws of ten numbers"),
        ("view-draws", SIZE, [2, 1, 4, 11], good, "other views than boxes"),
        ("view-draws", SIZE, shape, good[:-1], "cut"),
        ("view-draws", SIZE, shape, good[:7], "no number of boxes"),
        ("view-draws", SIZE, shape, good[:4] + b"\xff\xff\0\0" + good[8:], "boxes that are cut"),
        ("view-draws", SIZE, shape, b"\5" + good[1:], "more boxes than pictures"),
        ("view-draws", SIZE, shape, b"\0" + good[1:], "bytes of no box"),
        boxed("a box with a negative row", -1, 5, 1, 2),
        boxed("a box beyond the last row", 0, 5, 1, 2),
        boxed("a box beyond the last column", 0, 4, 5, 2),
        boxed("an empty box that is asked for", 0, 4, 1, 0),
        one("a crop of no row", -4, 0, 0, 0, 0, 0, 0, 0, 0),
        one("a crop of one row", -2, 0, 0, 0, 0, 0, 0, 0, 0),
        one("a crop of a row too many columns", 0, -1, 0, 0, 0, 0, 0, 0, 0),
        one("a crop of no column", 0, 6, 0, 0, 0, 0, 0, 0, 0),
        one("a crop before the first row", -1, 0, -1, 0, 0, 0, 0, 0, 0),
        one("a crop beyond the last row", 1, 0, 2, 0, 0, 0, 0, 0, 0),
        one("a crop before the first column", 0, 2, 0, -2, 0, 0, 0, 0, 0),
        one("a crop beyond the last column", 0, 2, 0, 2, 0, 0, 0, 0, 0),
        one("a flip of two", 0, 0, 0, 0, 2, 0, 0, 0, 0),
        one("a negative flip", 0, 0, 0, 0, -1, 0, 0, 0, 0),
        one("a box beyond the last", 0, 0, 0, 0, 0, 3, 1, 0, 0),
        one("a box before the first", 0, 0, 0, 0, 0, -1, 0, 0, 0),
        one("a box that the view does not have", 0, 0, 0, 0, 0, 2, 1, 0, 0, row=1),
        one("a partner beyond the batch", 0, 0, 0, 0, 0, 1, 3, 0, 0),
        one("a partner before the batch", 0, 0, 0, 0, 0, 1, -1, 0, 0),
        one("a partner told twice", 0, 0, 0, 0, 0, 1, 2, 0, 1),
        one("a partner of nothing", 0, 0, 0, 0, 0, 0, 0, 1, 0),
        one("a place in no batch", 0, 0, 0, 0, 0, 0, 1, 0, 0),
        ("view-draws", {**SIZE, "width": 0}, shape, good, "no width"),
        ("view-draws", {"width": 6}, shape, good, "no height"),
    ]
