"""A look at an artifact in one call."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from urllib.request import urlopen

import pytest

import ddcodec
from ddcodec.showing import show


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody presses Ctrl-C as soon as the page is served."""

    class Interrupted:
        def wait(self) -> None:
            raise KeyboardInterrupt

    monkeypatch.setattr(show, "Event", Interrupted)


@pytest.mark.usefixtures("interrupted")
def test_the_browser_opens_the_page_that_is_said(
    shapes: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pages: dict[str, bytes] = {}

    def visit(url: str) -> bool:
        pages[url] = urlopen(url).read()
        return True

    monkeypatch.setattr(webbrowser, "open", visit)
    assert ddcodec.show(shapes) is None
    [(url, page)] = pages.items()
    assert capsys.readouterr().out == f"shapes.ddz: {url} (Ctrl-C ends it)\n"
    assert page.startswith(b"<!doctype html>")


@pytest.mark.usefixtures("interrupted")
def test_without_a_browser_the_url_is_left_to_the_reader(
    shapes: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(webbrowser, "open", lambda url: False)
    ddcodec.show(shapes.read_bytes())
    assert "no browser was found on this machine" in capsys.readouterr().out


def test_a_file_is_written_in_place_of_serving(shapes: Path, tmp_path: Path) -> None:
    page = ddcodec.show(shapes, tmp_path / "a.html", views=1)
    assert page is not None and page.path == tmp_path / "a.html"
    assert page.left_out == "This page holds 1 of 3 views per picture."
