"""Files that appear whole, and what is left of those that do not; folders held by one process."""

from __future__ import annotations

import contextlib
import errno
import json
import multiprocessing
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ddcodec.errors import EncodeError, RequestError
from ddcodec.files import (
    cache_folder,
    ensure_working_folder,
    locked,
    opened_cache,
    private,
    read_json,
    remove_leftovers,
    scratch_folder,
    whole,
    whole_folder,
    write_text,
    write_whole,
)


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
    monkeypatch.setattr("ddcodec.files.cache.user_cache_path", without_home)
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


def test_a_folder_is_replaced_once_the_new_one_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    with whole_folder(target) as folder:
        (folder / "first").write_text("1")
    with pytest.raises(KeyboardInterrupt), whole_folder(target, replace=True) as folder:
        raise KeyboardInterrupt
    assert [p.name for p in target.iterdir()] == ["first"]
    with whole_folder(target, replace=True) as folder:
        (folder / "second").write_text("2")
    assert [p.name for p in target.iterdir()] == ["second"]
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_that_cannot_be_replaced_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "folder"
    with whole_folder(target) as folder:
        (folder / "first").write_text("1")
    rename = Path.rename

    def refused(path: Path, to: Path) -> Path:
        if to == target and (path / "second").exists():
            raise OSError(errno.EACCES, "no", str(to))
        return rename(path, to)

    monkeypatch.setattr(Path, "rename", refused)
    with pytest.raises(OSError), whole_folder(target, replace=True) as folder:
        (folder / "second").write_text("2")
    assert [p.name for p in target.iterdir()] == ["first"]
    assert list(tmp_path.iterdir()) == [target]


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


