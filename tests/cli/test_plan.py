"""``ddz plan``: budgets in, settings and commands out, at 80 columns."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ddcodec.cli.app import run


def test_a_plan_is_printed_and_written(
    image_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, words = tmp_path / "plan.html", ["--labels", "hard", "--method", "random"]
    request = ["plan", str(image_folder), "--budget", "1.2KB,2KB", "--size", "8x8", *words]
    request += ["--pilots", "1", "--shown", "30", "-o", str(out)]
    assert run(request) == 0
    printed = capsys.readouterr().out.splitlines()
    assert "1,200 bytes" in printed
    assert any("per class, 15 views; pictures" in line for line in printed)
    commands = [line.strip() for line in printed if line.startswith("  ddz encode")]
    assert len(commands) == 2
    assert all("--size 8x8" in command for command in commands)
    assert (
        max(
            len(line)
            for line in printed
            if str(tmp_path) not in line and str(image_folder) not in line
        )
        <= 80
    )
    assert json.loads((tmp_path / "plan.json").read_text())["held_out"] == 3

    # What it says is a command that works.
    assert run([*commands[0].split()[1:-1], str(tmp_path / "a.ddz")]) == 0
    assert 0.9 * 1200 < (tmp_path / "a.ddz").stat().st_size <= 1200


def test_an_existing_page_is_not_replaced_unasked(image_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "plan.html"
    out.write_text("mine")
    assert run(["plan", str(image_folder), "--budget", "2KB", "-o", str(out)]) == 2
    assert out.read_text() == "mine"
