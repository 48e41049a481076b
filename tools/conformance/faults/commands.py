"""The commands under test, small; what each of them makes; and running one in a child process."""

from __future__ import annotations

import atexit
import hashlib
import importlib
import json
import os
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import util as multiprocessing_util
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from joblib.externals.loky.process_executor import _python_exit as end_workers
from PIL import Image

import ddcodec
from ddcodec.classifiers import teacher_training
from ddcodec.cli.app import run
from ddcodec.cli.process import catch_stops, open_streams
from ddcodec.files.sealed import Checkpoint
from ddcodec.prior.load import load_prior
from ddcodec.prior.packaged import tiny_folder

__all__ = ["COMMANDS", "Child", "Command", "Place", "fresh", "prepare", "quicken"]

end_multiprocessing = vars(multiprocessing_util)["_exit_function"]

_LATER = (
    "ddcodec.encoding.encode",
    "ddcodec.encoding.teacher",
    "ddcodec.exchange.exporting.export",
    "ddcodec.exchange.folder",
    "ddcodec.methods.recovery",
    "ddcodec.methods.textual_inversion",
    "ddcodec.reporting.make",
    "sklearn.cluster",
)
_DRAWN = "drawn.ddz"
_PATIENCE = 300  # seconds that nothing here takes


class Place(NamedTuple):
    """Where a command is tried.

    Attributes:
        given: a folder of what every trial reads: pictures, a teacher, artifacts.
        folder: of this trial: its targets, work folders, cache and temporary files.
    """

    given: Path
    folder: Path


@dataclass(frozen=True)
class Command:
    """A command line that writes something.

    Attributes:
        name: of the command and what is special here.
        words: of the command line.
        out: what it writes, in the trial's folder.
        value: what that holds, so that two can be compared.
        needs: what it reads besides pictures.
        warm: whether it finds a filled cache, as it does most of the time.
    """

    name: str
    words: Callable[[Place], list[str]]
    out: str
    value: Callable[[Path], str]
    needs: tuple[str, ...] = ()
    warm: bool = False


