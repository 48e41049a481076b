"""``ddz show``."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.cli.conftest import Ddz
from tools.bench.file_server import file_server

# A job in the background, as these tests may be, ignores interrupts, and so would its children.
_RUN = (
    "import signal\n"
    "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    "from ddcodec.cli import main\n"
    "main()\n"
)


@contextmanager
def showing(*words: object) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command in a process of its own, and the URL it says."""
    command = [sys.executable, "-c", _RUN, "show", *map(str, words), "--no-browser"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        [url] = re.findall(r"http://127\.0\.0\.1:\d+/[\w-]{20,}/", line)
        yield process, url
    finally:
        process.kill()
        process.communicate()


def status(url: str) -> int:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=20)
    connection.request("GET", parts.path)
    found = connection.getresponse().status
    connection.close()
    return found


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 143)])
def test_a_page_is_served_until_a_signal(artifact: Path, number: signal.Signals, code: int) -> None:
    with showing(artifact) as (process, url):
        assert status(url) == 200 and status(f"{url}picture/0/0.png") == 200
        process.send_signal(number)
        _, said = process.communicate(timeout=30)
        assert process.returncode == code
        assert "Traceback" not in said


def test_a_file_is_written_and_what_it_leaves_out_is_said(
    ddz: Ddz, artifact: Path, tmp_path: Path
) -> None:
    out = tmp_path / "page.html"
    done = ddz("show", artifact, "--html", out, "--ipc", 1, "--classes", "blob,cross")
    assert done.code == 0
    assert re.fullmatch(
        rf"page: {out}, [\d.]+ kB\. This page holds 2 of 3 classes, 1 of 4 pictures per class\.\n",
        done.out,
    )
    assert out.read_text("utf-8").startswith("<!doctype html>")
    again = ddz("show", artifact, "--html", out)
    assert again.code == 2 and "--force" in again.err
    assert ddz("show", artifact, "--html", out, "--force").code == 0


def test_options_of_files_need_one(ddz: Ddz, artifact: Path) -> None:
    for words in (("--ipc", 1), ("--views", 1), ("--classes", "blob"), ("--force",)):
        done = ddz("show", artifact, *words)
        assert done.code == 2 and "give --html" in done.err


def test_a_file_that_is_no_artifact_is_named(ddz: Ddz, tmp_path: Path) -> None:
    path = tmp_path / "a.ddz"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    done = ddz("show", path, "--html", tmp_path / "a.html")
    assert done.code == 3 and "not a .ddz artifact" in done.err
    assert not (tmp_path / "a.html").exists()


def test_a_port_that_is_taken_is_a_request_that_fails(ddz: Ddz, artifact: Path) -> None:
    with showing(artifact) as (_, url):
        done = ddz("show", artifact, "--no-browser", "--port", urlsplit(url).port)
    assert done.code == 2 and "choose another one" in done.err


def test_an_artifact_behind_a_url_is_shown_too(ddz: Ddz, artifact: Path, tmp_path: Path) -> None:
    with file_server(artifact.read_bytes()) as served:
        assert ddz("show", served.url, "--html", tmp_path / "far.html").code == 0
    assert ddz("show", artifact, "--html", tmp_path / "near.html").code == 0
    far, near = ((tmp_path / name).read_text("utf-8") for name in ("far.html", "near.html"))
    assert far.replace('"name": "a.ddz"', '"name": "shapes.ddz"') == near


def test_no_address_that_only_the_file_names_is_asked(
    ddz: Ddz, generating: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.cli.test_names_from_files import pinned
    from tests.hub_server import COMMIT, fake_hub

    with fake_hub(tmp_path / "cache", monkeypatch) as hub:
        path = pinned(generating, tmp_path / "in.ddz", "owner/name", COMMIT)
        done = ddz("show", path, "--html", tmp_path / "a.html")
        assert done.code != 0 and "on this machine" in done.err
        assert hub.asked == [] and not (tmp_path / "a.html").exists()
