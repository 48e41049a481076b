"""A page that holds all it shows."""

from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import ddcodec
from ddcodec.artifact import Artifact, open_artifact
from ddcodec.errors import EncodeError, RequestError
from ddcodec.showing import embedded
from ddcodec.showing.embedded import write_page
from ddcodec.showing.source import PageSource


def held(page: str) -> dict[str, Any]:
    """The data of a page."""
    [text] = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    values: dict[str, Any] = json.loads(text)
    return values


def pixels(url: str) -> Any:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))))


def test_a_page_holds_pictures_and_views_as_they_are(artifact: Artifact, tmp_path: Path) -> None:
    written = write_page(PageSource(artifact), tmp_path / "a.html", ipc=2, views=2)
    page = written.path.read_text("utf-8")
    assert written.stored == len(page.encode())
    values, renderer = held(page), artifact.renderer()
    assert len(values["pictures"]) == 3 * 2
    told = values["pictures"]["1/1"]
    assert np.array_equal(pixels(told["picture"]), renderer.pictures([(1, 1)])[0])
    assert np.array_equal(pixels(told["views"][1]["picture"]), renderer.images([(1, 1)], 1)[0])
    assert told["views"][0]["picture"] is None  # the picture itself, once


def test_what_is_left_out_is_said(artifact: Artifact, tmp_path: Path) -> None:
    source = PageSource(artifact)
    whole = write_page(source, tmp_path / "whole.html")
    assert whole.left_out == "" and held(whole.path.read_text())["summary"]["left_out"] == ""
    part = write_page(source, tmp_path / "part.html", classes=["blob"], ipc=3, views=1)
    assert part.left_out == (
        "This page holds 1 of 3 classes, 3 of 4 pictures per class, 1 of 3 views per picture."
    )
    summary = held(part.path.read_text())["summary"]
    assert summary["left_out"] == part.left_out
    assert [(one["name"], one["pictures"]) for one in summary["classes"]] == [("blob", 3)]


def test_a_page_names_nothing_elsewhere_and_runs_its_own_script_alone(
    artifact: Artifact, tmp_path: Path
) -> None:
    page = write_page(PageSource(artifact), tmp_path / "a.html").path.read_text("utf-8")
    assert "http:" not in page and "https:" not in page
    assert set(re.findall(r'(?:src|href)="([^"]*)"', page)) == {"data:,"}
    [policy] = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)
    assert policy.startswith("default-src 'none'; script-src 'sha256-") and "unsafe" not in policy


def test_hostile_names_do_not_leave_the_data(hostile: Path, tmp_path: Path) -> None:
    with open_artifact(hostile) as artifact:
        page = write_page(PageSource(artifact), tmp_path / "h.html").path.read_text("utf-8")
    assert "<script>alert" not in page and "<img src=x" not in page and "\u202e" not in page
    assert page.count("</script>") == 2
    names = [one["name"] for one in held(page)["summary"]["classes"]]
    assert names[0] == "<script>alert(1)</script>"


def test_a_page_too_large_for_browsers_is_refused_before_it_is_made(
    artifact: Artifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "_MOST_BYTES", 5_000)
    with pytest.raises(RequestError, match=r"the page would have about .* take fewer classes"):
        write_page(PageSource(artifact), tmp_path / "a.html")
    assert list(tmp_path.iterdir()) == []


def test_a_page_is_bounded_by_what_has_to_be_drawn(
    artifact: Artifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """319 bytes, of pictures of one colour each, were minutes of drawing."""
    recipe, source = artifact.recipe, PageSource(artifact)
    shown = len(artifact.classes) * recipe.ipc * min(4, recipe.views)
    monkeypatch.setattr(embedded, "_MOST_VALUES", shown * recipe.width * recipe.height)
    write_page(source, tmp_path / "a.html")
    monkeypatch.setattr(embedded, "_MOST_VALUES", shown * recipe.width * recipe.height - 1)
    with pytest.raises(RequestError, match=r"the page would show [0-9,]+ pixels"):
        write_page(source, tmp_path / "b.html")
    monkeypatch.setattr(recipe.__class__, "width", 1)
    monkeypatch.setattr(recipe.__class__, "height", 1)
    monkeypatch.setattr(embedded, "_MOST_VALUES", shown)
    with pytest.raises(RequestError, match=r"the page would show [0-9,]+ probabilities"):
        write_page(source, tmp_path / "b.html")
    assert not (tmp_path / "b.html").exists()


def test_a_forecast_is_near_what_is_written(
    artifact: Artifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = PageSource(artifact)
    page = write_page(source, tmp_path / "a.html")
    pictures = len(json.dumps(held(page.path.read_text())["pictures"]))
    monkeypatch.setattr(embedded, "_MOST_BYTES", round(1.3 * pictures))
    write_page(source, tmp_path / "b.html")
    monkeypatch.setattr(embedded, "_MOST_BYTES", round(0.7 * pictures))
    with pytest.raises(RequestError):
        write_page(source, tmp_path / "c.html")


def test_a_page_that_is_there_is_replaced_on_request_alone(
    artifact: Artifact, tmp_path: Path
) -> None:
    out = tmp_path / "a.html"
    out.write_text("mine")
    with pytest.raises(EncodeError, match="exists"):
        write_page(PageSource(artifact), out)
    assert out.read_text() == "mine"
    write_page(PageSource(artifact), out, ipc=1, views=1, force=True)
    assert out.read_text().startswith("<!doctype html>")


def test_a_failure_leaves_nothing(tmp_path: Path, artifact: Artifact) -> None:
    def stop(what: str, done: int, total: int) -> None:
        if done == total // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_page(PageSource(artifact), tmp_path / "a.html", progress=stop)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("wrong", [{"ipc": 5}, {"views": 4}, {"classes": ["cat"]}, {"classes": []}])
def test_what_is_not_there_is_refused(
    artifact: Artifact, tmp_path: Path, wrong: dict[str, Any]
) -> None:
    with pytest.raises(RequestError):
        ddcodec.show(artifact, tmp_path / "a.html", **wrong)
    assert list(tmp_path.iterdir()) == []
