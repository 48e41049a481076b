"""The demo's command lines are ones a user could type; ``make demo`` runs them."""

from __future__ import annotations

import shlex
from pathlib import Path

import click
import pytest

from ddcodec.cli import app, demo
from tests.cli.conftest import Ddz


def test_every_command_line_is_valid(tmp_path: Path) -> None:
    lines = demo.commands(tmp_path)
    # What earlier commands write must exist for the later ones to be accepted.
    for name in ("digits-rded.ddz", "digits-d3m.ddz"):
        (tmp_path / name).touch()
    assert [line[0] for line in lines] == [
        "encode",
        "encode",
        "inspect",
        "verify",
        "decode",
        "report",
    ]
    for name, *words in lines:
        command = app.cli.get_command(click.Context(app.cli), name)
        assert command is not None
        with command.make_context(name, words):
            pass


def test_finished_artifacts_are_not_encoded_again(tmp_path: Path) -> None:
    (tmp_path / "digits-rded.ddz").touch()
    encodes = [line for line in demo.commands(tmp_path) if line[0] == "encode"]
    assert [line[3] for line in encodes] == ["d3m"]


def test_commands_are_printed_and_an_error_stops_the_demo(
    ddz: Ddz, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a b.ddz"
    path.write_bytes(b"nothing")
    monkeypatch.setattr(demo, "commands", lambda out: [["inspect", str(path)], ["never"]])
    done = ddz("demo", "-o", tmp_path / "demo")
    assert done.code == 3
    assert done.out.splitlines()[-1] == f"$ ddz inspect {shlex.quote(str(path))}"
    assert (tmp_path / "demo" / "digits" / "train" / "zero").is_dir()
