"""The hub's own library against a server on this machine: what is fetched, told, kept, refused."""

from __future__ import annotations

import errno
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import pytest
from huggingface_hub import constants

from ddcodec import hub
from ddcodec.errors import DecodeError, RequestError
from tests.hub_server import COMMIT, FakeHub, fake_hub


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    with fake_hub(tmp_path / "cache", monkeypatch) as server:
        server.files = {"a.json": b"{}", "b.bin": bytes(3_000_000), "more/c.bin": b"c"}
        server.card = {"license": "other", "license_name": "openrail++"}
        yield server


def test_a_repository_is_looked_up_without_a_file(server: FakeHub) -> None:
    found = hub.look_up("owner/name", "v1")
    assert (found.commit, found.licence) == (COMMIT, "openrail++")
    assert dict(found.files) == {"a.json": 2, "b.bin": 3_000_000, "more/c.bin": 1}
    assert server.fetched == []


def test_only_what_is_asked_for_is_fetched_and_only_once(server: FakeHub) -> None:
    told: list[tuple[str, int, int]] = []
    found = hub.look_up("owner/name", None)
    folder = hub.fetch(found, ["a.json", "b.bin"], lambda *step: told.append(step))
    assert server.fetched == ["a.json", "b.bin"]
    assert folder is not None and (folder / "b.bin").stat().st_size == 3_000_000
    # It is said before it is begun, and it grows to the end.
    assert told[0] == ("fetching 3 MB of owner/name (MB)", 0, 4)
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)
    assert told[-1][1:] == (4, 4)
    told.clear()
    assert hub.fetch(found, ["a.json", "b.bin"], lambda *step: told.append(step)) == folder
    assert (server.fetched, told) == (["a.json", "b.bin"], [])
    assert found.missing(found.files) == {"more/c.bin": 1}


def test_the_cache_answers_by_every_name_that_was_asked_for(server: FakeHub) -> None:
    assert hub.cached_folder("owner/name", "v1", "a.json") is None
    folder = hub.fetch(hub.look_up("owner/name", "v1"), ["a.json", "more/c.bin"])
    server.asked.clear()
    for revision in ("v1", COMMIT):
        assert hub.cached_folder("owner/name", revision, "a.json") == folder
        assert hub.cached_folder("owner/name", revision, "more/c.bin") == folder
    assert hub.cached_folder("owner/name", "main", "a.json") is None
    assert folder is not None
    assert hub.cached_names("owner/name", folder) == {"a.json", "b.bin", "more/c.bin"}
    assert server.asked == []


def test_a_file_that_was_cut_is_fetched_again_and_whole_ones_are_kept(
    server: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)  # the library tries five times
    server.broken = {"b.bin"}
    found = hub.look_up("owner/name", None)
    with pytest.raises(DecodeError, match=r"cannot be fetched.*files that are whole are kept"):
        hub.fetch(found, ["a.json", "b.bin"])
    server.broken = set()
    assert found.missing(["a.json", "b.bin"]) == {"b.bin": 3_000_000}
    server.asked.clear()
    hub.fetch(found, ["a.json", "b.bin"])
    assert server.fetched == ["b.bin"]
    assert not found.missing(["a.json", "b.bin"])


def test_what_does_not_fit_the_disk_is_refused_before_it_is_begun(
    server: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = hub.look_up("owner/name", None)
    free = SimpleNamespace(free=10_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: free)
    with pytest.raises(
        DecodeError, match=r"needs 3 MB in .*, where 10 MB are free; .*HF_HUB_CACHE"
    ):
        hub.fetch(found, ["b.bin"])
    assert server.fetched == []


@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, "No space left on device"), RuntimeError("io: No space left on device")],
    ids=["python", "rust"],
)
def test_a_disk_that_fills_meanwhile_is_told_from_a_network_that_goes(
    server: FakeHub, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fill(*_args: object, **_more: object) -> str:
        raise error

    found = hub.look_up("owner/name", None)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", fill)
    with pytest.raises(DecodeError, match=r"the disk is full.*free some space") as refused:
        hub.fetch(found, ["b.bin"])
    assert not isinstance(refused.value, hub.HubUnreachableError)


@pytest.mark.parametrize(
    ("name", "revision", "says"),
    [
        ("owner/other", None, "no folder and no hub repository 'owner/other'"),
        ("owner/name", "v2", "owner/name has no revision 'v2'"),
        ("owner/na..me", None, "is no name of a hub repository"),
    ],
)
def test_what_is_not_there_is_told(
    server: FakeHub, name: str, revision: str | None, says: str
) -> None:
    with pytest.raises(RequestError, match=says):
        hub.look_up(name, revision)


def test_a_gated_repository_asks_for_a_login(server: FakeHub) -> None:
    server.gated = True
    found = hub.look_up("owner/name", None)
    with pytest.raises(DecodeError, match=r"asks for a login to read owner/name; .*hf auth login"):
        hub.fetch(found, ["a.json"])


def test_without_a_network_the_hub_is_out_of_reach(
    server: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = hub.look_up("owner/name", None)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(hub.HubUnreachableError, match="owner/name cannot be fetched"):
        hub.look_up("owner/name", None)
    with pytest.raises(hub.HubUnreachableError, match="try again with a network"):
        hub.fetch(found, ["a.json"])


def test_switched_off_it_is_out_of_reach_too(
    server: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(hub.HubUnreachableError):
        hub.look_up("owner/name", None)
    assert server.asked == []
