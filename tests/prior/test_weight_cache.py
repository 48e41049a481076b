"""Integer weights on disk: found again, never trusted, never half written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from ddcodec.files import cache_folder
from ddcodec.prior import weight_cache
from ddcodec.prior.weight_cache import NetworkWeights, cached_weights
from ddcodec.recipe.profiles import EXACT

FILES = {"net/config.json": "aa", "net/model.safetensors": "bb", "other/config.json": "cc"}


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.GroupNorm(2, 4), nn.Flatten(), nn.Linear(16, 5))


@pytest.fixture(autouse=True)
def own_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DDCODEC_CACHE", str(tmp_path))
    return tmp_path


class Counted:
    """A checkpoint that notes how often it is loaded."""

    def __init__(self, make: Callable[[], nn.Module] = network) -> None:
        self.make, self.loads = make, 0

    def __call__(self) -> nn.Module:
        self.loads += 1
        return self.make()


def ask(load: Counted, profile: str = "w8a15", files: dict[str, str] = FILES) -> NetworkWeights:
    return cached_weights("net", files, EXACT[profile], network(), load)


def same(a: NetworkWeights, b: NetworkWeights) -> bool:
    assert a.floats.keys() == b.floats.keys() and a.integers.keys() == b.integers.keys()
    return all(torch.equal(a.floats[n], b.floats[n]) for n in a.floats) and all(
        torch.equal(a.integers[n].values, b.integers[n].values)
        and torch.equal(a.integers[n].scale, b.integers[n].scale)
        for n in a.integers
    )


def entry() -> Path:
    (found,) = cache_folder("weights").iterdir()
    return found


@pytest.mark.parametrize("profile", list(EXACT))
def test_weights_are_derived_once(profile: str) -> None:
    load = Counted()
    first = ask(load, profile)
    again = ask(load, profile)
    assert load.loads == 1
    assert same(first, again)
    assert set(first.integers) == {"0.weight", "3.weight"}
    assert set(first.floats) == {"0.bias", "1.weight", "1.bias", "3.bias"}
    assert first.integers["0.weight"].values.dtype == (
        torch.int16 if profile == "w15a15" else torch.int8
    )


def test_activations_do_not_matter_to_an_entry_but_weights_and_files_do() -> None:
    load = Counted()
    ask(load)
    ask(load, "w8a8")
    ask(load, files={**FILES, "other/config.json": "dd"})
    assert load.loads == 1
    ask(load, "w15a15")
    ask(load, files={**FILES, "net/model.safetensors": "dd"})
    assert load.loads == 3
    assert len(list(cache_folder("weights").iterdir())) == 3


@pytest.mark.parametrize("damage", ["cut", "empty", "flipped", "garbage", "folder"])
def test_a_damaged_entry_is_derived_again(damage: str) -> None:
    load = Counted()
    first = ask(load)
    path = entry()
    data = bytearray(path.read_bytes())
    if damage == "flipped":
        data[-3] ^= 1
    path.unlink()
    if damage == "folder":
        path.mkdir()
    else:
        path.write_bytes(
            {"cut": data[:-9], "empty": b"", "garbage": b"{" * 99}.get(damage, bytes(data))
        )
    with pytest.warns(UserWarning, match="are damaged, or others than you"):
        assert same(ask(load), first)
    assert load.loads == 2
    assert same(ask(load), first)
    assert load.loads == 2


@pytest.mark.parametrize("change", ["more", "less", "another network's", "another's file"])
def test_an_entry_that_is_not_what_was_asked_for_is_not_used(change: str) -> None:
    load = Counted()
    first = ask(load)
    with safe_open(entry(), "pt") as file:
        record = dict(file.metadata())
    tensors = load_file(entry())
    if change == "more":
        tensors["f/0.bias"] = torch.zeros(5)
    elif change == "less":
        tensors.pop("s/3.weight")
    elif change == "another network's":
        record["key"] = "another"
    save_file(tensors, entry(), {**record, "sha256": weight_cache._checksum(tensors)})
    if change == "another's file":
        entry().chmod(0o666)
    with pytest.warns(UserWarning, match="derived again"):
        assert same(ask(load), first)
    assert load.loads == 2


def test_two_writers_at_once_leave_one_whole_entry() -> None:
    def interrupted() -> nn.Module:
        ask(Counted())  # another process is done first
        return network()

    load = Counted(interrupted)
    first = ask(load)
    assert entry().suffix == ".safetensors"
    assert same(ask(Counted(lambda: pytest.fail("loaded again"))), first)


def test_a_cache_that_cannot_be_written_costs_time_only(
    own_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = own_weights / "file"
    blocked.write_text("not a folder")
    monkeypatch.setenv("DDCODEC_CACHE", str(blocked))
    load = Counted()
    with pytest.warns(UserWarning, match="cannot be kept .* set DDCODEC_CACHE"):
        assert same(ask(load), ask(load))
    assert load.loads == 2


def test_a_stopped_write_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(weight_cache, "save", stopped)
    with pytest.raises(KeyboardInterrupt):
        ask(Counted())
    assert list(cache_folder("weights").iterdir()) == []
