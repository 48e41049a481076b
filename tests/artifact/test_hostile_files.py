"""Whole files that make no sense: every public way to read them ends well, or in our errors."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest

import ddcodec
from ddcodec.artifact.verify import drift_message
from ddcodec.cli.app import run
from ddcodec.container import Box
from ddcodec.errors import DdcodecError, PayloadError
from tools.conformance.hostile import (
    MISFITS,
    ODD_INFO,
    head,
    mosaic,
    own_labels,
    plain,
    seeds,
    write,
)
from tools.conformance.walk import WAYS, walk


@pytest.mark.parametrize("name", MISFITS)
def test_no_way_to_read_a_misfit_ends_in_anything_but_our_errors(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    found = walk(MISFITS[name](tmp_path / "a.ddz"), folder)
    assert found.keys() == WAYS.keys()
    assert found["digest"] in ("payload", "header", "unknown-codec")
    # What cannot be read does not verify, and what is read is refused by the same code.
    assert found["pixels"] == found["digest"] or name in ("seeds-short",)
    assert {found[way] for way in WAYS} <= {"ok", found["digest"], "pixel-drift"}


@pytest.mark.parametrize("name", ODD_INFO)
def test_what_a_file_says_of_itself_bears_on_nothing(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    found = walk(ODD_INFO[name](tmp_path / "a.ddz"), folder)
    assert {way for way, end in found.items() if end != "ok"} == {"pixels"}
    assert found["pixels"] == "pixel-drift"  # it stores no digests of its pictures


@pytest.mark.parametrize(
    "name", ["patches-no-png", "labels-no-mode", "labels-beyond", "seeds-short"]
)
def test_the_levels_say_what_they_mean(name: str, tmp_path: Path) -> None:
    path = MISFITS[name](tmp_path / "a.ddz")
    ddcodec.verify(path, "structure")
    ddcodec.verify(path, "crc")
    with pytest.raises(PayloadError) as caught:
        ddcodec.verify(path, "digest")
    assert name.startswith(str(caught.value.section).partition("[")[0])
    assert run(["verify", str(path)]) == 3
    assert run(["verify", "--level", "crc", str(path)]) == 0


def test_levels_below_pixels_make_nothing_that_a_few_bytes_stand_for(tmp_path: Path) -> None:
    whole = Box(0, 1)
    sections = [seeds(whole), own_labels(whole), mosaic(Box(0, 1, 0, 1 << 20), 1)]
    path = write(tmp_path / "a.ddz", head(1, ipc=1 << 20), sections)
    tracemalloc.start()
    ddcodec.verify(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # The mosaic's pixels, 3 MiB, twice; the seeds would take 8 more, and the labels 4.
    assert peak < 8 << 20


@pytest.mark.parametrize("written", ["text", ["a", 5], 5, None, {}, {"torch": ["x"] * 1000}])
def test_drift_is_told_whatever_a_file_says_of_its_environment(written: object) -> None:
    text = drift_message(["a/0"], 1, ("float", "torch"), written, {"torch": "2"})
    assert "this is torch 2" in text and len(text) < 500


def test_a_walk_names_the_way_that_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(artifact: ddcodec.Artifact, folder: Path) -> None:
        raise KeyError("classes")

    path = write(tmp_path / "a.ddz", head(1), plain(1))
    monkeypatch.setattr("tools.conformance.walk.WAYS", {"careless": careless})
    with pytest.raises(KeyError) as caught:
        walk(path, tmp_path)
    assert not isinstance(caught.value, DdcodecError)
    assert caught.value.__notes__ == ["by way of careless"]
