"""Draws of the views of rows: crops, flips, partners (spec/synthesis.md, "Views")."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ddcodec.arrays import Int64s, Row, Rows
from ddcodec.synthesis.view_draw import ViewDraw, draw
from ddcodec.table.table import Table

__all__ = ["draw_rows"]


def draw_rows(
    table: Table, rows: Sequence[Row] | Rows, view: int | Int64s
) -> tuple[ViewDraw, Rows | None]:
    """The draw of a view of rows (class index, slot): one view for all, or of each [n].

    Returns:
        the draw of n rows, and each row's CutMix partner, [n, 2] of (class index, slot); None
        where the recipe's views do not mix. View 0 draws nothing: its boxes are empty.
    """
    head, recipe = table.head, table.head.recipe
    places = np.asarray(rows, np.intp).reshape(-1, 2)
    spans = np.array(head.origins, np.int64)
    origins = spans[np.searchsorted(spans[:, 0], places[:, 0], side="right") - 1]
    drawn = draw(
        recipe.view,
        seeds=table.seeds_of(places),
        slots=places[:, 1],
        view_index=view,
        height=recipe.height,
        width=recipe.width,
        origin_count=origins[:, 1],
        origin_class=places[:, 0] - origins[:, 0],
    )
    if not recipe.view.cutmix:
        return drawn, None
    return drawn, np.stack([origins[:, 0] + drawn.partner_class, drawn.partner_slot], axis=1)
