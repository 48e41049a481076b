"""Probabilities of stored labels in numpy: for datasets, and where torch has no part."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ddcodec.arrays import Float32s, Row
from ddcodec.labels.reader import LabelReader
from ddcodec.labels.softmax import probabilities
from ddcodec.rendering.renderer import Renderer
from ddcodec.table.table import Table

__all__ = ["hard_probabilities", "soft_probabilities"]


def hard_probabilities(
    table: Table, renderer: Renderer, rows: Sequence[Row], view: int
) -> Float32s:
    """float32 [n, all classes]: one-hot labels of rows, mixed as their views are.

    Args:
        table: of hard labels.
        renderer: of the same table.
        rows: (class index, slot) of each.
        view: index of the view.

    Raises:
        PayloadError: a stored label is none of its origin's classes.
    """
    out = np.zeros((len(rows), len(table.head.classes)), np.float32)
    mix = renderer.mixing(rows, view)
    for n, (c, s) in enumerate(rows):
        share = 1.0 if mix is None else float(mix.share[n])
        out[n, table.hard_label(c, s, view)] += share
        if mix is not None:
            out[n, mix.partners[n][0]] += 1 - share
    return out


def soft_probabilities(
    table: Table, reader: LabelReader, rows: Sequence[Row], view: int
) -> Float32s:
    """float32 [n, all classes]: stored soft labels of rows of one origin, at their temperature.

    Args:
        table: of soft labels that are stored.
        reader: of the same table.
        rows: (class index, slot) of each.
        view: index of the view.

    Raises:
        HeaderError, PayloadError: the artifact lacks them, or is damaged.
    """
    head = table.head
    start, count = head.origin(rows[0][0])
    out = np.zeros((len(rows), len(head.classes)), np.float32)
    logits = reader.logits(rows, view)
    out[:, start : start + count] = probabilities(logits, head.recipe.labels.temperature)
    return out
