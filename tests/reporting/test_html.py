"""The page: who reads it with a keyboard, on a telephone, or on paper; what its title says."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import pytest

import ddcodec
from ddcodec.reporting import Report
from ddcodec.reporting.ablation import Ablated, Ablation, Variant
from ddcodec.reporting.collect import sheet_of
from ddcodec.reporting.html import page
from ddcodec.reporting.published import published_for
from ddcodec.templates import base_style
from tests.reporting.figures import evaluation

OWN_STYLE = files("ddcodec.reporting").joinpath("templates/style.css")
STYLE = base_style() + OWN_STYLE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def report(artifact_path: Path) -> Report:
    with ddcodec.open(artifact_path) as artifact:
        sheet = sheet_of(artifact)
    counted = replace(
        evaluation("three.ddz", 0.5, 0.6), class_names=("a", "b"), confusion=((8, 2), (4, 6))
    )
    rival = evaluation("random real pictures, hard labels, same IPC (3)", 0.4, role="baseline")
    return Report((counted, rival), (sheet,))


class Tables(HTMLParser):
    """Collects the attributes of some tags, and which tables have a caption."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, list[dict[str, str | None]]] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.setdefault(tag, []).append(dict(attrs))


def test_every_table_has_a_caption_and_every_heading_a_scope(report: Report) -> None:
    parser = Tables()
    parser.feed(page(report))
    assert len(parser.found["table"]) == len(parser.found["caption"]) == 5
    assert all(th.get("scope") in ("row", "col") for th in parser.found["th"])


def test_the_keyboard_reaches_what_scrolls(report: Report) -> None:
    parser = Tables()
    parser.feed(page(report))
    regions = [div for div in parser.found["div"] if div.get("class") == "scroll"]
    assert regions
    for region in regions:
        assert region["role"] == "region" and region["tabindex"] == "0" and region["aria-label"]


def test_drawings_and_pictures_are_told_in_words(report: Report) -> None:
    parser = Tables()
    parser.feed(page(report))
    plots = [svg for svg in parser.found["svg"] if svg.get("aria-hidden") != "true"]
    assert len(plots) == 2
    assert all("three: 20.0 kB, 55.0 ± 7.1 %" in str(svg["aria-label"]) for svg in plots)
    assert all(image["alt"] for image in parser.found["img"])


def test_baselines_say_which_labels_they_have(report: Report) -> None:
    html = page(report)
    assert "random, hard labels, same IPC (3), 40.0</text>" in html
    assert '<th scope="row">random real pictures, hard labels, same IPC (3)' in html


def test_published_figures_have_both_accountings_and_are_not_compared(report: Report) -> None:
    published, _ = published_for("cifar10", [], [])
    html = page(replace(report, published=published))
    assert "For orientation, and not for a direct comparison" in html
    row = html[html.index(">MTT<") :]
    assert row.index(">123 kB<") < row.index(">30.7 kB<") < row.index("</tbody>")
    assert "hard labels; bytes: pixels as float32; labels not counted" in row
    assert 'class="dot published"' in html
    assert "Published figures" not in page(report)


def test_what_the_parts_bought_is_on_the_page(report: Report) -> None:
    whole, found = evaluation("a.ddz", 0.6, file_len=20_000), evaluation("b", 0.5, file_len=12_000)
    part = Ablated.of(Variant("soft labels", "hard labels", Path()), whole, found)
    html = page(replace(report, ablations=(Ablation("a.ddz", whole, (part,)),)))
    assert "What the parts bought" in html
    assert '<span style="width: 40.0%"></span></span>8,000 B' in html
    assert '<span style="width: 100.0%"></span></span>+10.0' in html


def test_the_table_says_how_many_pictures_were_shown_and_what_is_on_the_front(
    report: Report,
) -> None:
    first = replace(evaluation("a.ddz", 0.6, file_len=9_000), settings={"epochs": 300})
    second = evaluation("b.ddz", 0.5, file_len=10_000)
    html = page(replace(report, evaluations=(first, second)))
    assert '<td class="number shown">30,000</td>' in html
    assert html.count(", on the front") == 1
    assert html.index(">a.ddz<small>") < html.index(", on the front") < html.index(">b.ddz<small>")


def test_names_are_escaped(report: Report) -> None:
    first, rival = report.evaluations
    odd = replace(first, name="<script>alert(1)</script>.ddz", class_names=("<b>", "&"))
    html = page(replace(report, evaluations=(odd, rival)))
    assert "<script" not in html
    assert "<b> taken" not in html
    assert "&lt;b&gt; taken for &amp;" in html


def test_the_page_of_many_artifacts_folds_its_tables(report: Report) -> None:
    (sheet,), (first, _) = report.sheets, report.evaluations
    students = 1
    for count, folded in ((1, 0), (3, 0), (4, 3 * 4)):
        galleries = 0 if count == 1 else count
        many = replace(report, evaluations=(first,) * count, sheets=(sheet,) * count)
        html = page(many)
        assert html.count("<details") == students + folded + galleries
        assert html.count("<details open>") == min(3, galleries)


def test_the_title_says_what_the_smallest_reaches_and_what_the_best_needs(report: Report) -> None:
    def title(*sizes: tuple[float, int]) -> str:
        found = tuple(evaluation(f"{n}", mean, file_len=n) for mean, n in sizes)
        html = page(replace(report, evaluations=found))
        return re.search("<title>(.*)</title>", html)[1].replace("\N{NO-BREAK SPACE}", " ")  # type: ignore[index]

    # The largest is not the best, and the smallest not the worst.
    several = title((0.5, 20_000), (0.6, 30_000), (0.4, 25_000), (0.55, 40_000))
    assert several == "4 artifacts: 50.0 % in 20.0 kB, 60.0 % in 30.0 kB"
    best = "60.0 % in 20.0 kB: the smallest of 2 artifacts is the most accurate"
    assert title((0.6, 20_000), (0.5, 30_000)) == best
    assert title((0.6, 20_000)) == "20.0 kB train a ConvNet-3 to 60.0 %"


def test_figures_without_new_fields_still_make_a_page(report: Report) -> None:
    html = page(replace(report, evaluations=(evaluation("old.ddz", 0.5),)))
    assert "Class by class" not in html
    assert page(report, "figures.json").count("The same figures are in figures.json.") == 1


def luminance(colour: str) -> float:
    """Relative luminance of ``#rrggbb`` (WCAG 2)."""
    shares = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


@pytest.mark.parametrize("theme", re.findall(r":root \{(.*?)\}", STYLE, flags=re.S))
def test_text_has_a_contrast_of_four_and_a_half(theme: str) -> None:
    colours = dict(re.findall(r"--([\w-]+): (#\w{6});", theme))
    pairs = [("ink", "paper"), ("soft", "paper")]
    pairs += [("on-part", f"part{number}") for number in range(6)]
    for text, ground in pairs:
        low, high = sorted((luminance(colours[text]), luminance(colours[ground])))
        assert (high + 0.05) / (low + 0.05) >= 4.5, (text, ground)


def test_narrow_screens_and_paper_have_rules_of_their_own() -> None:
    narrow = STYLE[STYLE.index("max-width: 36rem") :]
    assert ".wide, .wide-text { display: none; }" in narrow
    paper = STYLE[STYLE.index("@media print") :]
    for rule in (
        "break-inside: avoid",
        "orphans: 3",
        "footer { margin-top: 1.2rem; break-before: avoid; }",
    ):
        assert rule in paper
