"""Streams that are closed, and signals that ask for the end, as shells and schedulers do it."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import ddcodec
from tools.processes import ROOT, surroundings


@pytest.mark.parametrize(
    "closed",
    [
        "<&-",
        ">&-",
        "2>&-",
        "<&- >&- 2>&-",
        "--workers 2 <&- >&- 2>&-",
        "2</dev/null",
        "2>/dev/full",
    ],
)
def test_closed_and_full_streams_change_nothing(
    artifact: Path, image_folder: Path, tmp_path: Path, closed: str
) -> None:
    code = "import sys\nfrom ddcodec.cli import main\nmain()\n"
    out = tmp_path / "x.ddz"
    words = [sys.executable, "-c", code, "encode", str(image_folder), "-o", str(out)]
    words += ["--method", "random", "--labels", "hard", "--ipc", "4", "--views", "2"]
    line = f"{shlex.join(words)} {closed}"
    done = subprocess.run(line, shell=True, cwd=ROOT, env=surroundings(os.environ), timeout=120)
    assert done.returncode == 0
    assert ddcodec.open(out).digest == ddcodec.open(artifact).digest


def test_a_folder_that_is_gone_is_no_hindrance(
    artifact: Path, image_folder: Path, tmp_path: Path
) -> None:
    """Importing torch there ended the process, without a word of ours."""
    where = tmp_path / "gone"

    def encode(out: str) -> subprocess.CompletedProcess[str]:
        words = [str(Path(sys.executable).with_name("ddz")), "encode", str(image_folder), "-o", out]
        words += ["--method", "random", "--labels", "hard", "--ipc", "4", "--views", "2"]
        line = f"rmdir ../gone && {shlex.join(words)}"
        where.mkdir()
        return subprocess.run(line, shell=True, cwd=where, stderr=-1, text=True, timeout=120)

    assert encode(str(tmp_path / "x.ddz")).returncode == 0
    assert ddcodec.open(tmp_path / "x.ddz").digest == ddcodec.open(artifact).digest
    done = encode("x.ddz")
    assert done.returncode != 0 and done.stderr.splitlines()[-1].startswith("error[")


def test_what_was_asked_for_and_cannot_be_said_is_an_error(artifact: Path) -> None:
    words = [sys.executable, "-m", "ddcodec", "inspect", str(artifact)]
    with open("/dev/full", "wb") as full:
        done = subprocess.run(words, stdout=full, stderr=-1, text=True, cwd=ROOT, timeout=120)
    assert done.returncode == 1
    assert done.stderr.startswith("error[system]: No space left on device; free some space")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(("name", "code"), [("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_stop_is_as_clean_as_ctrl_c(tmp_path: Path, name: str, code: int) -> None:
    # The signal comes while a file is half written.
    program = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from ddcodec.cli import app\n"
        "from ddcodec.files import write_whole\n"
        "def parts():\n"
        "    yield b'half'\n"
        f"    os.kill(os.getpid(), signal.{name})\n"
        "    yield b'whole'\n"
        "app.cli.main = lambda *_, **__: write_whole(Path(sys.argv[1]), parts())\n"
        "app.main()\n"
    )
    words = [sys.executable, "-c", program, str(tmp_path / "out")]
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert done.returncode == code
    assert done.stderr.startswith("interrupted: no file was left half-written.")
    assert list(tmp_path.iterdir()) == []


def test_a_signal_that_nohup_ignores_stays_ignored() -> None:
    program = (
        "import os, signal\n"
        "from ddcodec.cli.process import catch_stops\n"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "catch_stops()\n"
        "os.kill(os.getpid(), signal.SIGHUP)\n"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT).returncode == 0


def test_a_child_ends_at_once() -> None:
    program = (
        "import os, signal\n"
        "from ddcodec.cli.process import catch_stops\n"
        "catch_stops()\n"
        "if (child := os.fork()) == 0:\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "print(os.waitpid(child, 0)[1])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert (done.stdout, done.stderr) == (f"{signal.SIGTERM.value}\n", "")
