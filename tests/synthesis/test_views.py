"""Views are drawn from seeds alone, stay inside the picture, and keep every prefix whole."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import isqrt
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ddcodec.errors import DecodeError, HeaderError, RequestError, UnsupportedFeatureError
from ddcodec.recipe.fields import MAX_SIDE
from ddcodec.recipe.view import VIEW_PARTS, View, parse_view
from ddcodec.synthesis import view_draw
from ddcodec.synthesis.resample import resize
from ddcodec.synthesis.view_draw import ViewDraw, draw, kept_pixels
from ddcodec.synthesis.views import apply, augment, mix
from tools.conformance.reference import synthesis as reference

Pictures = npt.NDArray[np.uint8]

PAD_CROP = View("pad-crop", pad=4, flip=1, cutmix=1)
RESIZED_CROP = View("resized-crop", scale=(8, 100, 100), flip=1, cutmix=1)
PDA = parse_view("pda+cutmix", (32, 32))
EACH_VIEW = st.sampled_from([View(), View(flip=1, cutmix=1), PAD_CROP, RESIZED_CROP, PDA])

SEEDS = st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=6)
INDEX = st.integers(1, 2**32 - 1)


def seeds_of(count: int) -> npt.NDArray[np.uint64]:
    return np.arange(count, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)


def noise(count: int, height: int = 16, width: int = 12) -> Pictures:
    return np.random.default_rng(2).integers(0, 256, (count, height, width, 3), dtype=np.uint8)


def at(drawn: ViewDraw, rows: slice) -> dict[str, list[int]]:
    return {name: value[rows].tolist() for name, value in vars(drawn).items()}


@given(EACH_VIEW, SEEDS, INDEX, st.integers(5, 60), st.integers(5, 60))
def test_draws_stay_in_range(
    view: View, seeds: list[int], index: int, height: int, width: int
) -> None:
    slots = np.arange(len(seeds)) * 7
    drawn = draw(view, np.array(seeds, dtype=np.uint64), slots, index, height, width, 10)
    assert (drawn.top >= -view.pad).all()
    assert (drawn.top + drawn.rows <= height + view.pad).all()
    assert (drawn.left >= -view.pad).all()
    assert (drawn.left + drawn.columns <= width + view.pad).all()
    assert (drawn.rows >= 1).all() and (drawn.columns >= 1).all()
    assert set(drawn.flip.tolist()) | set(drawn.vflip.tolist()) <= {0, 1}
    assert (abs(drawn.degrees) <= view.rotate[0]).all()
    assert (abs(drawn.brightness) <= view.brightness[0]).all()
    assert (abs(drawn.contrast) <= view.brightness[1]).all()
    assert ((drawn.gamma >= view.gamma[0]) & (drawn.gamma <= view.gamma[1])).all()
    assert ((drawn.partner_class >= 0) & (drawn.partner_class < 10)).all()
    assert ((drawn.partner_slot >= 0) & (drawn.partner_slot <= slots)).all()
    assert ((drawn.mix_top >= 0) & (drawn.mix_bottom <= height)).all()
    assert ((drawn.mix_left >= 0) & (drawn.mix_right <= width)).all()
    assert ((drawn.mix_bottom >= drawn.mix_top) & (drawn.mix_right >= drawn.mix_left)).all()


@given(EACH_VIEW, SEEDS, INDEX)
def test_a_row_does_not_depend_on_its_batch(view: View, seeds: list[int], index: int) -> None:
    images, slots = np.array(seeds, dtype=np.uint64), np.arange(len(seeds))
    pictures = noise(len(seeds))
    together = draw(view, images, slots, index, 16, 12, 10)
    seen = mix(augment(pictures, together), pictures[::-1], together)
    for i in range(len(seeds)):
        row = slice(i, i + 1)
        alone = draw(view, images[row], slots[row], index, 16, 12, np.array([10]))
        assert at(alone, slice(None)) == at(together, row)
        own = mix(augment(pictures[row], alone), pictures[::-1][row], alone)
        np.testing.assert_array_equal(own, seen[row])


@pytest.mark.parametrize("view", [View(), PAD_CROP, RESIZED_CROP])
def test_each_row_may_have_its_own_view(view: View) -> None:
    seeds, slots, indices = seeds_of(4), np.arange(4), np.array([2, 0, 2**32 - 1, 0])
    together = draw(view, seeds, slots, indices, 20, 30, 10)
    for n, index in enumerate(indices.tolist()):
        one = slice(n, n + 1)
        alone = draw(view, seeds[one], slots[one], index, 20, 30, 10)
        assert at(together, one) == at(alone, slice(None))


def test_a_flag_moves_no_other_choice() -> None:
    """Turning flip or CutMix off leaves the crops as they were."""
    seeds, slots = seeds_of(20), np.arange(20)
    full = draw(PAD_CROP, seeds, slots, 3, 32, 32, 10)
    plain = draw(View("pad-crop", pad=4), seeds, slots, 3, 32, 32, 10)
    assert full.top.tolist() == plain.top.tolist()
    assert full.left.tolist() == plain.left.tolist()
    assert full.flip.any() and not plain.flip.any()
    assert full.mixed.any() and not plain.mixed.any()


@settings(max_examples=25)
@given(EACH_VIEW, SEEDS, INDEX)
def test_views_are_those_of_the_second_implementation(
    view: View, seeds: list[int], index: int
) -> None:
    pictures, slots = noise(len(seeds), 11, 9), np.arange(len(seeds))
    drawn = draw(view, np.array(seeds, dtype=np.uint64), slots, index, 11, 9, 10)
    for i, (seed, picture) in enumerate(zip(seeds, pictures, strict=True)):
        plain = reference.draw(view.to_map(), (11, 9), seed, i, index, 10)
        wanted = reference.augment([[tuple(p) for p in row] for row in picture.tolist()], plain)
        one = ViewDraw(**{name: value[i : i + 1] for name, value in vars(drawn).items()})
        found = augment(picture[None], one)[0]
        assert found.tolist() == [[list(p) for p in row] for row in wanted]


def test_a_new_part_moves_no_older_choice() -> None:
    """What a view draws besides leaves crops, flips and partners as they were."""
    seeds, slots = seeds_of(50), np.arange(50)
    more = replace(PDA, flip_percent=50)
    old = draw(replace(PAD_CROP, pad=more.pad), seeds, slots, 3, 32, 32, 10)
    new = draw(more, seeds, slots, 3, 32, 32, 10)
    changed = {"vflip", "degrees", "brightness", "contrast", "gamma"}
    for name, value in vars(old).items():
        assert (name in changed) != np.array_equal(value, getattr(new, name)), name


def test_percents_are_how_often_views_have_a_part() -> None:
    view = View(flip=1, flip_percent=80, vflip=20, rotate=(60, 80), gamma=(80, 120, 50))
    drawn = draw(view, seeds_of(4000), np.zeros(4000), 1, 8, 8, 1)
    shares = [drawn.flip, drawn.vflip, drawn.degrees != 0, drawn.gamma != 100]
    # An angle may be 0, and a gamma 1, by chance.
    expected = [0.8, 0.2, 0.8 * 120 / 121, 0.5 * 40 / 41]
    assert [share.mean() for share in shares] == pytest.approx(expected, abs=0.03)
    assert abs(drawn.degrees.mean()) < 2


def test_a_turned_picture_is_turned_after_its_flips() -> None:
    drawn = draw(View(), seeds_of(1), [0], 1, 6, 6, 1)
    one = ViewDraw(**{**vars(drawn), "vflip": np.array([1]), "degrees": np.array([90])})
    pictures = noise(1, 6, 6)
    np.testing.assert_array_equal(augment(pictures, one)[0], np.rot90(pictures[0, ::-1]))


@pytest.mark.parametrize("view", [PAD_CROP, RESIZED_CROP, View(flip=1, cutmix=1), PDA])
def test_view_zero_is_the_picture(view: View) -> None:
    drawn = draw(view, seeds_of(5), np.arange(5), 0, 16, 12, 10)
    pictures = noise(5)
    np.testing.assert_array_equal(apply(drawn, pictures, drawn, pictures[::-1]), pictures)


def test_views_and_seeds_differ() -> None:
    pictures = np.repeat(noise(1, 64, 64), 6, axis=0)
    seen = set()
    for index in range(1, 5):
        drawn = draw(RESIZED_CROP, seeds_of(6), np.zeros(6), index, 64, 64, 1)
        seen |= {image.tobytes() for image in augment(pictures, drawn)}
    assert len(seen) > 20  # of 24: a few crops near full size may coincide


@pytest.mark.parametrize("ipc", [1, 2, 10, 50])
def test_every_slot_prefix_is_closed_under_partners(ipc: int) -> None:
    slots = np.arange(ipc)
    for index in range(1, 30):
        drawn = draw(PAD_CROP, seeds_of(ipc), slots, index, 32, 32, 100)
        for prefix in range(1, ipc + 1):
            assert (drawn.partner_slot[:prefix] < prefix).all()
        # A prefix draws exactly what the whole draws.
        half = draw(PAD_CROP, seeds_of(ipc)[: ipc // 2], slots[: ipc // 2], index, 32, 32, 100)
        assert at(half, slice(None)) == at(drawn, slice(ipc // 2))


def test_partners_reach_every_class_and_slot() -> None:
    slots = np.full(2000, 4)
    origins = np.where(np.arange(2000) % 2, 3, 10)
    drawn = draw(PAD_CROP, seeds_of(2000), slots, 1, 32, 32, origins)
    assert set(drawn.partner_slot.tolist()) == set(range(5))
    assert set(drawn.partner_class[0::2].tolist()) == set(range(10))
    assert set(drawn.partner_class[1::2].tolist()) == set(range(3))


def test_draws_are_close_to_uniform() -> None:
    drawn = draw(RESIZED_CROP, seeds_of(4000), np.zeros(4000), 1, 224, 224, 10)
    kept, total = kept_pixels(drawn, 224, 224)
    assert total == 224 * 224
    area = drawn.rows * drawn.columns / total
    assert area.min() > 0.07 and area.max() <= 1
    assert abs(area.mean() - 0.54) < 0.02
    assert abs(drawn.flip.mean() - 0.5) < 0.03
    # Before clipping the box has 1/2 of the area on average, after it a good third.
    assert 0.6 < (kept / total).mean() < 0.7


def test_pad_crop_reflects_without_repeating_the_edge() -> None:
    line = np.arange(5, dtype=np.uint8).reshape(1, 1, 5, 1)
    pictures = np.broadcast_to(line, (1, 5, 5, 1)).copy()
    drawn = draw(View("pad-crop", pad=3), [0], [0], 1, 5, 5, 1)
    expected = {-3: [3, 2, 1, 0, 1], -1: [1, 0, 1, 2, 3], 0: [0, 1, 2, 3, 4], 2: [2, 3, 4, 3, 2]}
    for left, values in expected.items():
        shifted = ViewDraw(**{**vars(drawn), "left": np.array([left])})
        assert augment(pictures, shifted)[0, 2, :, 0].tolist() == values


@given(SEEDS, INDEX)
def test_resized_crop_is_slice_resize_mirror(seeds: list[int], index: int) -> None:
    pictures = noise(len(seeds))
    drawn = draw(
        RESIZED_CROP, np.array(seeds, dtype=np.uint64), np.zeros(len(seeds)), index, 16, 12, 1
    )
    for i, image in enumerate(augment(pictures, drawn)):
        top, left = drawn.top[i], drawn.left[i]
        crop = pictures[i : i + 1, top : top + drawn.rows[i], left : left + drawn.columns[i]]
        expected = resize(crop, 16, 12)[0]
        np.testing.assert_array_equal(image, expected[:, ::-1] if drawn.flip[i] else expected)


def test_a_full_scale_crop_is_the_whole_picture() -> None:
    drawn = draw(View("resized-crop", scale=(7, 7, 7)), seeds_of(9), np.zeros(9), 1, 31, 17, 1)
    pictures = noise(9, 31, 17)
    np.testing.assert_array_equal(augment(pictures, drawn), pictures)


def test_crops_keep_the_look_of_a_picture(photo: Pictures) -> None:
    """A view is still a picture of the same thing: its colours stay close to the whole's."""
    pictures = np.repeat(photo, 50, axis=0)
    view = View("resized-crop", scale=(1, 2, 2), flip=1)
    seen = augment(pictures, draw(view, seeds_of(50), np.zeros(50), 1, 64, 48, 1))
    assert seen.min() >= photo.min() and seen.max() <= photo.max()
    assert np.abs(seen.mean((1, 2)) - photo.mean((0, 1, 2))).max() < 40


