"""Features of appearances: those of the second decoder, within their bounds."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddcodec.labels.features import ONE, FeatureSet, features, monomials
from ddcodec.recipe.view import View
from ddcodec.synthesis.view_draw import draw
from tools.conformance.reference.features import features as reference_features
from tools.conformance.reference.synthesis import draw as reference_draw

SETS = st.builds(FeatureSet, st.integers(1, 2), st.integers(0, 3), st.integers(0, 1))
LARGEST = 16_128  # spec/labels.md, section 6


@st.composite
def recipes(draw: st.DrawFn) -> tuple[View, int, int]:
    """A view, and the height and width of pictures it fits."""
    height, width = draw(st.integers(1, 70)), draw(st.integers(1, 70))
    kinds = ["identity", "resized-crop"] + ["pad-crop"] * (min(height, width) > 1)
    kind = draw(st.sampled_from(kinds))
    pad = draw(st.integers(1, min(height, width) - 1)) if kind == "pad-crop" else 0
    scale = (1, 1, 1)
    if kind == "resized-crop":
        low, high = sorted(draw(st.tuples(*[st.integers(1, 200)] * 2)))
        scale = (low, high, draw(st.sampled_from([200, 4096])))
    flip, cutmix = draw(st.integers(0, 1)), draw(st.integers(0, 1))
    vflip, degrees = draw(st.sampled_from([0, 80])), draw(st.integers(0, 180))
    rotate = (degrees, 80) if degrees else (0, 0)
    view = View(kind, pad, scale, flip, cutmix, vflip=vflip, rotate=rotate)
    return view, height, width


@given(recipes(), SETS, st.integers(0, 2**64 - 1), st.integers(0, 50))
def test_features_are_those_of_the_second_decoder(
    case: tuple[View, int, int], which: FeatureSet, seed: int, index: int
) -> None:
    view, height, width = case
    seeds, slots = [seed, seed ^ 0xABCDEF], [2, 0]
    drawn = draw(view, seeds, slots, index, height, width, 3)
    theirs = draw(view, seeds[::-1], slots[::-1], index, height, width, 3)
    own = features(which, view, drawn, drawn, height, width, inside=False)
    other = features(which, view, theirs, drawn, height, width, inside=True)
    assert own.shape == other.shape == (2, which.count(view))
    assert which.count(view) <= 74
    assert max(abs(own).max(), abs(other).max()) <= LARGEST
    params = {"parts": which.parts, "degree": which.degree, "response": which.response}
    size = (width, height)
    plain = [
        reference_draw(view.to_map(), (height, width), s, slot, index, 3)
        for s, slot in zip(seeds, slots, strict=True)
    ]
    for n in range(2):
        arguments = (params, view.to_map(), size)
        assert own[n].tolist() == reference_features(*arguments, plain[n], plain[n], False)
        inside = reference_features(*arguments, plain[1 - n], plain[n], True)
        assert other[n].tolist() == inside
        assert bool(drawn.mixed[n]) == plain[n].mixed
        if not drawn.mixed[n]:
            assert not other[n].any()


@given(recipes(), SETS)
def test_view_0_is_the_picture_itself(case: tuple[View, int, int], which: FeatureSet) -> None:
    view, height, width = case
    drawn = draw(view, [5], [0], 0, height, width, 3)
    phi = features(which, view, drawn, drawn, height, width, inside=False)[0]
    if min(height, width) >= which.parts:
        assert phi[0] == ONE
        assert not phi[1 : which.parts**2].any()


def test_the_largest_feature_is_of_the_smallest_crop() -> None:
    view = View("resized-crop", scale=(1, 1, 4096))
    drawn = draw(view, [1], [0], 1, 8192, 8192, 1)
    drawn.columns[:] = 1
    phi = features(FeatureSet(1, 3, 0), view, drawn, drawn, 8192, 8192, inside=False)
    assert phi[0, -1] == -LARGEST


def test_monomials_are_of_what_views_vary_and_in_order() -> None:
    assert monomials(View(flip=1), 3) == ((1, 0, 0, 0, 0, 0),)
    assert monomials(View(), 3) == ()
    assert monomials(View("pad-crop", 2), 1) == ((0, 1, 0, 0, 0, 0), (0, 0, 1, 0, 0, 0))
    turned = View(vflip=80, rotate=(60, 80))
    of_two = [(0, 0, 0, 0, g, r) for g, r in [(1, 0), (0, 1), (1, 1), (0, 2)]]
    assert monomials(turned, 2) == tuple(of_two)
    assert len(monomials(View("resized-crop", scale=(1, 2, 2), flip=1), 3)) == 29
    chosen = monomials(View("resized-crop", scale=(1, 2, 2), flip=1), 3)
    assert list(chosen) == sorted(chosen, key=lambda p: (sum(p), [-n for n in p]))


def test_a_mirrored_picture_shows_its_left_half_to_the_right() -> None:
    """A box over the right half hides the left half of a mirrored picture."""
    view = View(flip=1, cutmix=1)
    both = draw(view, [1, 2], [0, 0], 1, 8, 8, 1)
    both.flip[:] = [0, 1]
    both.mix_top[:], both.mix_bottom[:], both.mix_left[:], both.mix_right[:] = 0, 8, 4, 8
    phi = features(FeatureSet(2, 0, 0), view, both, both, 8, 8, inside=False)
    assert phi.tolist() == [[128, 256, 0, 0], [128, -256, 0, 0]]


@pytest.mark.parametrize(("height", "width"), [*product((1, 2, 5), repeat=2)])
def test_parts_of_no_pixels_have_no_share(height: int, width: int) -> None:
    view: Any = View(cutmix=1)
    drawn = draw(view, np.arange(40), [0] * 40, 1, height, width, 1)
    for inside in (False, True):
        phi = features(FeatureSet(2, 0, 1), view, drawn, drawn, height, width, inside=inside)
        assert phi[:, 0].min() >= 0 and phi[:, 0].max() <= ONE
