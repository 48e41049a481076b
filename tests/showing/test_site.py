"""The page as a site for any web server, in a browser: files that are chosen, dropped and named."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import ddcodec
from ddcodec.errors import RequestError
from ddcodec.showing.page_files import write_site
from tests.artifacts import encode_small
from tests.showing.chromium import CHROMIUM, QUIET
from tests.showing.conftest import HOSTILE

sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright: the extra browser")

GENERATED = Path(__file__).resolve().parents[2] / "spec/vectors/datasets/y_text2image.ddz"
DROP = """
async ([url, name]) => {
  const held = new DataTransfer();
  held.items.add(new File([await (await fetch(url)).blob()], name));
  document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: held, bubbles: true }));
}
"""

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium, or its path in $CHROMIUM")


class Site(NamedTuple):
    """A site in its folder, the page that shows it, and what was asked of its server."""

    folder: Path
    url: str
    page: Any
    asked: list[str]


@pytest.fixture(scope="module")
def site(image_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Complains where anything leaves the site or is said on the console."""
    folder = tmp_path_factory.mktemp("site") / "site"
    write_site(folder)
    encode_small(
        image_folder / "train", folder / "small.ddz", view="crop+flip+cutmix", patch_codec="avif"
    ).close()
    (folder / "none.ddz").write_bytes(b"no such file")
    asked: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            asked.append(f"{self.command} {self.path}")

    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Handler, directory=str(folder))
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/index.html"
    complaints: list[str] = []
    with sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        page = browser.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.on("console", lambda said: complaints.append(said.text))
        local = (url.removesuffix("index.html"), "blob:", "data:")
        page.on("request", lambda r: r.url.startswith(local) or complaints.append(r.url))
        yield Site(folder, url, page, asked)
        browser.close()
    server.shutdown()
    server.server_close()
    assert complaints == []


def shows_the_artifact(page: Any) -> None:
    """The classes of the small artifact, and pictures that have come."""
    page.wait_for_selector(".line img:not(.waiting)")
    assert page.locator(".line h3 bdi").all_inner_texts() == ["blob", "cross", "stripes"]
    page.wait_for_selector(".line img.waiting", state="detached")
    sizes = "(images) => Promise.all(images.map((i) => i.decode().then(() => i.naturalWidth)))"
    assert set(page.locator(".line img").evaluate_all(sizes)) == {16}


def test_a_chosen_file_is_shown_and_sent_nowhere(site: Site) -> None:
    site.page.goto(site.url)
    site.asked.clear()
    site.page.set_input_files("input[type=file]", site.folder / "small.ddz")
    shows_the_artifact(site.page)
    assert site.asked == ["GET /header_dictionary.bin"]


def test_a_picture_opens_with_its_views_labels_and_partners(site: Site) -> None:
    site.page.goto(f"{site.url}?file=small.ddz")
    shows_the_artifact(site.page)
    site.page.locator(".line .picture").nth(2).click()
    site.page.wait_for_selector(".views li:nth-child(3) .label")
    assert site.page.locator(".views img.failed").count() == 0
    assert "% is" in site.page.locator(".views").inner_text()


def test_a_dropped_file_takes_the_place_of_what_is_shown(site: Site) -> None:
    site.page.goto(site.url)
    for _ in range(2):
        site.page.evaluate(DROP, ["small.ddz", "dropped.ddz"])
        shows_the_artifact(site.page)
        assert site.page.title().startswith("dropped.ddz")
        assert site.page.locator("input[type=search]").count() == 1


def test_what_is_no_artifact_is_refused_and_another_may_be_chosen(site: Site) -> None:
    site.page.goto(site.url)
    site.page.set_input_files("input[type=file]", site.folder / "none.ddz")
    site.page.wait_for_selector("#notice:not([hidden])")
    assert site.page.inner_text("#notice") == "This is not a .ddz file."
    assert not site.page.is_visible("main")
    site.page.set_input_files("input[type=file]", site.folder / "small.ddz")
    shows_the_artifact(site.page)


def test_hostile_names_are_text(site: Site, hostile: Path) -> None:
    site.page.goto(site.url)
    site.page.set_input_files("input[type=file]", hostile)
    site.page.wait_for_selector(".line img:not(.waiting)")
    names = site.page.locator(".line h3 bdi").all_inner_texts()
    assert names[0] == HOSTILE[0] and names[1].startswith("\\u{202e}gpj")


def test_what_a_prior_draws_is_left_out_and_the_page_says_so(site: Site) -> None:
    site.page.goto(site.url)
    site.page.set_input_files("input[type=file]", GENERATED)
    site.page.wait_for_selector(".line img")
    assert "drawn by a prior" in site.page.inner_text("#notice")


def test_a_site_is_whole_and_replaces_nothing(tmp_path: Path) -> None:
    write_site(tmp_path / "site")
    names = {path.relative_to(tmp_path / "site").as_posix() for path in tmp_path.rglob("*")}
    assert {"index.html", "base.css", "header_dictionary.bin", "reader/container/zstd.js"} <= names
    with pytest.raises(RequestError, match="exists: choose a new folder"):
        write_site(tmp_path / "site")


def test_a_site_shows_the_artifact_that_is_in_it(site: Site) -> None:
    made = site.folder / "with"
    with ddcodec.open(site.folder / "small.ddz") as artifact:
        write_site(made, artifact)
    assert (made / "shown.ddz").read_bytes() == (site.folder / "small.ddz").read_bytes()
    site.page.goto(site.url.replace("index.html", "with/index.html"))
    site.page.wait_for_selector(".line img:not(.waiting)")
    assert site.page.locator(".line h3 bdi").all_inner_texts() == ["blob", "cross", "stripes"]