def test_mixing_shows_the_partner_inside_the_box_only() -> None:
    drawn = draw(View(cutmix=1), seeds_of(40), np.arange(40), 1, 16, 12, 10)
    black = np.zeros((40, 16, 12, 3), dtype=np.uint8)
    seen = mix(black, black + np.uint8(255), drawn)
    kept, total = kept_pixels(drawn, 16, 12)
    assert ((seen == 0).all(axis=-1).sum(axis=(1, 2)) == kept).all()
    for i in np.flatnonzero(drawn.mixed):
        box = seen[
            i, drawn.mix_top[i] : drawn.mix_bottom[i], drawn.mix_left[i] : drawn.mix_right[i]
        ]
        assert (box == 255).all() and box.size == 3 * (total - kept[i])


def test_a_partner_is_mixed_in_after_its_own_crop_and_flip() -> None:
    mine = draw(PAD_CROP, seeds_of(8), np.arange(8), 2, 16, 12, 10)
    theirs = draw(PAD_CROP, seeds_of(8)[::-1], np.arange(8), 2, 16, 12, 10)
    pictures = noise(16)
    expected = mix(augment(pictures[:8], mine), augment(pictures[8:], theirs), mine)
    np.testing.assert_array_equal(apply(mine, pictures[:8], theirs, pictures[8:]), expected)
    np.testing.assert_array_equal(apply(mine, pictures[:8]), augment(pictures[:8], mine))


