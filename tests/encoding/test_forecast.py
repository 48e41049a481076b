"""How long an encode will take: how many units each stage has, each of which takes a second here.

The pictures are three classes of twelve.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import ddcodec
from ddcodec.classifiers import teacher_training
from ddcodec.labels.teacher.quantise import pictures_wanted
from ddcodec.methods import stages, textual_inversion
from ddcodec.methods.random_images import RandomImages


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, image_folder: Path) -> Any:
    """The forecast of an encode on a machine where any unit of any stage takes a second."""
    monkeypatch.setenv("DDCODEC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(stages, "_clocked", lambda run, count: float(count))
    monkeypatch.setattr(teacher_training, "seconds_to_train", lambda *_: 500.0)
    monkeypatch.setattr(textual_inversion, "step_seconds", lambda *_: 10.0)

    def forecast(method: str, **request: Any) -> dict[str, float]:
        request = {"ipc": 2, "views": 1, "labels": "hard", **request}
        plan = ddcodec.encode(
            image_folder, tmp_path / "a.ddz", method=method, dry_run=True, **request
        )
        return {name: float(amount) for name, amount in plan.expected_seconds.items()}

    return forecast


def test_pictures_are_read(seconds: Any) -> None:
    """All of them for the statistics, six for the artifact."""
    assert seconds("random") == {"statistics": 36, "images": 6}


def test_labels_are_asked_view_by_view_of_a_teacher_that_is_trained_first(seconds: Any) -> None:
    found = seconds("random", labels="soft", views=3)
    assert found["teacher"] == 36 + 500
    assert found["labels"] == 6 * 3
    assert found["label search"] == 16 * 6 * 3


def test_a_teacher_is_stored_in_place_of_labels(seconds: Any) -> None:
    found = seconds("random", labels="teacher", views=3)
    assert found["stored teacher"] == 1 + 10 * pictures_wanted(16)
    assert "labels" not in found


@pytest.mark.parametrize(
    ("method", "options", "own"),
    [
        ("rded", {}, {"coreset": 36}),
        ("rded", {"images": 5}, {"coreset": 15}),
        ("herding", {}, {"coreset": 36}),
        ("k-center", {"images": 4}, {"coreset": 12}),
        ("el2n", {"networks": 2}, {"networks": 2 * 500, "coreset": 36}),
        ("sre2l", {"iterations": 7}, {"recovery": 7 * 6}),
        # Two times for each of four timesteps and once for features, two encodings, one reading.
        ("select", {}, {"selection": 36 * (2 * 4 + 1 + 2 + 1)}),
        ("select", {"clustering": "no"}, {"selection": 36 * (2 * 4 + 1 + 1)}),
    ],
)
def test_each_method_counts_its_own_work(
    seconds: Any, method: str, options: dict[str, Any], own: dict[str, float]
) -> None:
    found = seconds(method, options=options)
    assert {name: found[name] for name in found if name not in ("teacher", "statistics")} == own


QUICK: dict[str, Any] = {"sampling_steps": 4}


@pytest.mark.parametrize(
    ("grid", "guidance", "pictures"),
    [
        # Four steps, each of two predictions where it is guided, and one decoding.
        (1, "4", 72 * (4 * 2 + 1)),
        (1, "1", 72 * (4 * 1 + 1)),
        (2, "4", 18 * (4 * 2 + 1)),  # four images are cut from a picture
    ],
)
def test_pictures_are_drawn(seconds: Any, grid: int, guidance: str, pictures: float) -> None:
    options = {**QUICK, "grid": grid, "guidance": guidance}
    assert seconds("t2i", ipc=24, options=options, profile="float")["pictures"] == pictures


@pytest.mark.parametrize(
    ("method", "options", "own", "each"),
    [
        # Half of the steps are run, from stored patches that are encoded first, or from latents.
        ("expand", {"strength": "1/2"}, {"coreset": 36}, 2 * 2 + 1 + 1),
        ("d4m", {"strength": "1/2"}, {"prototypes": 36 * 2}, 2 * 2 + 1),
        # All pictures are encoded, mirrored, too, and thirty steps take ten seconds each.
        (
            "d3m",
            {"steps": 30, "grid": 1},
            {"patches": 36, "textual inversion": 72 + 300},
            4 * 2 + 1,
        ),
    ],
)
def test_methods_that_draw_count_their_own_work_too(
    seconds: Any, method: str, options: dict[str, Any], own: dict[str, float], each: float
) -> None:
    found = seconds(method, options={**QUICK, **options}, profile="float")
    # A call of the float profile holds sixteen pictures, though six are wanted.
    assert found.pop("pictures") == pytest.approx(16 * each)
    assert {name: found[name] for name in found if name not in ("teacher", "statistics")} == own


def test_a_teacher_is_timed(
    image_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes a hundredth of a second for each image: five crops of 36, and 18 labels."""
    now = [0.0]
    monkeypatch.setattr(stages, "perf_counter", lambda: now[0])

    class Slow(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            now[0] += 0.01 * len(images)
            return images.mean((2, 3))

    names = ("blob", "cross", "stripes")
    teacher = ddcodec.Teacher.from_module(Slow(), names, [0.0] * 3, [1.0] * 3, size=16)
    plan = ddcodec.encode(
        image_folder,
        tmp_path / "a.ddz",
        method="rded",
        ipc=2,
        views=3,
        teacher=teacher,
        dry_run=True,
    )
    assert plan.expected_seconds["coreset"] == pytest.approx(36 * 5 * 0.01)
    assert plan.expected_seconds["labels"] == pytest.approx(18 * 0.01)
    assert plan.training_seconds is None and "teacher" not in plan.expected_seconds


def test_a_method_that_cannot_tell_is_named(
    seconds: Any, monkeypatch: pytest.MonkeyPatch, image_folder: Path, tmp_path: Path
) -> None:
    monkeypatch.setattr(RandomImages, "stages", lambda *_: None)
    plan = ddcodec.encode(
        image_folder, tmp_path / "a.ddz", method="random", labels="hard", views=1, dry_run=True
    )
    assert dict(plan.expected_seconds) == {"statistics": 36}
    assert "method random does not say how long its own work takes" in plan.warnings[-1]
