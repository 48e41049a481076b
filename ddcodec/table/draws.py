"""Draws of the views of rows, from seeds or as stored (spec/synthesis.md, "Views")."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ddcodec.arrays import Int64s, Row, Rows
from ddcodec.errors import PayloadError
from ddcodec.synthesis.view_draw import ViewDraw, draw
from ddcodec.table.table import Table

__all__ = ["draw_rows"]


def draw_rows(
    table: Table, rows: Sequence[Row] | Rows, view: int | Int64s
) -> tuple[ViewDraw, Rows | None]:
    """The draw of a view of rows (class index, slot): one view for all, or of each [n].

    Returns:
        the draw of n rows, and each row's CutMix partner, [n, 2] of (class index, slot); None
        where the recipe's views do not mix. Where nothing of a partner shows, boxes are empty,
        as those of a view 0 that is not stored.

    Raises:
        HeaderError: no section holds the draw of a row.
        PayloadError: the stored partner of a row is none of its origin's.
    """
    head, recipe = table.head, table.head.recipe
    places = np.asarray(rows, np.intp).reshape(-1, 2)
    spans = np.array(head.origins, np.int64)
    origins = spans[np.searchsorted(spans[:, 0], places[:, 0], side="right") - 1]
    if recipe.view.stored:
        return _stored(table, places, origins, view)
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


def _stored(
    table: Table, places: Rows, origins: Int64s, view: int | Int64s
) -> tuple[ViewDraw, Rows | None]:
    """The same from the file, where a row is its own partner if nothing is mixed into it."""
    recipe = table.head.recipe
    top, left, rows, columns, flip, classes, slots, *box = table.draws(places, view).T
    partners = places + np.stack([classes, slots], axis=1)
    within = partners[:, 0] - origins[:, 0]
    good = (within >= 0) & (within < origins[:, 1])
    good &= (partners[:, 1] >= 0) & (partners[:, 1] < recipe.picture_slots)
    if not good.all():
        raise PayloadError("a partner beyond the pictures of its origin; the file is damaged")
    mixed = (box[0] < box[1]) & (box[2] < box[3])
    if (flip > recipe.view.flip).any() or (mixed > recipe.view.cutmix).any():
        raise PayloadError("a view flips or mixes, which the recipe denies; the file is damaged")
    none = np.zeros_like(top)
    drawn = ViewDraw(
        *(top, left, rows, columns, flip, none, none, none, none, none + 100),
        within,
        partners[:, 1],
        *box,
    )
    return drawn, partners if recipe.view.cutmix else None