def test_inputs_are_left_alone() -> None:
    pictures = noise(4)
    before = pictures.copy()
    for view in (View(), PAD_CROP, RESIZED_CROP):
        drawn = draw(view, seeds_of(4), np.arange(4), 1, 16, 12, 10)
        seen = apply(drawn, pictures, drawn, pictures)
        assert not np.shares_memory(seen, pictures)
    np.testing.assert_array_equal(pictures, before)


def test_an_empty_batch_stays_empty() -> None:
    drawn = draw(RESIZED_CROP, [], [], 1, 16, 12, 10)
    assert apply(drawn, noise(0), drawn, noise(0)).shape == (0, 16, 12, 3)


@given(st.integers(0, 2**60 - 1) | st.integers(0, 2**30 - 1).map(lambda r: r * r))
def test_the_integer_root_is_exact(value: int) -> None:
    near = np.array([max(0, value - 1), value, value + 1], dtype=np.int64)
    assert view_draw._isqrt(near).tolist() == [isqrt(v) for v in near.tolist()]


def test_the_largest_picture_and_finest_scale_do_not_overflow() -> None:
    view = View("resized-crop", scale=(1, 4096, 4096), cutmix=1)
    drawn = draw(view, seeds_of(200), np.full(200, 2**24 - 1), 1, MAX_SIDE, MAX_SIDE, 2**20)
    area = [Fraction(int(r), MAX_SIDE) ** 2 for r in drawn.rows]
    assert all(0 < a <= 1 for a in area) and max(area) > Fraction(9, 10)
    assert (drawn.top + drawn.rows <= MAX_SIDE).all() and (drawn.top >= 0).all()


