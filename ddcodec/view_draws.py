"""What is drawn for rows of an artifact: crops, flips, partners (spec/synthesis.md, "Views")."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ddcodec.contents import Contents
from ddcodec.recipe import Head
from ddcodec.synthesis.views import ViewDraw, draw

__all__ = ["Row", "Rows", "draw_views"]

Row = tuple[int, int]
Rows = npt.NDArray[np.intp]


def draw_views(
    contents: Contents,
    head: Head,
    rows: Sequence[Row] | Rows,
    view: int | npt.NDArray[np.int64],
) -> tuple[ViewDraw, Rows | None]:
    """The draw of a view of rows (class index, slot): one view for all, or of each [n].

    Returns:
        the draw of n rows, and each row's CutMix partner, [n, 2] of (class index, slot); None
        where the recipe's views do not mix. View 0 draws nothing: its boxes are empty.
    """
    recipe = head.recipe
    places = np.asarray(rows, np.intp).reshape(-1, 2)
    spans = np.array(head.origins, np.int64)
    origins = spans[np.searchsorted(spans[:, 0], places[:, 0], side="right") - 1]
    drawn = draw(
        recipe.view,
        seeds=contents.seeds_of(places),
        slots=places[:, 1],
        view_index=view,
        height=recipe.height,
        width=recipe.width,
        origin_count=origins[:, 1],
    )
    if not recipe.view.cutmix:
        return drawn, None
    return drawn, np.stack([origins[:, 0] + drawn.partner_class, drawn.partner_slot], axis=1)
