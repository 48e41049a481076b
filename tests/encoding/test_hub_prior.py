"""Encoding with a prior of the hub: said beforehand, fetched once, pinned by its commit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants

import ddcodec
from ddcodec.cli.app import run
from ddcodec.prior.load import load_prior
from ddcodec.prior.packaged import tiny_folder
from tests.artifacts import encode_small
from tests.hub_server import COMMIT, FakeHub, fake_hub

QUICK: dict[str, Any] = {
    "method": "d3m",
    "options": {"steps": 2, "batch": 6, "images": 6, "sampling_steps": 1},
    "prior": "owner/name@v1",
    "ipc": 1,
    "views": 1,
}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeHub]:
    with fake_hub(tmp_path / "cache", monkeypatch) as hub:
        hub.hold(tiny_folder())
        yield hub


def test_a_dry_run_says_how_much_and_fetches_no_weights(
    hub: FakeHub, image_folder: Path, tmp_path: Path
) -> None:
    would = ddcodec.encode(image_folder, tmp_path / "a.ddz", dry_run=True, labels="hard", **QUICK)
    (name, size), *rest = would.to_fetch.items()
    assert (name, rest) == (f"owner/name@{COMMIT}", [])
    assert 52_000_000 < size < 53_000_000
    assert "prompts" not in would.expected
    assert not [name for name in hub.fetched if name.endswith(".safetensors")]


def test_the_command_line_says_it_too(
    hub: FakeHub, image_folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ["--method", "d3m", "--labels", "hard", "--prior", "owner/name", "--dry-run"]
    assert run(["encode", str(image_folder), *words, "-o", str(tmp_path / "a.ddz")]) == 0
    said = capfd.readouterr().out
    assert f"and what owner/name@{COMMIT} decides, of which 53 MB would be fetched first" in said


def test_it_is_fetched_once_and_pinned_by_its_commit(
    hub: FakeHub,
    image_folder: Path,
    teacher_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[str] = []
    made = encode_small(
        image_folder,
        tmp_path / "a.ddz",
        teacher=teacher_folder,
        progress=lambda what, *_: told.append(what),
        **QUICK,
    )
    pin = made.head.prior
    assert pin is not None and (pin.source, pin.revision) == ("owner/name", COMMIT)
    assert pin.digest == load_prior("tiny").pin.digest
    assert "fetching 53 MB of owner/name (MB)" in told
    assert len(hub.fetched) == len({*hub.fetched})
    # What an artifact names is found in the cache, and nobody is asked.
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    hub.asked.clear()
    assert made.verify("pixels") == 3
    assert hub.asked == []
