"""Files that appear whole, folders that one process holds, caches that forget."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ddcodec.errors import EncodeError
from ddcodec.files import ByteCache, cache_folder, locked, read_json, whole_folder, write_whole


def test_the_cache_is_in_the_users_own_folder_unless_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DDCODEC_CACHE", str(tmp_path))
    assert cache_folder("teachers") == tmp_path / "teachers"
    monkeypatch.delenv("DDCODEC_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache_folder("priors").is_relative_to(tmp_path)
    assert cache_folder("priors").parts[-2:] == ("ddcodec", "priors")


def _refuses(_: str) -> Path:
    raise RuntimeError("could not determine the home directory for '~/.cache'")


@pytest.mark.parametrize("without_home", [lambda _: Path("~/.cache/ddcodec"), _refuses])
def test_a_process_without_a_home_still_has_a_cache(
    without_home: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Older versions of platformdirs return a path with a "~", newer ones raise."""
    monkeypatch.delenv("DDCODEC_CACHE")
    monkeypatch.setattr("ddcodec.files.user_cache_path", without_home)
    assert cache_folder("priors").is_absolute()


@pytest.mark.parametrize("content", ["", "{", "[]", "7", "[" * 10_000, '{"a":' * 10_000])
def test_json_that_is_no_object_is_one_kind_of_error(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.json").write_text('{"a": 1}')
    assert read_json(tmp_path / "a.json") == {"a": 1}
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(ValueError):
        read_json(tmp_path / "a.json")


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    target = tmp_path / "file"
    write_whole(target, b"first")
    write_whole(target, (part for part in (b"sec", b"ond")))
    assert target.read_bytes() == b"second"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("stop", [OSError, KeyboardInterrupt])
def test_what_is_stopped_leaves_the_old_file(tmp_path: Path, stop: type[BaseException]) -> None:
    target = tmp_path / "file"
    target.write_bytes(b"old")

    def parts() -> Any:
        yield b"new"
        raise stop

    def refused() -> None:
        raise stop

    with pytest.raises(stop):
        write_whole(target, parts())
    with pytest.raises(stop):
        write_whole(target, b"new", before=refused)
    assert target.read_bytes() == b"old" and list(tmp_path.iterdir()) == [target]


def test_a_folder_that_cannot_be_synced_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsync, calls = os.fsync, []

    def second_fails(handle: int) -> None:
        calls.append(handle)
        if len(calls) == 2:
            raise OSError(5, "Input/output error")
        fsync(handle)

    monkeypatch.setattr(os, "fsync", second_fails)
    with pytest.raises(EncodeError, match="the file is written, but its folder"):
        write_whole(tmp_path / "file", b"new")


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_modes_are_what_the_umask_allows(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        write_whole(tmp_path / "file", b"")
        with whole_folder(tmp_path / "folder") as folder:
            (folder / "inside").write_text("")
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o666 & ~umask
    assert (tmp_path / "folder").stat().st_mode & 0o777 == 0o777 & ~umask


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "folder"
    with pytest.raises(KeyboardInterrupt), whole_folder(target) as folder:
        (folder / "half").write_text("")
        raise KeyboardInterrupt
    assert list((tmp_path / "deep").iterdir()) == []
    with whole_folder(target) as folder:
        assert not target.exists()
        (folder / "file").write_text("whole")
    assert (target / "file").read_text() == "whole"
    with pytest.raises(OSError), whole_folder(target) as folder:
        (folder / "file").write_text("another")
    assert (target / "file").read_text() == "whole"


def hold(folder: Path, held: Any, seconds: float) -> None:
    with locked(folder, remove=True):
        held.set()
        time.sleep(seconds)


def test_a_held_folder_is_refused_or_waited_for(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    held, folder = context.Event(), tmp_path / "folder"
    other = context.Process(target=hold, args=(folder, held, 0.5))
    other.start()
    assert held.wait(20)
    with pytest.raises(EncodeError, match="another process is at work"), locked(folder):
        pass
    waited: list[bool] = []
    with locked(folder, wait=lambda: waited.append(True), remove=True):
        assert folder.is_dir() and waited == [True]
    other.join()
    assert not folder.exists() and other.exitcode == 0


def test_a_lock_leaves_what_others_put_there(tmp_path: Path) -> None:
    with locked(tmp_path / "folder", remove=True):
        (tmp_path / "folder" / "mine").write_text("")
    assert [p.name for p in (tmp_path / "folder").iterdir()] == ["mine"]


def test_a_cache_forgets_what_was_used_least_recently() -> None:
    cache: ByteCache[str, bytes] = ByteCache(4, len)
    for name in ("aa", "bb"):
        cache.put(name, name.encode())
    assert cache.get("aa", lambda: b"made again") == b"aa"
    cache.put("cc", b"cc")
    assert [cache.peek(name) for name in ("aa", "bb", "cc")] == [b"aa", None, b"cc"]


def test_a_value_larger_than_the_cache_is_kept_alone() -> None:
    cache: ByteCache[str, bytes] = ByteCache(4, len)
    cache.put("a", b"a")
    cache.put("large", b"larger than four")
    assert (cache.peek("a"), cache.peek("large")) == (None, b"larger than four")
    cache.put("b", b"b")
    assert (cache.peek("b"), cache.peek("large")) == (b"b", None)


def test_threads_share_a_cache_that_turns_over() -> None:
    cache: ByteCache[int, bytes] = ByteCache(40, len)
    wrong: list[object] = []

    def read() -> None:
        for i in range(2_000):
            found = cache.get(i % 9, lambda i=i: bytes([i % 9]) * 10)  # type: ignore[misc]
            if found != bytes([i % 9]) * 10:
                wrong.append(found)

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