@pytest.mark.parametrize("kind", ["device", "pipe", "socket", "folder", "link to a device"])
def test_only_files_are_replaced(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "out"
    if kind == "device":
        path = Path("/dev/null")
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as server, contextlib.chdir(tmp_path):
            server.bind("out")
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/null")
    before = path.lstat()
    with pytest.raises(RequestError, match=f"is a {kind.split()[-1]}, which no file may replace"):
        write_whole(path, b"new")
    assert (path.lstat().st_mode, path.lstat().st_ino) == (before.st_mode, before.st_ino)


def test_a_link_to_a_file_or_to_nothing_is_replaced(tmp_path: Path) -> None:
    path, other = tmp_path / "out", tmp_path / "other"
    path.symlink_to(other)
    write_whole(path, b"new")
    assert path.read_bytes() == b"new" and not other.exists()


def test_leftovers_of_killed_processes_are_removed(tmp_path: Path) -> None:
    names = [".a.png.0123abcd.tmp", ".b.png.0123abcd.tmp", ".a.png.tmp", "a.png.0123abcd.tmp"]
    for name in names:
        (tmp_path / name).write_bytes(b"half")
    remove_leftovers(tmp_path, "a.png")
    assert {p.name for p in tmp_path.iterdir()} == {*names[1:]}
    remove_leftovers(tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {*names[2:]}


def test_what_is_still_written_is_no_leftover(tmp_path: Path) -> None:
    def parts() -> Iterator[bytes]:
        remove_leftovers(tmp_path)
        assert len(list(tmp_path.iterdir())) == 1
        yield b"whole"

    write_whole(tmp_path / "file", parts())
    assert (tmp_path / "file").read_bytes() == b"whole"


def test_leftover_folders_of_killed_processes_are_removed(tmp_path: Path) -> None:
    left = tmp_path / ".teacher.0123abcd.tmp"
    (left / "deep").mkdir(parents=True)
    (left / "deep" / "half").write_text("")
    with whole_folder(tmp_path / "teacher") as folder:
        remove_leftovers(tmp_path, "teacher")
        (folder / "file").write_text("whole")
    assert [p.name for p in tmp_path.iterdir()] == ["teacher"]
    assert (tmp_path / "teacher" / "file").read_text() == "whole"


def test_a_folder_that_a_killed_process_was_replacing_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was called as leftovers are, which the next run removes."""
    path = tmp_path / "export"
    path.mkdir()
    (path / "file").write_text("old")
    rename = Path.rename

    def killed(self: Path, target: Path) -> Path:
        if target == path:
            raise SystemError("killed between the two renames")
        return rename(self, target)

    with monkeypatch.context() as patched, pytest.raises(SystemError):
        patched.setattr(Path, "rename", killed)
        with whole_folder(path, replace=True) as folder:
            (folder / "file").write_text("new")
    assert not path.exists()
    remove_leftovers(tmp_path)
    with pytest.raises(FileExistsError, match="it is back"), whole_folder(path):
        pass
    assert (path / "file").read_text() == "old"
    with whole_folder(path, replace=True) as folder:
        (folder / "file").write_text("new")
    assert [p.name for p in tmp_path.iterdir()] == ["export"]
    assert (path / "file").read_text() == "new"


def test_temporary_folders_of_killed_processes_are_removed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    script = (
        "import os, signal\n"
        "from ddcodec.files import scratch_folder\n"
        "with scratch_folder() as folder:\n"
        "    (folder / 'half').touch()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", script]).returncode == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    with scratch_folder() as ours, scratch_folder() as other:
        assert not left.exists()
        assert {p.name for p in tmp_path.iterdir()} == {ours.name, other.name}
        assert ours.stat().st_mode & 0o777 == 0o700
    assert not any(tmp_path.iterdir())


def test_temporary_folders_are_made_in_one_place() -> None:
    """Others would be left by killed processes for ever."""
    makers = re.compile(r"\b(TemporaryDirectory|NamedTemporaryFile|mkdtemp|mkstemp)\(")
    package = Path(whole.__file__).parents[1]
    found = [p.name for p in package.rglob("*.py") if makers.search(p.read_text())]
    assert found == ["whole.py"], "only an example of it"


def test_a_process_whose_folder_is_gone_stands_in_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers did not start there: loky asks where this process stands."""
    monkeypatch.chdir(tmp_path)
    ensure_working_folder()
    assert Path.cwd() == tmp_path, "it stands well"
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    ensure_working_folder()
    assert Path.cwd() in (Path("/proc"), Path("/"))


def test_the_cache_is_for_one_user_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DDCODEC_CACHE", str(tmp_path / "deep" / "cache"))
    folder = opened_cache("teachers")
    assert [p.stat().st_mode & 0o777 for p in (folder, folder.parent)] == [0o700, 0o700]
    folder.chmod(0o777)  # as older versions, or other programs, have made it
    left = folder / ".entry.0123abcd.tmp"
    left.touch()
    assert opened_cache("teachers").stat().st_mode & 0o777 == 0o700
    assert not left.exists()
    (folder / "entry").touch(0o600)
    assert private(folder / "entry")
    (folder / "entry").chmod(0o620)
    assert not private(folder / "entry")


def test_the_cache_of_another_user_is_not_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DDCODEC_CACHE", str(tmp_path))
    folder = opened_cache("teachers")
    (folder / "entry").touch(0o600)
    monkeypatch.setattr(os, "getuid", lambda: folder.stat().st_uid + 1)
    with pytest.raises(PermissionError, match="belongs to another user"):
        opened_cache("teachers")
    # What the administrator has written is as good as the system itself.
    assert private(folder / "entry") == (folder.stat().st_uid == 0)


def test_a_cache_among_temporary_folders_is_ones_own_from_the_top(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whoever makes it first could link the caches in it to any folder of the victim."""
    monkeypatch.delenv("DDCODEC_CACHE")
    monkeypatch.setattr("ddcodec.files.cache.user_cache_path", _refuses)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    folder = opened_cache("teachers")
    assert folder.parent.parent == tmp_path / "tmp"
    folder.parent.rename(tmp_path / "elsewhere")
    folder.parent.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PermissionError, match="belongs to another user"):
        opened_cache("teachers")


def test_a_disk_without_locks_is_used_all_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def no_locks(*_: object, **__: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("filelock.FileLock.acquire", no_locks)
    with pytest.warns(UserWarning, match="knows no locks"), locked(tmp_path / "a", remove=True):
        assert (tmp_path / "a").is_dir()


def test_a_file_that_is_taken_for_a_leftover_is_begun_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process cleans up between the making of a file and its locking."""
    lock, cleaned = whole.lock, list[int]()

    def late(handle: int) -> None:
        if not cleaned:
            cleaned.append(handle)
            remove_leftovers(tmp_path)
        lock(handle)

    monkeypatch.setattr(whole, "lock", late)
    write_whole(tmp_path / "file", b"whole")
    assert cleaned and [p.name for p in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_bytes() == b"whole"


def test_a_text_removes_what_a_killed_process_left_of_it(tmp_path: Path) -> None:
    (tmp_path / ".a.html.0123abcd.tmp").write_text("half")
    (tmp_path / ".b.html.0123abcd.tmp").write_text("of another")
    write_text(tmp_path / "a.html", "whole")
    assert sorted(p.name for p in tmp_path.iterdir()) == [".b.html.0123abcd.tmp", "a.html"]


def test_a_text_about_a_path_that_is_no_text_is_written(tmp_path: Path) -> None:
    write_text(tmp_path / "a.json", '{"path": "b\udcff"}')
    assert (tmp_path / "a.json").read_bytes() == b'{"path": "b\\udcff"}'
    assert json.loads((tmp_path / "a.json").read_text()) == {"path": "b\udcff"}


def test_a_text_that_cannot_be_written_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(EncodeError, match=r"cannot write .*a\.html \(No such file"):
        write_text(tmp_path / "none" / "a.html", "text")


def test_a_folder_that_another_process_wrote_meanwhile_is_left_and_named(tmp_path: Path) -> None:
    target = tmp_path / "site"
    said = "another process has written it"
    with pytest.raises(FileExistsError, match=said), whole_folder(target) as folder:
        (folder / "mine").touch()
        target.mkdir()
        (target / "theirs").touch()
    assert [p.relative_to(tmp_path) for p in tmp_path.rglob("*")] == [
        Path("site"),
        Path("site/theirs"),
    ]
