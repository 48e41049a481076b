"""What is drawn for rows of an artifact: crops, flips, partners (spec/synthesis.md, "Views")."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ddcodec.contents import Contents
from ddcodec.recipe import Head
from ddcodec.synthesis.views import ViewDraw, draw

__all__ = ["Row", "draw_views"]

Row = tuple[int, int]


def draw_views(
    contents: Contents, head: Head, rows: Sequence[Row], view: int
) -> tuple[ViewDraw, list[Row] | None]:
    """The draw of one view of rows (class index, slot).

    Returns:
        the draw of n rows, and each row's CutMix partner (class index, slot); None where the
        recipe's views do not mix. View 0 draws nothing: its boxes are empty.
    """
    recipe = head.recipe
    origins = [head.origin(c) for c, _ in rows]
    drawn = draw(
        recipe.view,
        seeds=np.array([contents.seeds(c)[s] for c, s in rows], np.uint64),
        slots=np.array([s for _, s in rows], np.int64),
        view_index=view,
        height=recipe.height,
        width=recipe.width,
        origin_count=np.array([count for _, count in origins], np.int64),
    )
    if not recipe.view.cutmix:
        return drawn, None
    partners = [
        (start + int(offset), int(slot))
        for (start, _), offset, slot in zip(
            origins, drawn.partner_class, drawn.partner_slot, strict=True
        )
    ]
    return drawn, partners