def test_draws_and_pictures_must_fit() -> None:
    drawn = draw(PAD_CROP, seeds_of(3), np.arange(3), 1, 16, 12, 10)
    with pytest.raises(DecodeError, match="draw of 3 rows"):
        augment(noise(2), drawn)
    with pytest.raises(DecodeError, match="partner"):
        mix(noise(3), noise(3, 12, 16), drawn)
    with pytest.raises(HeaderError, match="smaller than each side"):
        draw(View("pad-crop", pad=12), seeds_of(3), np.arange(3), 1, 16, 12, 10)


@pytest.mark.parametrize("view", [View(), View(flip=1), PAD_CROP, RESIZED_CROP, PDA])
def test_the_header_form_round_trips(view: View) -> None:
    assert View.from_map(view.to_map()) == view


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": None}, "'kind', a text"),
        ({"extra": 1}, "unknown field 'extra'"),
        ({"pad": 0}, "pad is 0"),
        ({"pad": True}, "pad is True"),
        ({"pad": 8193}, "pad is 8193"),
        ({"flip": 2}, "flip is 2"),
        ({"flip": True}, "flip is True"),
        ({"cutmix": -1}, "cutmix is -1"),
        ({"flip_percent": 50}, "so without it"),
        ({"flip_percent": 101}, "flip_percent is 101"),
        ({"flip": 0, "flip_percent": 80}, "flip_percent is 80"),
        ({"vflip": 0}, "so without it"),
        ({"vflip": 101}, "vflip is 101"),
        ({"rotate": [0, 0]}, "so without it"),
        ({"rotate": [0, 80]}, "rotate is 0"),
        ({"rotate": [181, 80]}, "rotate"),
        ({"rotate": [60, 0]}, "percent of recipe.view.rotate is 0"),
        ({"rotate": 60}, "expected a list"),
        ({"brightness": [0, 0, 50]}, "neither"),
        ({"brightness": [101, 0, 50]}, "brightness"),
        ({"brightness": [20, 20]}, "3 integers"),
        ({"gamma": [9, 120, 50]}, "gamma is 9"),
        ({"gamma": [120, 80, 50]}, "ascending"),
        ({"gamma": [100, 100, 0]}, "so without it"),
        ({"scale": [1, 1]}, "scale"),
        ({"scale": [1, 1, 2]}, "3 integers within 1..1"),
        ({"kind": "identity"}, "pad is 4"),
        ({"kind": "resized-crop"}, "pad is 4"),
        ({"kind": "resized-crop", "pad": 0, "scale": [0, 1, 2]}, "within 1..4096"),
        ({"kind": "resized-crop", "pad": 0, "scale": [2, 1, 2]}, "ascending"),
        ({"kind": "resized-crop", "pad": 0, "scale": [1, 3, 2]}, "ascending"),
        ({"kind": "resized-crop", "pad": 0, "scale": [1, 1, 4097]}, "within 1..4096"),
        ({"kind": "resized-crop", "pad": 0, "scale": [1, "1", 2]}, "within 1..4096"),
    ],
)
def test_a_damaged_header_form_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(HeaderError, match=message):
        View.from_map({**PAD_CROP.to_map(), **change})


