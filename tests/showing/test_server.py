"""The server of a page: who is answered, and with what."""

from __future__ import annotations

import http.client
import io
import json
import socket
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from time import sleep
from typing import NamedTuple
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image

from ddcodec.arrays import Row
from ddcodec.artifact import open_artifact
from ddcodec.errors import RequestError
from ddcodec.showing.page_files import page_files
from ddcodec.showing.server import PageServer
from ddcodec.showing.source import PageSource
from tests.showing.conftest import HOSTILE


class Answer(NamedTuple):
    """Of a request."""

    status: int
    headers: dict[str, str]
    body: bytes


class Asker:
    """Sends requests as they are given, below the token or not."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None and parts.port is not None
        self.host, self.port, self.token = parts.hostname, parts.port, parts.path.strip("/")

    def __call__(
        self, path: str, *, token: str | None = None, host: str | None = None, method: str = "GET"
    ) -> Answer:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=20)
        connection.putrequest(method, f"/{self.token if token is None else token}{path}", True)
        connection.putheader("Host", f"{self.host}:{self.port}" if host is None else host)
        connection.endheaders()
        answer = connection.getresponse()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        found = Answer(answer.status, headers, answer.read())
        connection.close()
        return found


@pytest.fixture(scope="module")
def ask(shapes: Path) -> Iterator[Asker]:
    with open_artifact(shapes) as artifact, PageServer(PageSource(artifact)).running() as url:
        yield Asker(url)


def test_the_page_and_its_files_are_served(ask: Asker) -> None:
    for name in ("", *page_files()):
        answer = ask(f"/{name}")
        assert answer.status == 200 and len(answer.body) > 200
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]
    assert ask("/app.js").headers["content-type"].startswith("text/javascript")


def test_pictures_are_those_that_a_decoder_makes(ask: Asker, shapes: Path) -> None:
    with open_artifact(shapes) as artifact:
        renderer = artifact.renderer()
        for path, wanted in (
            ("/picture/1/2.png", renderer.pictures([(1, 2)])[0]),
            ("/views/1/2/2.png", renderer.images([(1, 2)], 2)[0]),
        ):
            answer = ask(path)
            assert answer.headers["content-type"] == "image/png"
            assert np.array_equal(np.asarray(Image.open(io.BytesIO(answer.body))), wanted)


def test_values_are_those_of_the_source(ask: Asker, shapes: Path) -> None:
    with open_artifact(shapes) as artifact:
        source = PageSource(artifact)
        assert json.loads(ask("/summary.json").body) == source.summary()
        assert json.loads(ask("/picture/2/3.json").body) == source.picture(2, 3)
        told = json.loads(ask("/views/2/3.json?first=1&count=1").body)
        assert told == source.views(2, 3, 1, 1)


def test_stored_patches_are_served(collage: Path) -> None:
    with open_artifact(collage) as artifact:
        with PageServer(PageSource(artifact)).running() as url:
            body = Asker(url)("/stored/0/0/0.png").body
        assert Image.open(io.BytesIO(body)).size == (8, 8)


@pytest.mark.parametrize("token", ["", "x", "..", "%2e%2e", "\u00ff".encode().hex()])
def test_without_the_token_nothing_is_answered(ask: Asker, token: str) -> None:
    for path in ("/", "/summary.json", "/picture/0/0.png", "/app.js"):
        answer = ask(path, token=token)
        assert answer.status == 403 and b"blob" not in answer.body
    assert ask("", token=ask.token[:-1] + "!").status == 403


@pytest.mark.parametrize("host", ["example.org", "127.0.0.1", "127.0.0.1.example.org", ""])
def test_a_request_for_another_host_is_refused(ask: Asker, host: str) -> None:
    answer = ask("/summary.json", host=host)
    assert answer.status == 421 and b"blob" not in answer.body


@pytest.mark.parametrize(
    "path",
    [
        "/../../../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/..%2fserver.py",
        "//etc/passwd",
        "/server.py",
        "/reader/../../source.py",
        "/picture/0/0.gif",
        "/picture/9/0.png",
        "/picture/-1/0.png",
        "/picture/99999999999999999999999/0.png",
        "/views/0/0/3.png",
        "/views/0/0.json?first=x",
        "/views/0/0.json?count=100000",
        "/stored/0/0/0.png",
    ],
)
def test_a_path_that_is_nothing_of_the_artifact_is_not_there(ask: Asker, path: str) -> None:
    answer = ask(path)
    assert answer.status == 404, answer
    assert b"root:" not in answer.body


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_nothing_can_be_sent(ask: Asker, method: str) -> None:
    assert ask("/summary.json", method=method).status == 405


def test_pictures_that_are_waited_for_are_drawn_together(
    shapes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_artifact(shapes) as artifact:
        source, drawn = PageSource(artifact), list[int]()
        monkeypatch.setattr(PageSource, "generated", True)
        begun, go_on = Event(), Event()

        def draw(rows: Sequence[Row]) -> None:
            drawn.append(len(rows))
            begun.set()
            go_on.wait(20)

        monkeypatch.setattr(source, "draw", draw)
        with PageServer(source).running() as url, ThreadPoolExecutor(6) as asking:
            ask = Asker(url)
            first = asking.submit(ask, "/picture/0/0.png")
            begun.wait(20)
            rest = [asking.submit(ask, f"/picture/1/{slot}.png") for slot in range(4)]
            assert ask("/summary.json").status == 200  # not behind what is drawn
            sleep(0.3)  # the four have come in by now
            go_on.set()
            assert {one.result().status for one in (first, *rest)} == {200}
    assert drawn == [1, 4]


def test_an_error_of_the_file_is_told(tmp_path: Path, shapes: Path) -> None:
    with open_artifact(shapes) as artifact:
        section = artifact.table.sections("patches")[0]
    damaged = bytearray(shapes.read_bytes())
    damaged[section.offset + 5] ^= 255
    path = tmp_path / "damaged.ddz"
    path.write_bytes(damaged)
    with open_artifact(path) as artifact, PageServer(PageSource(artifact)).running() as url:
        answer = Asker(url)("/picture/0/0.png")
    assert answer.status == 500 and b"checksum" in answer.body


def test_only_this_machine_can_connect(ask: Asker) -> None:
    others = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None)}
    for address in others - {"127.0.0.1"}:
        with pytest.raises(OSError):
            socket.create_connection((str(address), ask.port), timeout=2).close()
    assert ask.host == "127.0.0.1"


def test_hostile_names_are_values_of_json_alone(hostile: Path) -> None:
    with open_artifact(hostile) as artifact, PageServer(PageSource(artifact)).running() as url:
        ask = Asker(url)
        assert b"<script>alert" not in ask("/").body
        answer = ask("/summary.json")
    assert answer.headers["content-type"] == "application/json"
    assert [one["name"] for one in json.loads(answer.body)["classes"]] == list(HOSTILE)


def test_a_port_that_is_taken_is_refused(ask: Asker, shapes: Path) -> None:
    with open_artifact(shapes) as artifact, pytest.raises(RequestError, match="cannot be listened"):
        PageServer(PageSource(artifact), ask.port)


def test_it_ends_with_its_block(shapes: Path) -> None:
    with open_artifact(shapes) as artifact:
        with PageServer(PageSource(artifact)).running() as url:
            ask = Asker(url)
            assert ask("/").status == 200
        with pytest.raises(ConnectionError):
            ask("/")
