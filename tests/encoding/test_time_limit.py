"""A time limit in place of an IPC: chosen by speed, kept by a job that goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import ddcodec
from ddcodec.encoding import encode, time_limit
from ddcodec.encoding.options import EncodeOptions
from ddcodec.encoding.time_limit import fitting_ipc, parse_seconds
from ddcodec.errors import RequestError
from ddcodec.recipe.head import MAX_IPC
from tests.artifacts import encode_small

T2I: dict[str, Any] = {
    "method": "t2i",
    "ipc": None,
    "time_limit": "20s",
    "views": 1,
    "options": {"sampling_steps": 1, "guidance": "1", "grid": 1},
}


@pytest.fixture
def speed(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Sets the seconds that a picture takes, which no test can rely on."""

    def choose(seconds: float) -> None:
        monkeypatch.setattr(encode, "picture_seconds", lambda *_, **__: seconds)

    return choose


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("10m", 600), ("2h", 7200)])
def test_durations_are_read(text: str, seconds: int) -> None:
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "10", "m", "0m", "1.5h", "-1s", "10 m", "1d"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(RequestError, match="such as 90s, 10m or 2h"):
        EncodeOptions(method="t2i", time_limit=text)


def test_a_limit_takes_the_place_of_an_ipc() -> None:
    assert EncodeOptions(method="random").ipc == 10
    assert EncodeOptions(method="t2i", time_limit="10m").ipc is None
    with pytest.raises(RequestError, match="give one of them"):
        EncodeOptions(method="t2i", time_limit="10m", ipc=10)
    for method in ("rded", "select"):  # one of them asks a prior, neither draws with it
        with pytest.raises(RequestError, match="generates no pictures"):
            EncodeOptions(method=method, time_limit="10m")


def test_a_limit_is_filled_with_images(
    image_folder: Path, tmp_path: Path, speed: Callable[[float], None]
) -> None:
    """18 of 20 seconds, three classes, two seconds a picture: three of each class."""
    speed(2)
    made = ddcodec.encode(image_folder, tmp_path / "a.ddz", labels="hard", **T2I)
    assert (made.options_used["ipc"], made.options_used["time_limit"]) == (3, "20s")
    artifact = ddcodec.open(tmp_path / "a.ddz")
    assert artifact.recipe.ipc == 3 and artifact.info["time_limit"] == "20s"
    same = encode_small(image_folder, tmp_path / "b.ddz", **{**T2I, "time_limit": None, "ipc": 3})
    assert same.digest == made.digest


def test_a_job_that_goes_on_keeps_what_it_chose(
    image_folder: Path, tmp_path: Path, speed: Callable[[float], None]
) -> None:
    kept = {**T2I, "work": tmp_path / "work"}
    speed(3)
    first = encode_small(image_folder, tmp_path / "a.ddz", **kept)
    speed(1)
    again = encode_small(image_folder, tmp_path / "b.ddz", **kept)
    assert first.recipe.ipc == 2
    assert again.digest == first.digest


def test_a_plan_says_how_many_images_fit(
    image_folder: Path, tmp_path: Path, speed: Callable[[float], None]
) -> None:
    speed(2)
    plan = ddcodec.encode(image_folder, tmp_path / "a.ddz", labels="hard", dry_run=True, **T2I)
    assert plan.options_used["ipc"] == 3
    assert plan.expected["pixels"] == 2 * 3 * 3
    assert not list(tmp_path.iterdir())


def test_a_limit_for_less_than_an_image_is_refused(
    image_folder: Path, tmp_path: Path, speed: Callable[[float], None]
) -> None:
    speed(7)
    with pytest.raises(RequestError, match="takes about 21 seconds here"):
        ddcodec.encode(image_folder, tmp_path / "a.ddz", labels="hard", **T2I)


@pytest.mark.parametrize("method", ["t2i", "expand"])
def test_speed_is_that_of_pictures_like_those_to_come(
    image_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """A clock that moves by a second at each look: three rounds of one picture take 4 seconds."""
    ticks = iter(range(100))
    monkeypatch.setattr(time_limit, "perf_counter", lambda: float(next(ticks)))
    monkeypatch.setattr(time_limit, "_TRIAL", 2.5)
    monkeypatch.setattr(time_limit, "_PICTURES", 1)
    monkeypatch.setattr(encode, "TRIAL_SLOTS", 1)
    request = {**T2I, "method": method, "time_limit": "1m"}
    request["options"] = {"sampling_steps": 2, "guidance": "1"}
    plan = ddcodec.encode(image_folder, tmp_path / "a.ddz", labels="hard", dry_run=True, **request)
    # 54 seconds for three classes: 13 pictures each, which t2i cuts into four images; for expand
    # there are but 12 images to take patches of.
    assert plan.options_used["ipc"] == {"t2i": 52, "expand": 12}[method]


def test_images_come_from_whole_pictures_and_variations_take_their_time(
    image_folder: Path, tmp_path: Path
) -> None:
    recipe = encode_small(
        image_folder, tmp_path / "a.ddz", method="t2i", ipc=1, views=1, options={"grid": 2}
    ).recipe
    assert recipe.synthesis.grid == 2
    assert fitting_ipc(600, 1.0, recipe, 10) == 4 * 54
    assert fitting_ipc(600, 1.0, replace(recipe, views=9, variations=9), 10) == 4 * 6
    assert fitting_ipc(600, 100.0, recipe, 10) == 0
    assert fitting_ipc(600, 1e-9, recipe, 10) == MAX_IPC
