"""Exit codes, one-line errors, and commands that start without torch."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from ddcodec.cli import app
from tests.cli.conftest import Ddz


def run_python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=120
    )


def test_help_lists_every_command_and_each_has_its_own(ddz: Ddz) -> None:
    shown = ddz("--help")
    assert shown.code == 0
    for name in app.COMMANDS:
        assert f"  {name} " in shown.out
        command = app.cli.get_command(click.Context(app.cli), name)
        assert command is not None and command.name == name and command.help


@pytest.mark.parametrize("level", ["structure", "crc", "digest"])
def test_light_commands_import_no_torch(artifact: Path, tmp_path: Path, level: str) -> None:
    code = (
        "import sys\n"
        "from ddcodec.cli.app import run\n"
        "path, out, level = sys.argv[1:]\n"
        "for line in (['--help'], ['inspect', path], ['inspect', path, '--json'],\n"
        "             ['verify', path, '--level', level],\n"
        "             ['subset', path, '-o', out + '/a.ddz', '--classes', 'blob'],\n"
        "             ['subset', path, '-o', out + '/b.ddz', '--classes', 'cross,stripes'],\n"
        "             ['merge', out + '/a.ddz', out + '/b.ddz', '-o', out + '/c.ddz']):\n"
        "    assert run(line) == 0, line\n"
        "heavy = {'torch', 'transformers', 'diffusers', 'sklearn', 'rich'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = run_python(code, str(artifact), str(tmp_path), level)
    assert done.returncode == 0, done.stderr


def test_the_torch_check_can_fail() -> None:
    done = run_python("import sys, ddcodec.artifact.dataset; assert 'torch' not in sys.modules")
    assert done.returncode == 1


@pytest.mark.parametrize(
    "line",
    [
        "inspekt",
        "encode",
        "encode photos --method random",
        "encode photos --method rdde -o x.ddz",
        "encode photos --method random --labels hard --view spiral -o x.ddz",
        "encode photos --method random --labels hard --size 9000x8 -o x.ddz",
        "encode photos --method rded --labels hard --option factor=0 -o x.ddz",
        "encode photos --method random --labels hard --time-limit 5m -o x.ddz",
        "encode photos --method random --labels hard -o in.ddz",
        "encode photos --method random --labels hard -o missing/x.ddz",
        "encode missing --method random --labels hard -o x.ddz",
        "encode in.ddz --method random --labels hard -o x.ddz",
        "teacher photos --arch convnet99 -o t",
        "inspect missing.ddz",
        "teacher photos --device abacus -o t",
        "subset in.ddz --classes whale -o x.ddz",
        "subset in.ddz --ipc 99 -o x.ddz",
        "merge in.ddz -o x.ddz",
        "decode in.ddz --views 99 -o out",
        "decode in.ddz -o photos",
        "report in.ddz --test missing -o x.html",
        "report in.ddz --test photos --protocol longer -o x.html",
        "prior nowhere",
        "methods rdde",
    ],
)
def test_usage_errors_exit_2_and_write_nothing(
    ddz: Ddz,
    line: str,
    artifact: Path,
    image_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").symlink_to(image_folder)
    (tmp_path / "in.ddz").write_bytes(artifact.read_bytes())
    done = ddz(*line.split())
    assert done.code == 2, done.err
    assert {path.name for path in tmp_path.iterdir()} == {"photos", "in.ddz"}


def test_pictures_that_cannot_be_used_are_a_failure_and_no_usage(ddz: Ddz, tmp_path: Path) -> None:
    (tmp_path / "src" / "cat").mkdir(parents=True)
    done = ddz("encode", tmp_path / "src", "--method", "random", "-o", tmp_path / "x.ddz")
    assert done.code == 1


def test_a_damaged_file_exits_3_and_names_the_next_command(ddz: Ddz, tmp_path: Path) -> None:
    path = tmp_path / "x.ddz"
    path.write_bytes(b"\x89DDZ\r\n\x1a\n" + bytes(10))
    done = ddz("inspect", path)
    assert done.code == 3
    assert done.out == ""
    assert done.err.startswith("error[truncated]: ")
    assert done.err.endswith(f"`ddz verify {path}`.\n")
    assert done.err.count("\n") == 1


def test_a_flipped_byte_exits_4(ddz: Ddz, artifact: Path, tmp_path: Path) -> None:
    data = bytearray(artifact.read_bytes())
    data[-1] ^= 1
    path = tmp_path / "x.ddz"
    path.write_bytes(data)
    assert ddz("verify", path, "--level", "structure").code == 0
    done = ddz("verify", path, "--level", "crc")
    assert done.code == 4
    assert done.err.startswith("error[checksum-mismatch]: ")


def test_something_unsupported_exits_5(ddz: Ddz) -> None:
    future = Path(__file__).parents[2] / "spec" / "vectors" / "future_minor.ddz"
    done = ddz("inspect", future)
    assert done.code == 5
    assert done.err.startswith("error[unsupported")


def test_system_errors_are_one_line(ddz: Ddz, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device", "out.ddz")

    monkeypatch.setattr(app.cli, "main", full)
    done = ddz("inspect", "x")
    assert done.code == 1
    assert done.err.startswith("error[system]: out.ddz: No space left on device; free some space")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MemoryError(), "error[memory]: out of memory; try fewer classes"),
        (
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you"),
            "[memory]",
        ),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), "error[memory]"),
        (RuntimeError("can't start new thread"), "error[system]: no more threads"),
        (OSError(24, "Too many open files"), "raise the limit for open files"),
        (KeyError("x\ny"), "error[internal]: KeyError: 'x\\ny'; this is a fault of ddcodec"),
        (ValueError("a\nb" * 999), "error[internal]: ValueError: a b"),
    ],
)
def test_whatever_is_left_is_one_line(
    ddz: Ddz, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    def failing(*args: object, **kwargs: object) -> None:
        raise error

    monkeypatch.setattr(app.cli, "main", failing)
    done = ddz("inspect", "x")
    assert done.code == 1 and done.out == ""
    assert said in done.err and done.err.count("\n") == 1 and len(done.err) < 400


def test_debug_shows_the_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.ddz"
    path.write_bytes(b"not an artifact at all, but long enough to read a prelude from it")
    monkeypatch.setenv("DDCODEC_DEBUG", "1")
    with pytest.raises(app.DdcodecError):
        app.run(["inspect", str(path)])


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_ctrl_c_exits_130_leaves_no_output_and_resumes(image_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "x.ddz"
    words = ["encode", str(image_folder), "--method", "random", "--labels", "hard", "--ipc", "4"]
    words += ["--views", "2", "-o", str(out)]
    # Interrupt from within, at the first sign of progress: no race with the start-up.
    code = (
        "import os, signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it\n"
        "from ddcodec.cli import app, common\n"
        "class Stop(common.LineProgress):\n"
        "    def __call__(self, *step):\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "common.LineProgress = Stop\n"
        "sys.exit(app.run(sys.argv[1:]))\n"
    )
    done = run_python(code, *words)
    assert done.returncode == 130, done.stderr
    assert "Run the same command again to go on" in done.stderr
    assert not out.exists()
    assert app.run(words) == 0
    assert out.exists()


def test_inspect_starts_quickly(artifact: Path) -> None:
    # Processor time rather than wall-clock time: the tests share the machine.
    before = os.times()
    subprocess.run(
        [sys.executable, "-m", "ddcodec", "inspect", str(artifact)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    after = os.times()
    spent = after.children_user + after.children_system
    spent -= before.children_user + before.children_system
    assert spent < 1.0


def test_names_that_were_mistyped_are_asked_about(
    ddz: Ddz, artifact: Path, image_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "o.ddz"
    told = {
        "encode": ddz("encdoe"),
        "rded": ddz("encode", image_folder, "--method", "rdde", "-o", out),
        "stripes": ddz("subset", artifact, "--classes", "stripe", "-o", out),
        "hald": ddz("report", artifact, "--test", image_folder, "--protocol", "hadl"),
        "convnet3": ddz("report", artifact, "--test", image_folder, "--student", "convnet33"),
    }
    for meant, done in told.items():
        assert done.code in (1, 2)
        assert f"(did you mean '{meant}'?)" in done.err
    assert told["encode"].code == 2


def test_an_artifact_of_another_suffix_is_written_and_said(
    ddz: Ddz, artifact: Path, tmp_path: Path
) -> None:
    done = ddz("subset", artifact, "--ipc", 1, "-o", tmp_path / "few")
    assert (done.code, (tmp_path / "few").exists()) == (0, True)
    assert "few does not end in .ddz, as artifacts do" in done.err
