"""Files behind URLs: few requests, no byte too many, and errors that say what to do."""

from __future__ import annotations

import multiprocessing
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest

from ddcodec.container import Box, NewSection, Reader, write_container
from ddcodec.container.remote import RemoteBlob, without_secrets
from ddcodec.errors import (
    ChecksumMismatchError,
    DecodeError,
    MissingArtifactError,
    MissingDependencyError,
)
from tests.container.conftest import HEAD, SEEDS
from tools.bench.file_server import FileServer, file_server

KIB = 1 << 10


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ddcodec.container.remote._PAUSES", (0.0, 0.0))


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A file of 64 sections of 20 kB, which no compression makes smaller."""
    path = tmp_path_factory.mktemp("large") / "large.ddz"
    noise = np.random.default_rng(0)
    sections = [NewSection("seeds", SEEDS, Box(c, 1), noise.bytes(20_000)) for c in range(64)]
    write_container(path, head=HEAD, sections=sections)
    return path.read_bytes()


@pytest.fixture
def server(large: bytes) -> Iterator[FileServer]:
    with file_server(large) as served:
        yield served


def test_a_small_file_takes_one_request(path: Path) -> None:
    with file_server(path.read_bytes()) as served:
        with Reader(served.url) as reader:
            reader.verify("digest")
        assert reader.path is None
        assert reader.name == served.url
        assert served.asked == [(0, len(served.data) - 1)]


def test_a_long_header_takes_two_requests(tmp_path: Path) -> None:
    path, noise = tmp_path / "long.ddz", np.random.default_rng(0).bytes(90_000).hex()
    write_container(path, head={"noise": noise}, sections=[])
    assert path.stat().st_size > 64 * KIB
    with file_server(path.read_bytes()) as served, Reader(served.url) as reader:
        assert reader.head == {"noise": noise}
        assert len(served.asked) == 2


def test_of_a_section_that_is_asked_for_no_byte_too_many_is_read(server: FileServer) -> None:
    with Reader(server.url) as reader:
        for number in (40, 7, 61):
            section = reader.sections[number]
            reader.read_raw(section)
            assert server.asked[-1] == (section.offset, section.offset + section.stored_len - 1)


def test_reading_in_order_takes_ever_longer_parts(server: FileServer) -> None:
    with Reader(server.url) as reader:
        reader.verify("digest")
    lengths = [last - first + 1 for span in server.asked if span for first, last in [span]]
    assert len(lengths) <= 7, "64 sections"
    assert max(lengths) > 8 * 64 * KIB
    assert sum(lengths) <= 1.1 * len(server.data)


def test_of_a_server_without_ranges_the_file_is_fetched_once(
    server: FileServer, large: bytes
) -> None:
    server.ranges = False
    told: list[tuple[str, int, int]] = []
    blob = RemoteBlob(server.url, lambda *what: told.append(what))
    assert blob.read_at(70_000, 5) == large[70_000:70_005]
    assert blob.read_at(len(large) - 5, 5) == large[-5:]
    assert server.asked.count(None) == 1, "the whole file, once"
    assert told[-1] == (f"fetching {server.url}, MB", 1, 1)
    with Reader(server.url) as reader:
        reader.verify("digest")


def test_a_server_that_does_not_say_how_long_a_file_is(server: FileServer, large: bytes) -> None:
    server.says_size = server.ranges = False
    with Reader(server.url) as reader:
        assert reader.file_len == len(large)
        reader.verify("digest")


@pytest.mark.parametrize("ranges", [True, False])
def test_an_answer_that_breaks_off_is_asked_for_again(server: FileServer, ranges: bool) -> None:
    server.ranges = ranges
    with Reader(server.url) as reader:
        server.breaks = 2
        reader.verify("digest")
        assert server.breaks == 0


@pytest.mark.parametrize("ranges", [True, False])
def test_a_server_that_always_breaks_off_is_named(server: FileServer, ranges: bool) -> None:
    server.ranges, server.breaks = ranges, 1000
    with pytest.raises(DecodeError, match=f"{server.url} cannot be read .*try again"):
        Reader(server.url).verify("digest")
    assert len(server.asked) <= 6


def test_what_is_not_there_is_said(server: FileServer) -> None:
    with pytest.raises(MissingArtifactError, match=r"there is no http.*/other\.ddz; check the URL"):
        Reader(server.url.replace("a.ddz", "other.ddz"))
    with pytest.raises(MissingArtifactError, match=r"there is no memory://nothing\.ddz"):
        Reader("memory://nothing.ddz")
    with pytest.raises(DecodeError, match=r"cannot be read .*no-such"):
        Reader("no-such://example/a.ddz")
    with pytest.raises(DecodeError, match=r"http://127\.0\.0\.1:1/a\.ddz cannot be read"):
        Reader("http://127.0.0.1:1/a.ddz")


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "aiohttp", None)
    with pytest.raises(MissingDependencyError, match=r"aiohttp.*pip install 'ddcodec\[remote\]'"):
        Reader("https://127.0.0.1:1/a.ddz")


def test_keys_in_a_url_are_not_shown(server: FileServer) -> None:
    secret = server.url.replace("http://", "http://me:pass@") + "?key=secret"
    with Reader(secret) as reader:
        assert reader.name == server.url
    with pytest.raises(MissingArtifactError) as caught:
        Reader(secret.replace("a.ddz", "b.ddz"))
    assert "secret" not in str(caught.value) and "pass" not in str(caught.value)
    server.refuses = 403
    with pytest.raises(DecodeError, match=r"cannot be read .*403") as caught:
        Reader(secret)
    assert "secret" not in str(caught.value) and "pass" not in str(caught.value)
    assert without_secrets("filecache::s3://k:s@bucket/a?x=1") == "filecache::s3://bucket/a"


def test_a_file_that_was_replaced_meanwhile_is_not_mixed_up(
    server: FileServer, tmp_path: Path
) -> None:
    with Reader(server.url) as reader:
        other = NewSection("seeds", SEEDS, Box(), bytes(len(server.data)))
        write_container(tmp_path / "other.ddz", head=HEAD, sections=[other])
        server.data = (tmp_path / "other.ddz").read_bytes()
        with pytest.raises(ChecksumMismatchError, match="was replaced since it was opened"):
            reader.read_raw(reader.sections[30])


def test_damage_is_told_from_replacement(server: FileServer) -> None:
    with Reader(server.url) as reader:
        at = reader.sections[30].offset
        server.data = server.data[:at] + b"?" + server.data[at + 1 :]
        with pytest.raises(ChecksumMismatchError, match="differ from their checksum"):
            reader.read_raw(reader.sections[30])


def test_a_remote_reader_travels_to_a_worker(server: FileServer) -> None:
    with Reader(server.url) as reader:
        pickle.loads(pickle.dumps(reader)).verify("digest")


@pytest.mark.parametrize("ranges", [True, False])
def test_a_process_that_is_forked_reads_for_itself(server: FileServer, ranges: bool) -> None:
    server.ranges = ranges
    with Reader(server.url) as reader:
        wanted = [reader.read_raw(reader.sections[n]) for n in (9, 50)]
        fork = multiprocessing.get_context("fork")
        receive, send = fork.Pipe(duplex=False)
        worker = fork.Process(target=_read, args=(reader, send))
        worker.start()
        assert receive.recv() == wanted
        worker.join()
        assert [reader.read_raw(reader.sections[n]) for n in (9, 50)] == wanted


def _read(reader: Reader, out: multiprocessing.connection.Connection) -> None:
    out.send([reader.read_raw(reader.sections[n]) for n in (9, 50)])


def test_any_file_system_will_do(large: bytes, tmp_path: Path) -> None:
    with fsspec.open("memory://large.ddz", "wb") as out:
        out.write(large)
    with Reader("memory://large.ddz") as reader:
        reader.verify("digest")
    with Reader("simplecache::memory://large.ddz") as reader:
        reader.verify("digest")


def test_bytes_and_open_files_are_read_too(path: Path) -> None:
    for data in (path.read_bytes(), bytearray(path.read_bytes()), memoryview(path.read_bytes())):
        with Reader(data) as reader:
            reader.verify("digest")
            assert (reader.path, reader.name) == (None, "a file in memory")
    with path.open("rb") as file, Reader(file) as reader:
        reader.verify("digest")
        assert reader.name == str(path)
        with pytest.raises(TypeError, match="open it by its path"):
            pickle.dumps(reader)


def test_the_header_reader_of_the_documentation_reads_it(server: FileServer) -> None:
    root = Path(__file__).parents[2]
    page = (root / "docs" / "remote.md").read_text(encoding="utf-8")
    code = page.partition("<!-- run -->\n```python\n")[2].partition("```")[0]
    found: dict[str, Any] = {}
    exec(code, found)
    dictionary = (root / "ddcodec" / "container" / "header_dictionary.bin").read_bytes()
    assert found["header"](server.url, dictionary)["head"] == HEAD
    assert len(server.asked) == 2


def test_a_url_that_is_none_is_refused() -> None:
    with pytest.raises(DecodeError, match=r"there is no http://\[x/a\.ddz; check the URL"):
        Reader("http://[x/a.ddz")
