"""The head: round trips, and a named refusal for each kind of damage."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddcodec.container import Limits, pack_canonical, unpack_canonical
from ddcodec.errors import FormatError, HeaderError, RequestError, UnsupportedFeatureError
from ddcodec.recipe.head import Head, Recipe, to_ranges
from ddcodec.recipe.layout import Layout
from ddcodec.recipe.parts import Evaluation, LabelRecipe
from ddcodec.recipe.pin import PriorPin
from ddcodec.recipe.synthesis import MAX_PROMPT_BYTES, Stored, Text2Image
from ddcodec.recipe.view import View

PIN = PriorPin.of("tiny", None, {"model_index.json": "00" * 32})
GENERATED = Text2Image(
    prompt="A photo of {}",
    vectors=(1, 80),
    size=(64, 64),
    grid=2,
    guidance=(5, 2),
    profile="w8a15",
    batch=0,
    weights=b"w" * 32,
)
FLOAT = replace(GENERATED, profile="float", batch=16, weights=None)


def head(**changes: Any) -> Head:
    recipe: dict[str, Any] = {
        "size": (32, 32),
        "ipc": 10,
        "views": 3,
        "synthesis": Stored(),
        "layout": Layout(),
        "view": View("pad-crop", 4, (1, 1, 1), 1, 1),
        "labels": LabelRecipe("soft", (4, 1)),
        "evaluation": Evaluation((1, 2, 3), (4, 5, 6), "ddz"),
    }
    prior = changes.pop("prior", None)
    names = ("cat", "dog", "übel")
    return Head(names, ((0, 3),), ((0, 3),), Recipe(**{**recipe, **changes}), prior)


@pytest.mark.parametrize(
    "value",
    [
        head(),
        replace(head(), names=("tabby", "dog", "evil")),
        head(synthesis=GENERATED, prior=PIN),
        head(synthesis=replace(GENERATED, profile="w8a8"), prior=PIN),
        head(synthesis=replace(GENERATED, profile="w15a15"), prior=PIN),
        head(synthesis=FLOAT, prior=PIN),
        head(layout=Layout("collage", 2), ipc=1),
    ],
)
def test_a_head_survives_the_file(value: Head) -> None:
    stored = pack_canonical(value.to_map())
    assert Head.from_map(unpack_canonical(stored, Limits())) == value


def test_readable_names_stand_beside_the_classes() -> None:
    plain, named = head(), replace(head(), names=("tabby", "dog", "evil"))
    assert (plain.readable, plain.title(2)) == (("cat", "dog", "übel"), "übel")
    assert (named.readable, named.title(1), named.title(2)) == (
        ("tabby", "dog", "evil"),
        "dog",
        "übel (evil)",
    )
    assert "names" not in plain.to_map()


def test_classes_are_found_by_either_name_unless_it_is_anothers() -> None:
    named = replace(head(), names=("dog", "evil", "evil"))
    assert named.class_indices(["cat", "übel"]) == (0, 2)
    assert named.class_indices(["dog"]) == (1,)  # a class of that name, and not the one so called
    with pytest.raises(RequestError, match=r"'evil' may be any of dog \(evil\), übel \(evil\)"):
        named.class_indices(["cat", "evil"])
    with pytest.raises(RequestError, match=r"no class 'cow'.*cat \(dog\), dog \(evil\)"):
        named.class_indices(["cow"])
    without_one = replace(named, rows=((0, 2),))
    assert without_one.class_indices(["evil"]) == (1,)


def test_seeds_and_generated_pictures_follow_the_geometry() -> None:
    quarter = head(synthesis=GENERATED, prior=PIN).recipe
    assert (quarter.generated_per_class, quarter.seeds_per_class) == (3, 10)
    collage = head(synthesis=GENERATED, prior=PIN, layout=Layout("collage", 4)).recipe
    assert (collage.patches_per_slot, collage.generated_per_class) == (16, 40)
    assert collage.seeds_per_class == 40


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (("classes",), [], "classes"),
        (("classes",), ["a", "a", "b"], "twice"),
        (("names",), ["tabby", "dog"], "names is not a list of 3"),
        (("names",), "tab", "names"),
        (("names",), ["tabby", "dog", ""], "names holds something that is not a name"),
        (("names",), ["tabby", "dog", 3], "names holds something that is not a name"),
        (("names",), ["tabby", "dog", "\x1b[2J"], "names holds a control character"),
        (("names",), ["cat", "dog", "übel"], "names repeats head.classes"),
        (("names",), ["dog", "dog", "dog"], None),
        (("rows",), [[0, 2], [1, 1]], "rows"),
        (("rows",), [[0, 4]], "rows"),
        (("origins",), [[0, 2]], "origins"),
        (("recipe", "ipc"), 0, "ipc"),
        (("recipe", "ipc"), True, "ipc"),
        (("recipe", "views"), 2.5, "views"),
        (("recipe", "size"), [32], "size"),
        (("recipe", "labels", "temperature"), [0, 1], "temperature"),
        (("recipe", "labels", "temperature"), [1, 0], "denominator"),
        (("recipe", "evaluation", "std"), [0, 1, 1], "std"),
        (("recipe", "ipc"), 1 << 24, None),
    ],
)
def test_damage_is_named(path: tuple[str, ...], value: Any, says: str | None) -> None:
    damaged = head().to_map()
    inner = damaged
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    if says is None:
        Head.from_map(damaged)
        return
    with pytest.raises(HeaderError, match=says):
        Head.from_map(damaged)


@pytest.mark.parametrize(
    ("synthesis", "change", "says"),
    [
        (GENERATED, {"batch": 16}, "batch is 16, expected an integer 0..0"),
        (GENERATED, {"weights": None}, "weights is not a SHA-256"),
        (GENERATED, {"weights": b"short"}, "weights is not a SHA-256"),
        (FLOAT, {"batch": 0}, "batch is 0, expected an integer 1..4096"),
        (FLOAT, {"weights": b"w" * 32}, "weights is not nil"),
    ],
)
def test_batch_and_weights_belong_to_the_profile(
    synthesis: Text2Image, change: dict[str, Any], says: str
) -> None:
    """Whether the value comes from a file or from an encoder."""
    damaged = head(synthesis=synthesis, prior=PIN).to_map()
    damaged["recipe"]["synthesis"].update(change)
    with pytest.raises(HeaderError, match=says):
        Head.from_map(damaged)
    with pytest.raises(HeaderError, match=says):
        replace(synthesis, **change)


@pytest.mark.parametrize("field", ["profile", "batch", "weights"])
def test_every_field_of_a_generating_recipe_is_needed(field: str) -> None:
    damaged = head(synthesis=GENERATED, prior=PIN).to_map()
    del damaged["recipe"]["synthesis"][field]
    with pytest.raises(HeaderError, match=f"'{field}'"):
        Head.from_map(damaged)


def test_a_profile_from_the_future_is_unsupported_not_malformed() -> None:
    future = head(synthesis=GENERATED, prior=PIN).to_map()
    future["recipe"]["synthesis"].update(profile="w4a4", batch=7)
    with pytest.raises(UnsupportedFeatureError, match=r"'w4a4'.*newer ddcodec"):
        Head.from_map(future)


def test_a_missing_field_is_named() -> None:
    damaged = head().to_map()
    del damaged["recipe"]["view"]
    with pytest.raises(HeaderError, match="'view'"):
        Head.from_map(damaged)


@pytest.mark.parametrize(
    ("part", "kind"), [("synthesis", "video"), ("labels", "tree"), ("view", "warp")]
)
def test_kinds_from_the_future_are_unsupported_not_malformed(part: str, kind: str) -> None:
    future = head().to_map()
    future["recipe"][part]["kind"] = kind
    with pytest.raises(UnsupportedFeatureError, match="newer ddcodec"):
        Head.from_map(future)


def test_generation_needs_a_pinned_prior() -> None:
    whole = head(synthesis=GENERATED, prior=PIN).to_map()
    del whole["prior"]
    with pytest.raises(HeaderError, match="prior"):
        Head.from_map(whole)


def test_too_many_rows_are_refused_before_anything_is_allocated() -> None:
    huge = head().to_map()
    huge["recipe"].update(ipc=1 << 24, views=1 << 24)
    with pytest.raises(HeaderError, match="rows"):
        Head.from_map(huge)


@given(st.sets(st.integers(0, 300)))
def test_ranges_hold_the_same_indices(indices: set[int]) -> None:
    ranges = to_ranges(sorted(indices))
    assert [i for start, count in ranges for i in range(start, start + count)] == sorted(indices)
    assert all(a + n < b for (a, n), (b, _) in pairwise(ranges))


SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.just([])


@given(st.data())
def test_no_damage_raises_anything_but_our_errors(data: st.DataObject) -> None:
    damaged = head(synthesis=GENERATED, prior=PIN).to_map()
    inner: Any = damaged
    while True:
        key = data.draw(st.sampled_from(sorted(inner)))
        if isinstance(inner[key], dict) and data.draw(st.booleans()):
            inner = inner[key]
            continue
        inner[key] = data.draw(SCALARS)
        break
    with suppress(FormatError, UnsupportedFeatureError):
        Head.from_map(damaged)


@pytest.mark.parametrize("field", ["prompt", "negative"])
def test_prompts_are_short(field: str) -> None:
    text = "{}" + "é" * (MAX_PROMPT_BYTES // 2 - 1)
    assert getattr(replace(GENERATED, **{field: text}), field) == text
    with pytest.raises(HeaderError, match=rf"{field} has more than 4096 bytes"):
        replace(GENERATED, **{field: text + "."})
