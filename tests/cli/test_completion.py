"""Completion: the scripts that ``docs/cli.md`` names, and what they are answered."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ddcodec.cli import app
from tests.cli.conftest import Ddz


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell_is_printed(shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_DDZ_COMPLETE", f"{shell}_source")
    docs = Path(__file__).parents[2] / "docs" / "cli.md"
    assert f"_DDZ_COMPLETE={shell}_source ddz" in docs.read_text(encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        app.run([])
    assert ended.value.code == 0


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("ddz en", ["encode"]),
        ("ddz ", list(app.COMMANDS)),
        ("ddz --v", ["--version"]),
        ("ddz encode photos --method h", ["herding"]),
        ("ddz encode photos --meth", ["--method"]),
        ("ddz encode photos --labels ", ["soft", "hard", "teacher"]),
        ("ddz encode photos --method rded --option fac", ["factor="]),
        ("ddz encode photos --option fac", []),
        ("ddz import run --from dd", ["ddif", "dd-ruo"]),
        ("ddz methods k-", ["k-center"]),
        ("ddz export a.ddz --to web", ["webdataset"]),
        ("ddz export a.ddz --to d", ["datm", "dd-ranking"]),
        ("ddz report a.ddz --protocol ha", ["hald"]),
        ("ddz report a.ddz --baseline so", ["soft"]),
    ],
)
def test_words_are_completed(
    ddz: Ddz,
    line: str,
    offered: list[str],
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("_DDZ_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(line.split(" ")) - 1))
    with pytest.raises(SystemExit):
        app.run([])
    assert capfd.readouterr().out.split() == [f"plain,{word}" for word in offered]


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_itself_completes(tmp_path: Path) -> None:
    command = tmp_path / "ddz"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m ddcodec "$@"\n')
    command.chmod(0o755)
    script = (
        'eval "$(_DDZ_COMPLETE=bash_source ddz)"\n'
        "complete -p ddz\n"
        "COMP_WORDS=(ddz encode photos --method her) COMP_CWORD=4\n"
        "_ddz_completion ddz\n"
        'printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    environment["PYTHONPATH"] = str(root)
    done = subprocess.run(
        ["bash", "-c", script], env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.stderr == ""
    assert done.stdout.endswith(" -F _ddz_completion ddz\nherding\n")
