"""What decoding would find, without fetching or opening anything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ddcodec.prior.load import load_prior
from ddcodec.prior.need import need_of
from ddcodec.prior.packaged import tiny_folder
from ddcodec.recipe.pin import PriorPin
from tests.hub_server import COMMIT, FakeHub, fake_hub


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeHub]:
    with fake_hub(tmp_path / "cache", monkeypatch) as hub:
        hub.hold(tiny_folder())
        yield hub


@pytest.fixture(scope="module")
def tiny() -> PriorPin:
    return load_prior("tiny").pin


def test_a_prior_that_is_here_is_where_it_is(tiny: PriorPin, tmp_path: Path) -> None:
    assert need_of(tiny).folder == tiny_folder()
    assert need_of(tiny, str(tiny_folder())).folder == tiny_folder()


def test_a_prior_of_the_hub_that_only_a_file_names_is_not_asked_for(
    tiny: PriorPin, hub: FakeHub
) -> None:
    pin = replace(tiny, source="owner/name", revision=COMMIT)
    need = need_of(pin)
    assert (need.folder, need.to_fetch) == (None, 0)
    assert need.problem is not None and f"prior='owner/name@{COMMIT}' to fetch it" in need.problem
    assert hub.asked == []


def test_on_the_users_word_its_bytes_are_told_and_none_is_fetched(
    tiny: PriorPin, hub: FakeHub
) -> None:
    need = need_of(replace(tiny, source="owner/name", revision=COMMIT), "owner/name")
    weights = [len(data) for name, data in hub.files.items() if name.endswith(".safetensors")]
    assert (need.to_fetch, need.problem) == (sum(weights), None)
    assert not [name for name in hub.fetched if name.endswith(".safetensors")]
