"""Appearances of pictures in views of rows (spec/labels.md, "Which pictures show")."""

from __future__ import annotations

import numpy as np

from ddcodec.arrays import Int64s, Rows
from ddcodec.labels.features import FeatureSet, features
from ddcodec.labels.reconstruction import Appearance
from ddcodec.synthesis.view_draw import ViewDraw
from ddcodec.table.draws import draw_rows
from ddcodec.table.table import Table

__all__ = ["appearances"]


def appearances(
    table: Table, which: FeatureSet, rows: Rows, views: int | Int64s, fields: int = 1
) -> list[Appearance]:
    """The rows' own pictures and, where the recipe's views mix, their partners.

    Args:
        table: of the artifact.
        which: the feature set.
        rows: [n, 2] of (class index, slot), of one origin.
        views: the view of each row, [n]; or one for all.
        fields: of a slot: one for each of its variations, or 1.

    Returns:
        one or two appearances of n labels. Places of fields are (class x slots + slot) x fields +
        view mod fields, the class counted from the origin's first and slots those with pictures. A
        partner of which no pixel shows need not be in the artifact: the row stands in for it, with
        features of zero.
    """
    recipe, start = table.head.recipe, table.head.origin(int(rows[0, 0]))[0]
    size = recipe.height, recipe.width

    def appearance(pictures: Rows, own: ViewDraw, inside: bool) -> Appearance:
        classes = pictures[:, 0] - start
        values = features(which, recipe.view, own, drawn, *size, inside=inside)
        places = (classes * recipe.picture_slots + pictures[:, 1]) * fields + np.asarray(
            views
        ) % fields
        return Appearance(places, classes, values)

    drawn, partners = draw_rows(table, rows, views)
    shown = [appearance(rows, drawn, False)]
    if partners is not None:
        seen = np.where(drawn.mixed[:, None], partners, rows)
        theirs, _ = draw_rows(table, seen, views)
        shown.append(appearance(seen, theirs, True))
    return shown