class Child:
    """A command in a process of its own, forked so that nothing has to be imported again.

    Args:
        words: of the command line.
        place: where its cache and its temporary files go.
        prepare: called in the child, to set its limits.
        environment: more variables; None removes one.
    """

    def __init__(
        self,
        words: list[str],
        place: Place,
        *,
        prepare: Callable[[], None] = lambda: None,
        environment: Mapping[str, str | None] | None = None,
    ) -> None:
        self._said = place.given.with_name(f"said-{time.monotonic_ns()}")
        ready, begins = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(ready)
            self._be(words, place, prepare, environment or {}, begins)
        os.close(begins)
        os.read(ready, 1)  # from here on signals are handled as by the command itself
        os.close(ready)

    def _be(
        self,
        words: list[str],
        place: Place,
        prepare: Callable[[], None],
        environment: Mapping[str, str | None],
        begins: int,
    ) -> None:
        code = 1
        atexit._clear()  # what the harness does at its own end
        try:
            _surround(place, environment)
            said = os.open(self._said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(os.open(os.devnull, os.O_RDWR), 0)
            os.dup2(said, 1)
            os.dup2(said, 2)
            sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
            sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115
            signal.signal(signal.SIGINT, signal.default_int_handler)
            for number in (signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)  # not as this process's parent
            prepare()
            open_streams()
            catch_stops()
            os.write(begins, b"!")
            code = run(words)
            sys.stdout.flush()
        except KeyboardInterrupt:  # in the harness itself, before or after the command
            code = 130
        except BaseException:
            traceback.print_exc()
        finally:
            with suppress(BaseException):
                sys.stderr.flush()
            with suppress(BaseException):  # as at the end of an interpreter, which this is not
                end_workers()
                atexit._run_exitfuncs()
                end_multiprocessing()
            os._exit(code)

    def running(self) -> bool:
        """Whether it has not ended yet."""
        if self.pid == 0:
            return False
        found, status = os.waitpid(self.pid, os.WNOHANG)
        if found:
            self.pid, self._code = 0, os.waitstatus_to_exitcode(status)
        return not found

    def kill(self, number: int) -> None:
        """Send it a signal, if it is still there."""
        if self.pid:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def end(self, after: float = _PATIENCE) -> tuple[int, str]:
        """Its exit code, negative of a signal, and what it said; killed if it takes too long."""
        latest = time.monotonic() + after
        while self.running():
            if time.monotonic() > latest:
                self.kill(signal.SIGKILL)
            time.sleep(0.002)
        said = self._said.read_text(errors="backslashreplace")
        self._said.unlink()
        return self._code, said


def _surround(place: Place, environment: Mapping[str, str | None]) -> None:
    """Everything that a command writes goes to the trial's folder."""
    os.environ["DDCODEC_CACHE"] = str(place.folder / "cache")
    os.environ["TMPDIR"] = str(place.folder / "tmp")
    for name, value in environment.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value
    tiny_folder.cache_clear()


def quicken() -> None:
    """Short trainings, and a checkpoint after each of their steps, so that kills meet them.

    What takes long to import is imported now: children are forks of this process.
    """
    torch.set_num_threads(1)
    for name in _LATER:
        importlib.import_module(name)
    settings = teacher_training.default_settings

    def short(*args: Any, **kwargs: Any) -> teacher_training.TeacherSettings:
        return teacher_training.TeacherSettings(
            **{**vars(settings(*args, **kwargs)), "steps": 12, "batch_size": 8}
        )

    teacher_training.default_settings = short
    assert Checkpoint.__init__.__kwdefaults__ is not None
    Checkpoint.__init__.__kwdefaults__["every"] = 0.0


def prepare(given: Path, commands: Sequence[Command]) -> None:
    """Make what these commands read."""
    generator = np.random.default_rng(0)
    for split, count in (("train", 12), ("test", 4)):
        for number, name in enumerate(("ant", "bee", "cat")):
            folder = given / "photos" / split / name
            folder.mkdir(parents=True)
            for i in range(count):
                pixels = generator.integers(0, 90, (16, 16, 3), dtype=np.uint8)
                pixels[..., number] += 150
                Image.fromarray(pixels).save(folder / f"{i:02d}.png")
    place, needed = Place(given, given), {name for one in commands for name in one.needs}
    (given / "tmp").mkdir()
    if _DRAWN in needed:
        load_prior("tiny", profile="w8a15")  # in this process, for all its children
    for name, words in (
        ("teacher", ["teacher", f"{given}/photos", "-o", f"{given}/teacher"]),
        ("photos.ddz", _encode(place, "photos.ddz", "--labels", "hard")),
        (_DRAWN, _d3m(place, _DRAWN)),
        ("a.ddz", ["subset", f"{given}/photos.ddz", "--classes", "ant", "-o", f"{given}/a.ddz"]),
        ("b.ddz", ["subset", f"{given}/photos.ddz", "--classes", "bee", "-o", f"{given}/b.ddz"]),
    ):
        if name not in needed:
            continue
        code, said = Child(words, place).end()
        if code or not (given / name).exists():
            raise RuntimeError(f"ddz {' '.join(words)} ended with {code}: {said}")


def _encode(place: Place, out: str, *more: str, method: str = "random") -> list[str]:
    words = ["encode", f"{place.given}/photos", "--method", method, "--ipc", "4", "--views", "3"]
    return [*words, *more, "-o", f"{place.folder}/{out}"]


def _d3m(place: Place, out: str) -> list[str]:
    words = ["encode", f"{place.given}/photos", "--method", "d3m", "--ipc", "1", "--views", "2"]
    more = ["--size", "32", "--labels", "hard", "--prior", "tiny"]
    for option in ("steps=3", "batch=3", "images=2", "crops=1", "sampling_steps=2"):
        more += ["--option", option]
    return [*words, *more, "-o", f"{place.folder}/{out}"]


def _artifact(path: Path) -> str:
    with ddcodec.open(path) as artifact:
        artifact.verify("digest")
        return str(artifact.digest)


def _folder(path: Path) -> str:
    state = hashlib.sha256()
    for file in sorted(p for p in path.rglob("[!.]*") if p.is_file()):
        state.update(f"{file.relative_to(path)}\0".encode() + file.read_bytes())
    return state.hexdigest()


def _page(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _report(path: Path) -> str:
    found = json.loads(path.with_suffix(".json").read_text())
    if not path.read_text().rstrip().endswith("</html>"):
        return "half a page"
    return repr([(one["name"], one["accuracies"]) for one in found["evaluations"]])


def _plan(path: Path) -> str:
    found = json.loads(path.with_suffix(".json").read_text())
    if not path.read_text().rstrip().endswith("</html>"):
        return "half a page"
    return repr({k: v for k, v in found.items() if "seconds" not in k})


def _teacher(path: Path) -> str:
    return str(json.loads((path / "config.json").read_text())["digest"])


COMMANDS = (
    Command(
        "encode random",
        lambda p: _encode(p, "out.ddz", "--labels", "hard"),
        "out.ddz",
        _artifact,
    ),
    Command(
        "encode rded",
        lambda p: _encode(p, "out.ddz", "--teacher", f"{p.given}/teacher", method="rded"),
        "out.ddz",
        _artifact,
        ("teacher",),
    ),
    Command(
        "encode sre2l",
        lambda p: _encode(p, "out.ddz", "--option", "iterations=6", method="sre2l"),
        "out.ddz",
        _artifact,
    ),
    Command(
        "encode workers",
        lambda p: _encode(
            p, "out.ddz", "--teacher", f"{p.given}/teacher", "--workers", "2", method="rded"
        ),
        "out.ddz",
        _artifact,
        ("teacher",),
    ),
    Command("encode d3m", lambda p: _d3m(p, "out.ddz"), "out.ddz", _artifact, (_DRAWN,), True),
    Command(
        "teacher",
        lambda p: ["teacher", f"{p.given}/photos", "-o", f"{p.folder}/out"],
        "out",
        _teacher,
    ),
    Command(
        "decode",
        lambda p: [
            *("decode", f"{p.given}/photos.ddz", "--views", "all"),
            *("--batch-size", "3", "-o", f"{p.folder}/out"),
        ],
        "out",
        _folder,
        ("photos.ddz",),
    ),
    Command(
        "decode generated",
        lambda p: ["decode", f"{p.given}/{_DRAWN}", "--views", "all", "-o", f"{p.folder}/out"],
        "out",
        _folder,
        (_DRAWN,),
    ),
    Command(
        "export",
        lambda p: [
            *("export", f"{p.given}/photos.ddz", "--to", "webdataset", "--views", "all"),
            *("--shard-bytes", "50KB", "--force", "-o", f"{p.folder}/out"),
        ],
        "out",
        _folder,
        ("photos.ddz",),
    ),
    Command(
        "export generated",
        lambda p: ["export", f"{p.given}/{_DRAWN}", "--to", "numpy", "-o", f"{p.folder}/out"],
        "out",
        _folder,
        (_DRAWN,),
    ),
    Command(
        "subset",
        lambda p: ["subset", f"{p.given}/photos.ddz", "--ipc", "2", "-o", f"{p.folder}/out.ddz"],
        "out.ddz",
        _artifact,
        ("photos.ddz",),
    ),
    Command(
        "merge",
        lambda p: ["merge", f"{p.given}/a.ddz", f"{p.given}/b.ddz", "-o", f"{p.folder}/out.ddz"],
        "out.ddz",
        _artifact,
        ("photos.ddz", "a.ddz", "b.ddz"),
    ),
    Command(
        "show",
        lambda p: ["show", f"{p.given}/photos.ddz", "--force", "--html", f"{p.folder}/out.html"],
        "out.html",
        _page,
        ("photos.ddz",),
    ),
    Command(
        "site",
        lambda p: ["show", f"{p.given}/photos.ddz", "--site", f"{p.folder}/out"],
        "out",
        _folder,
        ("photos.ddz",),
    ),
    Command(
        "card",
        lambda p: ["card", f"{p.given}/photos.ddz", "--force", "-o", f"{p.folder}/out.md"],
        "out.md",
        _page,
        ("photos.ddz",),
    ),
    Command("prior", lambda p: ["prior", "tiny", "-o", f"{p.folder}/out"], "out", _folder),
    Command(
        "plan",
        lambda p: [
            *("plan", f"{p.given}/photos", "--budget", "6KB", "--labels", "hard"),
            *("--method", "random", "--pilots", "2", "--shown", "60", "--epochs", "2", "--force"),
            *("-o", f"{p.folder}/out.html"),
        ],
        "out.html",
        _plan,
    ),
    Command(
        "report",
        lambda p: [
            *("report", f"{p.given}/photos.ddz", "--test", f"{p.given}/photos/test"),
            *("--seeds", "2", "--epochs", "2", "--student", "convnet3", "--force"),
            *("-o", f"{p.folder}/out.html"),
        ],
        "out.html",
        _report,
        ("photos.ddz",),
    ),
)


def fresh(command: Command, place: Place) -> None:
    """Empty a trial's folder, but for a cache if the command finds one."""
    for path in place.folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    (place.folder / "tmp").mkdir()
    if command.warm:
        shutil.copytree(place.given / "cache", place.folder / "cache")
        (place.folder / "cache").chmod(0o700)
