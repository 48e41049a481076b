"""Plans: from pictures and budgets to settings, on a page, and never on test pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import pytest
import torch

import ddcodec
from ddcodec.encoding.options import EncodeOptions
from ddcodec.errors import RequestError
from ddcodec.planning import Plan, pilots
from ddcodec.planning.plan import _default_methods
from tests.artifacts import quick_teacher

FAST: dict[str, Any] = {"methods": ["random"], "pilots": 2, "shown": 200}


def planned(image_folder: Path, out: Path, budgets: Any, **changes: Any) -> Plan:
    return ddcodec.plan(image_folder, budgets, out, **{**FAST, **changes})


def test_a_plan_says_what_each_budget_would_buy(image_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "plan.html"
    teacher = quick_teacher(image_folder, tmp_path / "teacher")
    made = planned(image_folder, out, ["2KB", 1500], teacher=teacher)
    assert [group[0].setting.budget for group in made.planned] == [1500, 2000]
    assert (made.student, made.protocol, made.held_out) == ("convnet3", "ddz", 3)
    first, small = made.pilots
    assert (first.setting.budget, small.setting.budget) == (2000, 800)
    for (best,) in made.planned:
        assert 0 < best.forecast.low < best.forecast.accuracy < best.forecast.high <= 1
        assert best.options["teacher"] == str(teacher)
    assert any("only 3 pictures were held out" in remark for remark in made.remarks)

    figures = json.loads(out.with_suffix(".json").read_text())
    assert figures["schema"] == "ddcodec.plan/1"
    assert figures["budgets"][0][0]["accuracy"] == made.planned[0][0].forecast.accuracy
    text = out.read_text()
    assert "ddcodec.encode(" in text
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    assert not (tmp_path / "plan.html.work").exists()


def test_the_best_setting_is_an_encode_within_the_budget(
    image_folder: Path, tmp_path: Path
) -> None:
    made = planned(image_folder, tmp_path / "p.html", "1.5KB", labels="hard")
    options = made.planned[0][0].options
    assert EncodeOptions(**options).labels == "hard"
    encoded = ddcodec.encode(image_folder, tmp_path / "a.ddz", **options)
    assert encoded.file_len <= 1500
    assert encoded.options_used["ipc"] == made.planned[0][0].setting.ipc


def test_pilots_are_made_once(
    image_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = {"work": tmp_path / "kept", "labels": "hard"}
    first = planned(image_folder, tmp_path / "a.html", "1.5KB", **kept)

    def refuse(*_: object, **__: object) -> None:
        pytest.fail("a student was trained again")

    monkeypatch.setattr(pilots, "evaluate", refuse)
    again = planned(image_folder, tmp_path / "b.html", "1.5KB", **kept)
    assert again.pilots == first.pilots
    assert again.planned == first.planned
    # Students of another protocol would be others.
    with pytest.raises(RequestError, match=r"work of another job \(protocol changed\)"):
        planned(image_folder, tmp_path / "c.html", "1.5KB", protocol="rded", **kept)


@pytest.mark.parametrize(
    ("budget", "changes", "message"),
    [
        ("100", {}, "a budget of 100 bytes is too small: .* takes about"),
        ("lots", {}, "'lots' is no number of bytes"),
        ("9KB", {"pilots": 0}, "at least 1 pilot"),
        ("9KB", {"methods": ["nothing"]}, "unknown method 'nothing'"),
        ("9KB", {"protocol": "mine"}, "unknown protocol 'mine'"),
    ],
)
def test_what_cannot_be_planned_is_refused_at_once(
    image_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    budget: str,
    changes: dict[str, Any],
    message: str,
) -> None:
    monkeypatch.setattr(pilots, "Encoder", None)
    with pytest.raises(RequestError, match=message):
        planned(image_folder, tmp_path / "p.html", budget, labels="hard", **changes)
    assert not list(tmp_path.iterdir())


def test_a_teacher_that_cannot_be_stored_is_not_considered_in_the_file(
    image_folder: Path, tmp_path: Path
) -> None:
    class Guess(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return images.mean(dim=(2, 3))

    teacher = ddcodec.Teacher.from_module(
        Guess(), classes=["blob", "cross", "stripes"], mean=[0.5] * 3, std=[0.25] * 3, size=16
    )
    made = planned(image_folder, tmp_path / "p.html", "300KB", teacher=teacher, pilots=1)
    assert [one.setting.filling.labels for one in made.planned[0]] == ["soft"]
    assert "teacher" not in made.planned[0][0].options  # it has no name to be given by


def test_drawn_pictures_are_considered_where_enough_are_held_out() -> None:
    def methods(counts: list[int], labels: Literal["soft", "hard"] = "soft") -> list[str]:
        return [filling.method for filling in _default_methods(counts, labels)]

    assert methods([500] * 10) == ["coreset", "random", "t2i"]
    assert methods([40] * 3) == ["coreset", "random"]
    assert methods([500] * 10, "hard") == ["coreset", "random"]
