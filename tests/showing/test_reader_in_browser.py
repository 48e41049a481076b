"""The JavaScript reader in a browser, whose own decoder gives the pixels of WebP and AVIF."""

from __future__ import annotations

import functools
import json
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.showing.chromium import CHROMIUM, QUIET

sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright: the extra browser")

ROOT = Path(__file__).resolve().parents[2]
VECTORS = ROOT / "spec" / "vectors"
# Chromium shows what is left of a frame that is cut; sums of sections and the digest find such.
LEFT_TO_BROWSERS = {"cut"}

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium, or its path in $CHROMIUM")


class Handler(SimpleHTTPRequestHandler):
    """Files of this checkout, without a line for each request."""

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def page() -> Iterator[Any]:
    """A page of a server of this checkout, which has asked nobody else and met no error."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(ROOT)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    origin = f"http://127.0.0.1:{server.server_port}"
    complaints: list[str] = []
    with sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        page = browser.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda r: r.url.startswith(origin) or complaints.append(r.url))
        page.goto(f"{origin}/spec/")
        page.evaluate(
            "async () => { window.reader = await import('/tests/showing/reader/page.mjs') }"
        )
        yield page
        browser.close()
    server.shutdown()
    server.server_close()
    assert complaints == []


def vectors(name: str, part: str) -> list[Any]:
    """A list of the vectors in a folder."""
    found: list[Any] = json.loads((VECTORS / name / "vectors.json").read_text())[part]
    return found


@pytest.mark.parametrize("artifact", vectors("datasets", "artifacts"), ids=lambda a: a["file"])
def test_images_are_those_of_the_specification(page: Any, artifact: dict[str, Any]) -> None:
    expected = [None if artifact["prior"] else row[3] for row in artifact["rows"]]
    rows = [row[:3] for row in artifact["rows"]]
    url = f"/spec/vectors/datasets/{artifact['file']}"
    assert page.evaluate("([url, rows]) => reader.images(url, rows)", [url, rows]) == expected


def test_mosaics_are_those_of_the_specification_or_refused(page: Any) -> None:
    lossy = ("mosaic-webp", "mosaic-avif")
    cases = [one for one in vectors("codecs", "sections") if one["codec"] in lossy]
    assert len(cases) > 30
    for case in cases:
        if case["codec"] == "mosaic-avif" and case["what"] in LEFT_TO_BROWSERS:
            continue
        said = page.evaluate("(section) => reader.patches(section)", case)
        assert said == case.get("error", case.get("array")), f"{case['codec']}: {case['what']}"


def test_chroma_is_enlarged_as_the_specification_says(page: Any) -> None:
    for case in vectors("codecs", "vp8"):
        shape = [1, case["height"], case["width"], 3]
        params = {"height": case["height"], "width": case["width"]}
        section = {"codec": "mosaic-webp", "version": 1, "params": params, "shape": shape}
        said = page.evaluate("(s) => reader.patches(s)", {**section, "raw": case["file"]})
        rows = [bytes(value for pixel in row for value in pixel).hex() for row in said[0]]
        assert "".join(rows) == "".join(case["pixels"])
