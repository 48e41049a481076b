"""The page in a browser: what one clicks and types, and that it asks nobody else for anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ddcodec.artifact import open_artifact
from ddcodec.showing.embedded import write_page
from ddcodec.showing.server import PageServer
from ddcodec.showing.source import PageSource
from tests.artifacts import rewritten
from tests.showing.chromium import CHROMIUM, QUIET
from tests.showing.conftest import HOSTILE
from tools.conformance.vectors.maker import VECTORS

sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright: the extra browser")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium, or its path in $CHROMIUM")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield opened
        opened.close()


class Visit:
    """A page that is open, with what went wrong on it and whom it asked."""

    def __init__(self, browser: Any, url: str, width: int = 1280, scheme: str = "light") -> None:
        size = {"width": width, "height": 800}
        self._context = browser.new_context(viewport=size, color_scheme=scheme)
        self.page = self._context.new_page()
        self.asked: list[str] = []
        self.faults: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("dialog", lambda dialog: self.faults.append(dialog.message))
        self.page.on(
            "console",
            lambda said: self.faults.append(said.text) if said.type != "info" else None,
        )
        self.page.goto(url)
        self.page.wait_for_selector(".strip .picture, #notice:not([hidden])")

    def __enter__(self) -> Visit:
        return self

    def __exit__(self, *_: object) -> None:
        self._context.close()

    def calm(self) -> None:
        """Wait until no picture is on its way."""
        sync_api.expect(self.page.locator("img.waiting")).to_have_count(0)

    def focused(self) -> str:
        return str(
            self.page.evaluate("document.activeElement.ariaLabel ?? document.activeElement.id")
        )


@pytest.fixture(scope="module")
def url(shapes: Path) -> Iterator[str]:
    with open_artifact(shapes) as artifact, PageServer(PageSource(artifact)).running() as url:
        yield url


@pytest.fixture(scope="module")
def file_url(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    out = tmp_path_factory.mktemp("page") / "shapes.html"
    with open_artifact(shapes) as artifact:
        write_page(PageSource(artifact), out, ipc=3, views=2)
    return out.as_uri()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
@pytest.mark.parametrize("kind", ["url", "file_url"])
def test_a_visit_shows_pictures_views_and_bytes(
    browser: Any, kind: str, width: int, scheme: str, request: pytest.FixtureRequest
) -> None:
    place: str = request.getfixturevalue(kind)
    with Visit(browser, place, width, scheme) as visit:
        page = visit.page
        assert page.locator("#name").inner_text() == "shapes.ddz"
        sync_api.expect(page.locator(".line h3")).to_have_text(["blob", "cross", "stripes"])
        page.get_by_label("cross, slot 1", exact=True).click()
        sync_api.expect(page.locator("dialog")).to_be_visible()
        sync_api.expect(page.locator("dialog h2")).to_have_text("cross slot 1")
        sync_api.expect(page.locator(".views > li")).to_have_count(3 if kind == "url" else 2)
        assert page.locator(".views > li").first.locator(".label li").count() == 3
        visit.calm()
        assert page.evaluate("[...document.images].every((one) => one.naturalWidth > 0)")
        page.keyboard.press("Escape")
        page.locator(".parts").get_by_text("pictures", exact=True).click()
        assert "pictures, " in page.locator(".path").inner_text()
        page.locator(".path button").click()
        # Nothing is wider than the window.
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        home = place.rpartition("/")[0]
        assert all(asked.startswith((home, "data:")) for asked in visit.asked)
        assert visit.faults == []


def test_the_keyboard_goes_everywhere(browser: Any, url: str) -> None:
    with Visit(browser, url) as visit:
        page = visit.page
        page.get_by_label("blob, slot 0", exact=True).focus()
        for key, wanted in (
            ("ArrowRight", "blob, slot 1"),
            ("ArrowDown", "cross, slot 1"),
            ("End", "cross, slot 3"),
            ("ArrowRight", "cross, slot 3"),
            ("ArrowUp", "blob, slot 3"),
            ("Home", "blob, slot 0"),
        ):
            page.keyboard.press(key)
            assert visit.focused() == wanted, key
        page.keyboard.press("Enter")
        sync_api.expect(page.locator("dialog h2")).to_have_text("blob slot 0")
        page.keyboard.press("ArrowRight")
        sync_api.expect(page.locator("dialog h2")).to_have_text("blob slot 1")
        page.keyboard.press("Escape")
        sync_api.expect(page.locator("dialog")).to_be_hidden()
        sync_api.expect(page.get_by_label("blob, slot 1", exact=True)).to_be_focused()
        page.keyboard.press("/")
        assert page.evaluate("document.activeElement.id") == "search"
        assert visit.faults == []


def test_classes_are_found_by_name(browser: Any, url: str) -> None:
    with Visit(browser, url) as visit:
        page = visit.page
        page.keyboard.press("/")
        page.keyboard.type("STRI")
        sync_api.expect(page.locator(".line h3")).to_have_text(["stripes"])
        sync_api.expect(page.locator("#count")).to_have_text("1 of 3 classes")
        page.keyboard.type("xx")
        sync_api.expect(page.locator(".line")).to_have_count(0)
        sync_api.expect(page.locator("#count")).to_have_text("no class is called so")
        assert visit.faults == []


def test_a_partner_leads_to_its_picture(browser: Any, url: str, shapes: Path) -> None:
    with open_artifact(shapes) as artifact:
        source = PageSource(artifact)
        told = ((c, s, v) for c in range(3) for s in range(4) for v in source.views(c, s))
        c, slot, view = next((c, s, v) for c, s, v in told if v["partner"])
        name = artifact.classes[c]
    with Visit(browser, url) as visit:
        visit.page.get_by_label(f"{name}, slot {slot}", exact=True).click()
        visit.page.locator(".views > li").nth(view["view"]).locator("button.link").click()
        partner = view["partner"]
        wanted = f"{partner['name']} slot {partner['slot']}"
        sync_api.expect(visit.page.locator("dialog h2")).to_have_text(wanted)
        assert visit.faults == []


def test_an_address_with_a_picture_opens_it(browser: Any, url: str) -> None:
    with Visit(browser, f"{url}#2/3") as visit:
        sync_api.expect(visit.page.locator("dialog h2")).to_have_text("stripes slot 3")
    with Visit(browser, f"{url}#9/9") as visit:
        sync_api.expect(visit.page.locator("dialog .notice")).to_contain_text("no picture of class")


def test_stored_patches_stand_beside_the_picture(browser: Any, collage: Path) -> None:
    with open_artifact(collage) as artifact:
        server = PageServer(PageSource(artifact))
        with server.running() as url, Visit(browser, url) as visit:
            visit.page.get_by_label("blob, slot 0", exact=True).click()
            sync_api.expect(visit.page.locator(".patches img")).to_have_count(1)
            visit.calm()
            side = "document.querySelector('.patches img').naturalWidth"
            assert visit.page.evaluate(side) == 8
            assert visit.faults == []


@pytest.mark.parametrize("way", ["served", "file"])
def test_hostile_names_are_shown_as_text(
    browser: Any, hostile: Path, tmp_path: Path, way: str
) -> None:
    with open_artifact(hostile) as artifact:
        source = PageSource(artifact)
        write_page(source, tmp_path / "h.html")
        with PageServer(source).running() as served:
            place = served if way == "served" else (tmp_path / "h.html").as_uri()
            with Visit(browser, place) as visit:
                page = visit.page
                names = [HOSTILE[0], r"\u{202e}gpj.evil\u{2066}", HOSTILE[2]]
                sync_api.expect(page.locator(".line h3")).to_have_text(names)
                page.locator(".picture").nth(0).click()
                sync_api.expect(page.locator(".views > li")).to_have_count(3)
                page.keyboard.press("Escape")
                page.locator("#info summary").click()
                assert HOSTILE[0] in page.locator("#info dl").inner_text()
                assert "\u202e" not in page.evaluate("document.body.textContent")
                assert page.locator("img[src=x]").count() == 0
                assert visit.faults == []


def test_pictures_that_cannot_be_drawn_are_not_asked_for(browser: Any, tmp_path: Path) -> None:
    with open_artifact(VECTORS / "datasets" / "y_text2image.ddz") as artifact:
        head = artifact.head.to_map()
        elsewhere = {"source": "owner/name", "revision": "0" * 40, "digest": bytes(32)}
        head["prior"] = head["prior"] | elsewhere
        path = rewritten(artifact, tmp_path / "far.ddz", head)
    with open_artifact(path) as artifact:
        server = PageServer(PageSource(artifact))
        with server.running() as url, Visit(browser, url) as visit:
            visit.page.locator(".picture").first.click()
            sync_api.expect(visit.page.locator("dialog dd").first).not_to_be_empty()
            assert "owner/name" in visit.page.locator("#notice").inner_text()
            assert [one for one in visit.asked if one.endswith(".png")] == []
            assert visit.faults == []


def test_a_server_that_has_ended_is_told(browser: Any, shapes: Path) -> None:
    with open_artifact(shapes) as artifact:
        with PageServer(PageSource(artifact)).running() as url:
            visit = Visit(browser, url)
            visit.calm()
        with visit:
            visit.page.get_by_label("blob, slot 0", exact=True).click()
            sync_api.expect(visit.page.locator("dialog .notice")).to_contain_text("has ended")


def test_of_many_classes_only_those_in_sight_are_asked_for(browser: Any, shapes: Path) -> None:
    with open_artifact(shapes) as artifact:
        source = PageSource(artifact)
        summary = source.summary()
        many = [
            {**summary["classes"][n % 3], "class": n, "name": f"class {n}"} for n in range(1500)
        ]
        source.summary = lambda: {**summary, "classes": many}  # type: ignore[method-assign]
        with PageServer(source).running() as url, Visit(browser, url) as visit:
            page = visit.page
            asked = [one for one in visit.asked if "/picture/" in one]
            assert 4 <= len(asked) <= 100
            assert page.locator(".line").count() == 1000
            page.locator("#search").fill("class 1499")
            sync_api.expect(page.locator(".line h3")).to_have_text(["class 1499"])
            page.locator("#search").fill("")
            page.evaluate("document.querySelector('.line:last-child').scrollIntoView()")
            sync_api.expect(page.locator(".line")).to_have_count(1500)
