"""Writing sorts, checks and is atomic: the path holds the whole new file, or what was there."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ddcodec.container import (
    Box,
    CodecSpec,
    CopiedSection,
    Limits,
    NewSection,
    Reader,
    write_container,
)
from ddcodec.container.deflate import inflate
from ddcodec.errors import ChecksumMismatchError, EncodeError, RequestError

HEAD = {"classes": ["cat", "dog"]}


def test_the_order_given_does_not_matter(tmp_path: Path, sections: list[NewSection]) -> None:
    a = write_container(tmp_path / "a.ddz", head=HEAD, sections=sections)
    b = write_container(tmp_path / "b.ddz", head=HEAD, sections=sections[::-1])
    assert a == b
    assert (tmp_path / "a.ddz").read_bytes() == (tmp_path / "b.ddz").read_bytes()


def test_slots_come_first_then_classes(tmp_path: Path) -> None:
    spec = CodecSpec("hard-labels", 1, "none")
    boxes = [Box(c, 1, s, 1) for c in range(2) for s in range(2)]
    write_container(
        tmp_path / "a.ddz", head={}, sections=[NewSection("labels", spec, b, b"x") for b in boxes]
    )
    order = [(s.box.slot_start, s.box.class_start) for s in Reader(tmp_path / "a.ddz").sections]
    assert order == [(0, 0), (0, 1), (1, 0), (1, 1)]


def test_codecs_are_stored_once_each(path: Path) -> None:
    reader = Reader(path)
    header = inflate(path.read_bytes()[32 : 32 + reader.header_len], Limits())
    assert header.count(b"soft-labels") == 1
    assert header.count(b"seed-list") == 1


def test_the_digest_is_of_the_content_alone(tmp_path: Path, sections: list[NewSection]) -> None:
    def digest(name: str, changed: list[NewSection], **more: Any) -> bytes:
        return write_container(tmp_path / name, **{"head": HEAD, "sections": changed, **more})

    first, rest = sections[0], sections[1:]
    uncompressed = replace(first, codec=replace(first.codec, compression="none"))
    same = digest("a", sections)
    assert Reader(tmp_path / "a").digest == same
    assert digest("b", [uncompressed, *rest], info={"tool": "other"}) == same
    assert digest("c", sections[:-1]) == same  # without the ancillary section
    others = [
        digest("d", sections, head={"classes": ["dog", "cat"]}),
        digest("e", [replace(first, raw=first.raw + b"!"), *rest]),
        digest("f", [replace(first, box=Box(0, 2, 2, 1)), *rest]),
        digest("g", [replace(first, codec=replace(first.codec, version=2)), *rest]),
        digest("h", [replace(first, codec=replace(first.codec, params={})), *rest]),
        digest("i", rest),
    ]
    assert len({same, *others}) == 7


def test_copied_sections_keep_their_stored_bytes(path: Path, tmp_path: Path) -> None:
    source = Reader(path)
    chosen = [s for s in source.sections if s.box.slot_start == 0]
    copies = [CopiedSection(source, s, s.box._replace(class_start=4)) for s in chosen]
    write_container(tmp_path / "b.ddz", head={}, sections=copies)
    result = Reader(tmp_path / "b.ddz")
    result.verify("digest")
    assert [s.box.class_start for s in result.sections] == [4, 4, 4]
    assert [s.flags for s in result.sections] == [s.flags for s in chosen]
    for old, new in zip(chosen, result.sections, strict=True):
        assert result.read_stored(new) == source.read_stored(old)


def test_a_file_may_be_rewritten_from_itself(path: Path) -> None:
    with Reader(path) as source:
        copies = [CopiedSection(source, s, s.box) for s in source.sections]
        before = source.digest
        assert write_container(path, head=source.head, sections=copies, overwrite=True) == before
    Reader(path).verify("digest")


def test_damage_in_a_source_is_not_copied(path: Path, tmp_path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    source = Reader.from_bytes(bytes(data))
    copies = [CopiedSection(source, s, s.box) for s in source.sections]
    with pytest.raises(ChecksumMismatchError, match=r"labels\[3\]"):
        write_container(tmp_path / "b.ddz", head={}, sections=copies)
    assert not (tmp_path / "b.ddz").exists()


def test_an_existing_path_is_kept_unless_told(path: Path, tmp_path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(RequestError, match="exists already"):
        write_container(path, head={}, sections=[])
    assert path.read_bytes() == before
    write_container(path, head={}, sections=[], overwrite=True)
    assert Reader(path).sections == ()
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    with pytest.raises(RequestError, match="exists already"):
        write_container(tmp_path / "dangling", head={}, sections=[])
    with pytest.raises(RequestError, match="is a folder"):
        write_container(tmp_path, head={}, sections=[], overwrite=True)


def test_a_path_that_appears_while_writing_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "a.ddz"
    monkeypatch.setattr(os, "fsync", lambda handle: target.write_bytes(b"somebody else's"))
    with pytest.raises(RequestError, match="exists already"):
        write_container(target, head={}, sections=[])
    assert target.read_bytes() == b"somebody else's"
    assert os.listdir(tmp_path) == ["a.ddz"]


def fail_with(error: BaseException) -> Callable[..., None]:
    def fail(*_: object) -> None:
        raise error

    return fail


@pytest.mark.parametrize("function", ["fsync", "replace"])
@pytest.mark.parametrize("existing", [False, True])
def test_a_full_disk_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str, existing: bool
) -> None:
    target = tmp_path / "a.ddz"
    if existing:
        target.write_bytes(b"old")
    error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with monkeypatch.context() as patch:
        patch.setattr(os, function, fail_with(error))
        with pytest.raises(EncodeError, match=r"No space left.*free space") as caught:
            write_container(target, head={}, sections=[], overwrite=True)
    assert caught.value.__cause__ is error
    assert os.listdir(tmp_path) == (["a.ddz"] if existing else [])
    assert not existing or target.read_bytes() == b"old"


def test_an_interrupt_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "replace", fail_with(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        write_container(tmp_path / "a.ddz", head={}, sections=[])
    assert os.listdir(tmp_path) == []


def test_the_file_is_synced_before_it_is_renamed_and_the_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    fsync, rename = os.fsync, os.replace

    def record_fsync(handle: int) -> None:
        calls.append("sync folder" if os.path.isdir(f"/proc/self/fd/{handle}") else "sync file")
        fsync(handle)

    def record_rename(source: Path, target: Path) -> None:
        calls.append("rename")
        rename(source, target)

    monkeypatch.setattr(os, "fsync", record_fsync)
    monkeypatch.setattr(os, "replace", record_rename)
    write_container(tmp_path / "a.ddz", head={}, sections=[])
    assert calls == ["sync file", "rename", "sync folder"]


def test_a_folder_that_cannot_be_synced_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsync, calls = os.fsync, 0

    def second_fails(handle: int) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise OSError(errno.EIO, "Input/output error")
        fsync(handle)

    monkeypatch.setattr(os, "fsync", second_fails)
    with pytest.raises(EncodeError, match="could not be synced"):
        write_container(tmp_path / "a.ddz", head={}, sections=[])


def test_a_planted_link_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    monkeypatch.setattr(secrets, "token_hex", lambda size: "guessed")
    (tmp_path / ".a.ddz.guessed.tmp").symlink_to(victim)
    with pytest.raises(EncodeError, match="File exists"):
        write_container(tmp_path / "a.ddz", head={}, sections=[])
    assert victim.read_bytes() == b"precious"


def test_the_mode_obeys_the_umask(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        write_container(tmp_path / "a.ddz", head={}, sections=[])
    finally:
        os.umask(old)
    assert (tmp_path / "a.ddz").stat().st_mode & 0o777 == 0o640


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(EncodeError, match=r"missing/a.ddz: No such file"):
        write_container(tmp_path / "missing" / "a.ddz", head={}, sections=[])


LABEL = NewSection("labels", CodecSpec("hard-labels", 1, "none"), Box(), b"x")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"head": {"step": 0.5}}, "write a ratio"),
        ({"info": {1: "x"}}, "strings as keys"),
        ({"sections": [LABEL, LABEL]}, "two sections of kind 'labels' cover the box"),
        ({"sections": [replace(LABEL, raw=b"")]}, "'labels' is empty"),
        ({"sections": [replace(LABEL, flags=1)]}, "must have flags 0"),
        ({"sections": [replace(LABEL, kind="Labels")]}, "cannot name a kind"),
        ({"sections": [replace(LABEL, box=Box(3, 0))]}, "undivided axis"),
        ({"sections": [replace(LABEL, codec=CodecSpec("x", 1, "lzma"))]}, "'none' or 'zstd'"),
        ({"sections": [replace(LABEL, codec=CodecSpec("x", 0, "none"))]}, "version 0"),
        ({"sections": [LABEL], "limits": Limits(sections=0)}, "more than the limit of 0"),
        (
            {
                "sections": [
                    replace(LABEL, kind="x-a", flags=1),
                    replace(LABEL, kind="x-a", box=Box(0, 1)),
                ]
            },
            "different flags",
        ),
    ],
)
def test_what_no_reader_would_read_is_not_written(
    tmp_path: Path, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises((EncodeError, RequestError), match=message):
        write_container(tmp_path / "a.ddz", **{"head": {}, "sections": [], **arguments})
    assert os.listdir(tmp_path) == []
