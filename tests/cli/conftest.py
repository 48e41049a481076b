"""Running ``ddz`` in this process, and one small artifact to run it on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from ddcodec.cli.app import run
from tests.artifacts import generated


@dataclass(frozen=True)
class Ran:
    """Exit code, stdout and stderr of one command line."""

    code: int
    out: str
    err: str


Ddz = Callable[..., Ran]


@pytest.fixture
def ddz(capfd: pytest.CaptureFixture[str]) -> Ddz:
    """``ddz("inspect", path)`` as a user would type it."""

    def call(*arguments: object) -> Ran:
        capfd.readouterr()
        code = run([str(argument) for argument in arguments])
        captured = capfd.readouterr()
        return Ran(code, captured.out, captured.err)

    return call


@pytest.fixture(scope="session")
def artifact(image_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes x 4 images x 2 views with hard labels; encoded without a teacher."""
    path = tmp_path_factory.mktemp("artifact") / "shapes.ddz"
    words = ["encode", image_folder, "--method", "random", "--labels", "hard", "--ipc", 4]
    assert run([str(w) for w in [*words, "--views", 2, "-o", path]]) == 0
    return path


@pytest.fixture(scope="session")
def generating(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes x 3 images x 2 views of the packaged prior, in the default profile."""
    path = tmp_path_factory.mktemp("generating") / "drawn.ddz"
    generated(path).close()
    return path
