"""Named bytes: what is left open follows from them, and the file fills them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import ddcodec
from ddcodec.encoding.options import EncodeOptions
from ddcodec.errors import RequestError
from tests.artifacts import encode_small, quick_teacher

SOFT: dict[str, Any] = {"labels": "soft", "views": 20}


@pytest.fixture(scope="module")
def teacher(image_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return quick_teacher(image_folder, tmp_path_factory.mktemp("teacher") / "t")


def settings(teacher: Path, **changes: Any) -> dict[str, Any]:
    needed = {} if changes.get("labels", "hard") == "hard" else {"teacher": teacher}
    return {"ipc": None, "patch_codec": "webp", **needed, **changes}


@pytest.mark.parametrize(
    ("budget", "changes"),
    [
        ("1.5KB", {"patch_codec": "avif"}),
        (2400, {"mosaics": "all"}),
        ("2KB", SOFT),
        ("3KB", {**SOFT, "ipc": 2}),
        ("3KB", {**SOFT, "label_bytes": 700}),
        ("2.6KB", {**SOFT, "patch_codec": "png", "ipc": 1}),
        ("190KB", {"labels": "teacher", "ipc": 3}),
    ],
)
def test_a_file_fills_its_budget_and_never_exceeds_it(
    image_folder: Path, teacher: Path, tmp_path: Path, budget: Any, changes: dict[str, Any]
) -> None:
    most = EncodeOptions(method="random", budget=budget).budget_bytes
    request = {"budget": budget, **settings(teacher, **changes)}
    with encode_small(image_folder, tmp_path / "a.ddz", **request) as made:
        assert 0.97 * most <= made.file_len <= most
        assert made.recipe.ipc == changes.get("ipc", made.recipe.ipc)
        made.verify()


def test_what_was_chosen_is_told(image_folder: Path, tmp_path: Path) -> None:
    request: dict[str, Any] = {"method": "random", "labels": "hard"}
    made = ddcodec.encode(image_folder, tmp_path / "a.ddz", budget="900", **request)
    used = made.options_used
    assert used["patch_codec"] == "avif"
    assert 1 <= used["quality"] <= 100
    assert used["ipc"] == ddcodec.open(made.path or "").recipe.ipc
    assert not made.warnings

    ample = {**request, "budget": "90KB", "patch_codec": "webp"}
    made = ddcodec.encode(image_folder, tmp_path / "b.ddz", **ample)
    assert made.options_used["ipc"] == 12
    assert made.options_used["quality"] == 100
    (warning,) = made.warnings
    assert f"only {made.file_len:,} of 90,000 bytes can be used" in warning


def test_the_least_that_is_named_is_enough(
    image_folder: Path, teacher: Path, tmp_path: Path
) -> None:
    for changes in ({}, SOFT):
        request = settings(teacher, **changes)
        with pytest.raises(RequestError, match="too small") as caught:
            encode_small(image_folder, tmp_path / "a.ddz", budget=200, **request)
        found = re.search(r"takes about ([\d,]+) bytes", str(caught.value))
        assert found is not None
        least = int(found[1].replace(",", ""))
        request |= {"budget": least, "force": True}
        with encode_small(image_folder, tmp_path / "b.ddz", **request) as small:
            assert small.file_len <= least
    with pytest.raises(RequestError, match="too small for ipc=12, even at the lowest quality"):
        encode_small(image_folder, tmp_path / "c.ddz", budget=800, ipc=12, patch_codec="webp")


def test_the_same_request_gives_the_same_file(
    image_folder: Path, teacher: Path, tmp_path: Path
) -> None:
    request = {**settings(teacher, **SOFT), "budget": "2KB"}
    with encode_small(image_folder, tmp_path / "a.ddz", **request) as first:
        digest = first.digest
    # With finished pieces of an earlier run.
    for name in ("b.ddz", "c.ddz"):
        with encode_small(image_folder, tmp_path / name, work=tmp_path / "w", **request) as again:
            assert again.digest == digest


def test_a_dry_run_says_how_a_budget_would_be_spent(image_folder: Path, tmp_path: Path) -> None:
    request: dict[str, Any] = {"method": "random", "labels": "hard", "budget": "2KB"}
    request |= {"patch_codec": "webp"}
    would = ddcodec.encode(image_folder, tmp_path / "a.ddz", dry_run=True, **request)
    assert sum(would.expected.values()) == 2000
    made = ddcodec.encode(image_folder, tmp_path / "a.ddz", **request)
    assert would.options_used["ipc"] == made.options_used["ipc"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"budget": "much"}, "'much' is no number of bytes: write it as 300KB"),
        ({"budget": 0}, "budget=0 is not allowed"),
        ({"label_quality": 0.01}, "label_quality=0.01 is one too many"),
        ({"label_layers": "lossless"}, "have the bytes they have"),
        ({"labels": "hard", "quality": 40}, "leaves nothing to choose"),
        ({"labels": "hard", "patch_codec": "png"}, "leaves nothing to choose"),
        ({"labels": "hard", "method": "t2i"}, "leaves nothing to choose"),
        ({"label_bytes": 900, "quality": 40}, "leaves nothing to choose"),
        (
            {"method": "auto", "budget": None},
            "no method is named: give method= one of coreset",
        ),
    ],
)
def test_budgets_that_nothing_can_follow_from_are_refused(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(RequestError, match=message):
        EncodeOptions(**{"method": "random", "budget": "9KB", **changes})


def test_a_budget_chooses_a_method_where_none_is_named() -> None:
    options = EncodeOptions(budget="300KB", options={"images": 50})
    assert (options.method, options.budget_bytes) == ("coreset", 300_000)
    assert options.filled_by.to_map()["select"] == "submodular"
    assert options.filled_by.to_map()["images"] == 50


def test_each_label_under_a_budget_is_of_a_fresh_picture_where_these_cost_nothing() -> None:
    def pictures(method: str = "t2i", **changes: Any) -> int:
        return EncodeOptions(method=method, views=20, **{"budget": "9KB", **changes}).pictures_each

    assert pictures() == 20
    assert pictures("expand") == 20
    assert pictures(variations=5) == 5
    assert pictures(labels="hard", budget=None) == 1
    assert pictures(budget=None) == 1
    assert pictures("coreset") == 1


def test_views_of_fresh_pictures_are_not_mixed_unless_asked_for() -> None:
    def mixes(**changes: Any) -> int:
        given = {"method": "t2i", "views": 20, "budget": "9KB", **changes}
        return EncodeOptions(**given).view_of((32, 32)).cutmix

    assert mixes() == 0
    assert mixes(view="crop+flip+cutmix") == 1
    assert mixes(variations=5) == 1, "a picture is shown in four views"
    assert mixes(budget=None) == 1
    assert mixes(method="coreset") == 1
