"""Progress is shown where somebody looks, and to whoever asks for it."""

from __future__ import annotations

import re
import sys

import pytest

from ddcodec import progress
from ddcodec.progress import LineProgress, bars, displayed, steps_of


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_on_terminal", lambda: True)


def test_nothing_is_shown_where_stderr_is_no_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    with displayed() as tell:
        assert tell is None
    assert capfd.readouterr().err == ""


@pytest.mark.usefixtures("terminal")
def test_a_terminal_gets_bars_unless_told_otherwise(capsys: pytest.CaptureFixture[str]) -> None:
    with displayed() as tell:
        assert tell is not None
        tell("student", 3, 3)
    assert "student" in capsys.readouterr().err
    with displayed(False) as tell:
        assert tell is None


def test_bars_can_be_asked_for_anywhere(capsys: pytest.CaptureFixture[str]) -> None:
    with displayed(True) as tell:
        assert tell is not None
        tell("student", 3, 3)
    assert "3/3" in capsys.readouterr().err


def test_a_function_is_called_as_it_is() -> None:
    seen: list[tuple[str, int, int]] = []
    with displayed(lambda *step: seen.append(step)) as tell:
        steps = steps_of(tell, "student")
        assert steps is not None
        steps(1, 2)
    assert seen == [("student", 1, 2)] and steps_of(None, "student") is None


def test_a_notebook_without_widgets_gets_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "_in_notebook", lambda: True)
    monkeypatch.setattr(progress, "find_spec", lambda _: None)
    with displayed() as tell:
        assert tell is not None
        tell("student", 3, 3)
    assert capsys.readouterr().err == "student: 3 of 3\n"


def test_without_stderr_nothing_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    with displayed() as tell:
        assert tell is None


def test_progress_forecasts_soon_and_then_every_half_minute(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    now = iter([100.0, 101.0, 106.0, 110.0, 137.0, 400.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(now))
    tell = LineProgress()
    for done in (1, 2, 7, 11, 38, 301):
        tell("teacher", done, 301)
    assert capfd.readouterr().err.splitlines() == [
        "teacher: 1 of 301",
        "teacher: 7 of 301, about 5 min left",
        "teacher: 38 of 301, about 4 min left",
        "teacher: 301 of 301",
    ]


def test_a_bar_with_its_forecast_fits_eighty_columns(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("FORCE_COLOR", "1")
    with bars() as tell:
        tell("pictures shown to students", 812_345, 2_300_000)
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", capsys.readouterr().err)
    lines = [line for line in re.split(r"[\r\n]+", shown) if line]
    assert any("812345/2300000" in line for line in lines)
    assert all(line.startswith("pictures shown to students ") for line in lines)
    assert max(map(len, lines)) <= 80
