"""Opening, reading and verifying a file, and everything that can be wrong with where it lies."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ddcodec.container import Box, Limits, NewSection, Reader, write_container
from ddcodec.errors import (
    BadMagicError,
    ChecksumMismatchError,
    DecodeError,
    DigestMismatchError,
    LimitExceededError,
    TruncatedError,
    UnknownCodecError,
)


def test_a_file_says_what_is_in_it(path: Path) -> None:
    with Reader(path) as reader:
        assert reader.path == path
        assert reader.head == {"classes": ["cat", "dog"]}
        assert reader.info == {"tool": "tests"}
        assert reader.file_len == path.stat().st_size
        assert [s.label for s in reader.sections] == [
            "labels[0]",
            "pixels[1]",
            "seeds[2]",
            "labels[3]",
        ]
        labels, pixels, seeds, _ = reader.sections
        assert labels.box == Box(0, 2, 0, 1)
        assert labels.codec.params == {"classes": 2}
        assert (labels.critical, labels.safe_to_copy) == (True, False)
        assert (pixels.critical, pixels.safe_to_copy) == (False, True)
        assert labels.offset == 32 + reader.header_len
        assert pixels.offset == labels.offset + labels.stored_len
        assert reader.read_raw(labels) == b"slot zero " * 40
        assert reader.read_stored(seeds) == reader.read_raw(seeds) == bytes(range(16))


@pytest.mark.parametrize("level", ["structure", "crc", "digest"])
def test_a_good_file_verifies_at_every_level(path: Path, level: str) -> None:
    Reader(path).verify(level)


def test_verify_reports_progress_in_stored_bytes(path: Path) -> None:
    steps: list[int] = []
    reader = Reader(path)
    reader.verify("crc", steps.append)
    assert sum(steps) == reader.file_len - 32 - reader.header_len


def test_each_level_finds_its_damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    reader = Reader.from_bytes(bytes(data))
    reader.verify("structure")
    with pytest.raises(ChecksumMismatchError, match=r"\(section labels\[3\], byte \d+\)"):
        reader.verify("crc")
    last = reader.sections[-1]
    with pytest.raises(ChecksumMismatchError):
        reader.read_raw(last)


def test_an_altered_head_is_found_by_its_digest(path: Path) -> None:
    reader = Reader(path)
    reader.head["classes"].reverse()
    reader.verify("crc")
    with pytest.raises(DigestMismatchError, match="altered"):
        reader.verify("digest")


def test_bytes_and_paths_are_read_alike(path: Path) -> None:
    a, b = Reader(path), Reader.from_bytes(path.read_bytes())
    assert b.path is None
    assert a.sections == b.sections
    assert [a.read_raw(s) for s in a.sections] == [b.read_raw(s) for s in b.sections]


def test_a_reader_travels_to_a_worker(path: Path) -> None:
    reader = Reader(path)
    copy = pickle.loads(pickle.dumps(reader))
    assert copy.sections == reader.sections
    copy.verify("digest")


def test_a_closed_reader_opens_its_file_again(path: Path) -> None:
    reader = Reader(path)
    reader.close()
    reader.verify("digest")


def test_a_file_replaced_meanwhile_is_not_mixed_up(
    path: Path, tmp_path: Path, sections: list[NewSection]
) -> None:
    reader = Reader(path)
    other = [*sections[1:], NewSection("seeds", sections[2].codec, Box(), b"other!!!")]
    write_container(path, head={}, sections=other, overwrite=True)
    reader.verify("digest")  # still the old file: its handle is open
    reader.close()
    with pytest.raises(ChecksumMismatchError, match="was replaced"):
        reader.read_raw(reader.sections[0])


def test_a_file_cut_meanwhile_is_truncated(path: Path) -> None:
    reader = Reader(path)
    os.truncate(path, reader.file_len - 5)
    with pytest.raises(TruncatedError, match="became shorter"):
        reader.read_raw(reader.sections[-1])


def test_threads_share_a_reader(path: Path) -> None:
    reader = Reader(path)
    wanted = [reader.read_raw(s) for s in reader.sections]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(reader.read_raw, reader.sections * 50)) == wanted * 50


def test_unknown_critical_kinds_are_refused_and_ancillary_ones_skipped(path: Path) -> None:
    reader = Reader(path)
    reader.check_kinds(["labels", "seeds"])
    with pytest.raises(UnknownCodecError, match=r"kind 'seeds'.*upgrade.*seeds\[2\]"):
        reader.check_kinds(["labels"])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: None, "No such file.*check the path"),
        (lambda p: p.mkdir(), "not a regular file"),
        (os.mkfifo, "not a regular file"),
    ],
)
def test_paths_that_are_no_file(tmp_path: Path, make: Callable[[Path], None], message: str) -> None:
    make(tmp_path / "x.ddz")
    with pytest.raises(DecodeError, match=message):
        Reader(tmp_path / "x.ddz")


def test_a_path_with_a_null_byte(tmp_path: Path) -> None:
    with pytest.raises(DecodeError, match=r"null (byte|character)"):
        Reader(tmp_path / "a\0b")


def test_another_file_is_refused_and_its_handle_closed(tmp_path: Path) -> None:
    other = tmp_path / "a.pt"
    other.write_bytes(b"PK\x03\x04" + bytes(100))
    before = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
    for _ in range(20):
        with pytest.raises(BadMagicError, match=r"not a \.ddz file"):
            Reader(other)
    if before:
        assert len(os.listdir("/proc/self/fd")) <= before


@pytest.mark.parametrize(
    "name", ["header", "nodes", "depth", "sections", "section_raw", "total_raw"]
)
def test_every_limit_is_kept_and_named(path: Path, name: str) -> None:
    small = Limits(**{name: 1})
    with pytest.raises(LimitExceededError, match=rf"Limits\({name}="):
        Reader(path, limits=small)


def test_the_window_limit_is_kept_when_reading(path: Path) -> None:
    reader = Reader(path, limits=Limits(window=100))
    with pytest.raises(LimitExceededError, match=r"window of 400.*labels\[0\]"):
        reader.verify("digest")
