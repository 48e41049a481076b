"""Text of strangers on the terminal, and warnings of the library as lines."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import click
import pytest
from PIL import Image

from ddcodec.cli import app
from ddcodec.cli.screen import say
from tests.cli.conftest import Ddz

HOSTILE = "cat\x1b]0;owned\x07\nok: verified\x9b31m\u202e"
HARD = ("--method", "random", "--labels", "hard", "--ipc", 1, "--views", 1)


def test_a_name_can_neither_begin_a_line_nor_reach_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    say(f"class {HOSTILE}")
    assert capsys.readouterr().out == (
        "class cat\\x1b]0;owned\\x07\\nok: verified\\x9b31m\\u202e\n"
    )


def test_hostile_class_names_are_escaped_by_every_command(ddz: Ddz, tmp_path: Path) -> None:
    src, out = tmp_path / "src", tmp_path / "x.ddz"
    for name in (HOSTILE, "dog"):
        (src / name).mkdir(parents=True)
        Image.new("RGB", (8, 8), name and (len(name), 0, 0)).save(src / name / "1.png")
    other = tmp_path / "other.ddz"
    lines = [
        ("encode", src, "-o", out, *HARD),
        ("encode", src, "-o", tmp_path / "y.ddz", *HARD, "--dry-run"),
        ("inspect", out),
        ("inspect", out, "--json"),
        ("verify", out),
        ("subset", out, "-o", other, "--classes", "whale"),
        ("subset", out, "-o", other, "--ipc", 1),
        ("merge", out, other, "-o", tmp_path / "z.ddz"),
        ("decode", out, "-o", tmp_path / "decoded"),
    ]
    for line in lines:
        done = ddz(*line)
        said = done.out + done.err
        assert not re.search(r"[^\n\x20-\x7e\xa0-\u2fff]|^ok: verified|\u202e", said, re.M), line


def test_commands_print_through_one_place() -> None:
    for path in (Path(app.__file__).parent).glob("*.py"):
        for line in path.read_text(encoding="utf-8").splitlines():
            # Whole texts of our own, with their line breaks, are printed as they are.
            if path.name != "screen.py" and "click.echo(" in line:
                assert "nl=False" in line or "re.sub" in line, (path.name, line)


def test_a_warning_of_the_library_is_one_line(ddz: Ddz, monkeypatch: pytest.MonkeyPatch) -> None:
    def main(*_: object, **__: object) -> None:
        code = compile("warnings.warn('it goes on\\nand on')", "checkpoint.py", "exec")
        exec(code, {"__name__": "ddcodec.classifiers.checkpoint", "warnings": warnings})

    monkeypatch.setattr(click.Group, "main", main)
    assert ddz("encode").err == "warning: it goes on\\nand on\n"
