"""Features of a picture's appearance in a view: integers over which label fields are defined.

A view shows its own picture and, where CutMix pastes one, a partner's. Each *appearance* has a
share of the view's pixels, a crop, flips and an angle; a label field is linear in the features made
of them. Source: spec/labels.md, "Features".
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from ddcodec.arrays import Int64s
from ddcodec.recipe.view import View
from ddcodec.synthesis.view_draw import ViewDraw

__all__ = ["ONE", "FeatureSet", "features", "monomials"]

Powers = tuple[int, ...]

ONE = 256
"""The feature value that stands for 1."""

MAX_DEGREE = 3


@dataclass(frozen=True)
class FeatureSet:
    """Which features the fields of an artifact use.

    Attributes:
        parts: 1: a picture counts by its share of the view; 2: also by where in the view it shows
            (left or right, upper or lower half), for views that mix.
        degree: highest total degree, 0..3, of the monomials in flips, angle, and place and size of
            the crop.
        response: 1 to add 4 share (1 - share), for views that mix, else 0.
    """

    parts: int = 1
    degree: int = 2
    response: int = 0

    def count(self, view: View) -> int:
        """M, the number of features of an appearance."""
        return self.parts**2 + len(monomials(view, self.degree)) + self.response


def monomials(view: View, degree: int) -> tuple[Powers, ...]:
    """Powers of (flip, x, y, size, vflip, angle), by total degree; only of what the view varies.

    A flip is 1 or -1, so that its higher powers say nothing new.
    """
    crops = view.kind != "identity"
    sizes = view.kind in ("resized-crop", "stored")
    vflips, turns = view.vflip > 0, view.rotate != (0, 0)
    most = (view.flip, crops * degree, crops * degree, sizes * degree, vflips, turns * degree)
    ranges = [range(1 + n) for n in most]
    chosen = [powers for powers in product(*ranges) if 1 <= sum(powers) <= degree]
    return tuple(sorted(chosen, key=lambda p: (sum(p), [-n for n in p])))


def features(
    which: FeatureSet,
    view: View,
    drawn: ViewDraw,
    box: ViewDraw,
    height: int,
    width: int,
    *,
    inside: bool,
) -> Int64s:
    """Features of one appearance in each of n views.

    Args:
        which: the feature set.
        view: the recipe's view.
        drawn: the draw of the picture that appears: its own crop, flips and angle.
        box: the draw of the views' own pictures, whose mixing box divides the view.
        height, width: of a picture in pixels.
        inside: whether the picture shows inside the box (a partner) or outside it (the own).

    Returns:
        int64 [n, M], in units of 1 / ``ONE``.
    """
    shares = _shares(which.parts, box, height, width, inside)
    if which.parts == 2:
        # The halves are those of the picture: a mirrored one shows its left half to the right.
        mirrored, upside_down = (flip[:, None, None] == 1 for flip in (drawn.flip, drawn.vflip))
        shares = np.where(mirrored, shares[:, :, ::-1], shares)
        shares = np.where(upside_down, shares[:, ::-1], shares)
        (a, b), (c, d) = shares.transpose(1, 2, 0)
        share = (a + b + c + d) >> 2
        columns = [share, (a + c - b - d) >> 1, (a + b - c - d) >> 1, (a + d - b - c) >> 1]
    else:
        share = shares[:, 0, 0]
        columns = [share]
    variables = _variables(view, drawn, height, width)
    for powers in monomials(view, which.degree):
        value = share
        for variable, power in zip(variables, powers, strict=True):
            if power:
                value = (value * _legendre(variable, power)) >> 8
        columns.append(value)
    if which.response:
        columns.append((share * (ONE - share)) >> 6)
    return np.stack(columns, axis=1)


def _shares(parts: int, box: ViewDraw, height: int, width: int, inside: bool) -> Int64s:
    """int64 [n, parts, parts]: the share of each part of the view, in 1/256, on one side."""
    rows = [height * i // parts for i in range(parts + 1)]
    columns = [width * i // parts for i in range(parts + 1)]
    out = np.empty((box.top.size, parts, parts), np.int64)
    for i, j in product(range(parts), repeat=2):
        high = np.minimum(box.mix_bottom, rows[i + 1]) - np.maximum(box.mix_top, rows[i])
        wide = np.minimum(box.mix_right, columns[j + 1]) - np.maximum(box.mix_left, columns[j])
        covered = np.maximum(high, 0) * np.maximum(wide, 0)
        area = (rows[i + 1] - rows[i]) * (columns[j + 1] - columns[j])
        # In a picture of one row or column some parts are empty.
        out[:, i, j] = (covered if inside else area - covered) * ONE // max(1, area)
    return out


def _variables(view: View, drawn: ViewDraw, height: int, width: int) -> tuple[Int64s, ...]:
    """Flip, x, y and size of the crop, vertical flip and angle, each about -256..256."""
    flip, vflip = ONE - 2 * ONE * drawn.flip, ONE - 2 * ONE * drawn.vflip
    angle = drawn.degrees * ONE // max(1, view.rotate[0])
    if view.kind == "pad-crop":
        x, y = drawn.left * ONE // view.pad, drawn.top * ONE // view.pad
    else:
        # The middle of the crop from the middle of the picture: 256 is a quarter of its side.
        x = (2 * drawn.left + drawn.columns - width) * 2 * ONE // width
        y = (2 * drawn.top + drawn.rows - height) * 2 * ONE // height
    return flip, x, y, drawn.columns * 4 * ONE // width - 3 * ONE, vflip, angle


def _legendre(x: Int64s, degree: int) -> Int64s:
    """Legendre polynomials of degree 1 to 3: nearly uncorrelated over uniform crops."""
    if degree == 1:
        return x
    if degree == 2:
        return (3 * x * x - (1 << 16)) >> 9
    return (5 * x * x * x - (3 << 16) * x) >> 17
