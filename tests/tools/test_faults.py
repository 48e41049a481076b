"""A short form of ``python -m tools.conformance.faults``: that it holds, and that it can fail."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path

import pytest

from tools.conformance.faults.commands import Child, Command, Place
from tools.conformance.faults.trials import Fault, full_disk, kill, reference
from tools.processes import run_module


def test_commands_withstand_faults() -> None:
    said = run_module(
        "tools.conformance.faults",
        *("--count", "1", "--commands", "encode random,encode rded,subset"),
        environment={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert "15 of 15 trials held" in said


@pytest.fixture
def place(tmp_path: Path) -> Place:
    for name in ("given", "trial"):
        (tmp_path / name).mkdir()
    return Place(tmp_path / "given", tmp_path / "trial")


def test_a_result_that_is_written_in_place_is_found_out(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def in_place(words: list[str]) -> int:
        with open(words[0], "wb", buffering=0) as file:
            for _ in range(100):
                file.write(b"1" * 1000)
        return 0

    monkeypatch.setattr("tools.conformance.faults.commands.run", in_place)
    command = Command(
        "in place",
        lambda p: [f"{p.folder}/out.ddz"],
        "out.ddz",
        lambda path: str(len(path.read_bytes())),
    )
    known = reference(command, place)
    assert known.value == "100000"
    with pytest.raises(Fault, match=r"a wrong result|a traceback"):
        for number in range(9):
            full_disk(command, place, known, random.Random(number))


def test_a_child_that_dies_is_told_from_one_that_ends(place: Place) -> None:
    child = Child(["methods"], place, prepare=lambda: os.kill(os.getpid(), signal.SIGKILL))
    assert child.end()[0] == -signal.SIGKILL
    code, said = Child(["methods"], place).end()
    assert code == 0 and said.startswith("coreset ")


def test_what_is_left_behind_is_found_out(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def untidy(words: list[str]) -> int:
        folder = Path(words[0]).parent
        (folder / ".out.ddz.01234567.tmp").touch()
        (folder / "out.ddz").write_bytes(b"right")
        return 0

    monkeypatch.setattr("tools.conformance.faults.commands.run", untidy)
    command = Command(
        "untidy", lambda p: [f"{p.folder}/out.ddz"], "out.ddz", lambda p: p.read_text()
    )
    known = reference(command, place)
    with pytest.raises(Fault, match="left behind"):
        kill(command, place, known, random.Random(0))
