from __future__ import annotations

import re

import pytest

from ddcodec.cli.common import _bars


def test_a_bar_with_its_forecast_fits_eighty_columns(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("FORCE_COLOR", "1")
    with _bars() as tell:
        tell("pictures shown to students", 812_345, 2_300_000)
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", capsys.readouterr().err)
    lines = [line for line in re.split(r"[\r\n]+", shown) if line]
    assert any("812345/2300000" in line for line in lines)
    assert all(line.startswith("pictures shown to students ") for line in lines)
    assert max(map(len, lines)) <= 80