def test_a_missing_field_is_refused() -> None:
    whole = PAD_CROP.to_map()
    for field in whole:
        with pytest.raises(HeaderError, match=f"lacks the field '{field}'"):
            View.from_map({k: v for k, v in whole.items() if k != field})


def test_a_view_of_the_future_is_unsupported() -> None:
    with pytest.raises(UnsupportedFeatureError, match="newer ddcodec"):
        View.from_map({**PAD_CROP.to_map(), "kind": "rotate"})


def test_a_view_without_newer_parts_has_the_header_it_always_had() -> None:
    assert set(PAD_CROP.to_map()) == {"kind", "pad", "scale", "flip", "cutmix"}
    assert set(PDA.to_map()) - set(PAD_CROP.to_map()) == {
        *("flip_percent", "vflip", "rotate", "brightness", "gamma")
    }


def test_pda_is_what_the_paper_applies() -> None:
    assert (
        View(
            kind="pad-crop",
            pad=4,
            flip=1,
            flip_percent=80,
            vflip=80,
            rotate=(60, 80),
            brightness=(20, 20, 50),
            gamma=(80, 120, 50),
            cutmix=1,
        )
        == PDA
    )
    assert parse_view("pda", (224, 224)).kind == "resized-crop"


@pytest.mark.parametrize("size", [(32, 32), (224, 224)])
@pytest.mark.parametrize(
    "words", [*VIEW_PARTS, "pda+cutmix:5", "crop+flip+vflip+rotate+gamma", "flip+cutmix:2"]
)
def test_words_describe_what_they_stand_for(words: str, size: tuple[int, int]) -> None:
    view = parse_view(words, size)
    assert view.describe() == words
    assert parse_view(view.describe(), size) == view


@pytest.mark.parametrize(
    "words",
    ["pda+flip", "crop+pda", "flip+flip", "upside", "auto+pda", "cutmix:0", "cutmix:2+cutmix"],
)
def test_words_that_make_no_view_are_refused(words: str) -> None:
    with pytest.raises(RequestError, match="joined by"):
        parse_view(words, (32, 32))
