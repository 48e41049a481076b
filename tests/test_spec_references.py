"""Every place of the specification that the code names is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# spec/table.md, "Sections" and "Slices"; or spec/prior.md, section 6; or spec/entropy.md alone.
PLACE = re.compile(r'spec/(\w+)\.md((?:(?:,| and)\s+(?:#\s+)?"[^"\n]+")*)')
SECTION = re.compile(r"spec/(\w+)\.md, sections? (\d+)(?: and (\d+))?")


def references() -> Iterator[tuple[str, str, str]]:
    """(where, page, heading or section number), every time the code names one."""
    for folder in ("ddcodec", "tools"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            for page, quoted in PLACE.findall(text):
                yield path.name, page, ""
                for heading in re.findall(r'"([^"\n]+)"', quoted):
                    yield path.name, page, heading
            for page, *numbers in SECTION.findall(text):
                for number in filter(None, numbers):
                    yield path.name, page, number


def headings(page: str) -> set[str]:
    """The headings of a page as the code names them, and the numbers of its sections."""
    lines = (ROOT / "spec" / f"{page}.md").read_text(encoding="utf-8").splitlines()
    found = set()
    for line in lines:
        match = re.match(r"#+ (?:(\d+)\. )?(.*)", line)
        if match:
            number, heading = match.groups()
            found.add(heading.replace("`", ""))
            if number:
                found.add(number)
    return found


def missing(page: str, place: str) -> bool:
    if not (ROOT / "spec" / f"{page}.md").is_file():
        return True
    return bool(place) and place not in headings(page)


def test_every_reference_leads_somewhere() -> None:
    found = list(references())
    assert len(found) > 50
    assert [
        f"{where}: spec/{page}.md, {place!r}"
        for where, page, place in found
        if missing(page, place)
    ] == []


@pytest.mark.parametrize(("page", "place"), [("table", "Nowhere"), ("nothing", ""), ("ddz", "99")])
def test_a_reference_to_nowhere_would_be_seen(page: str, place: str) -> None:
    assert missing(page, place)
    assert not missing("table", "Sections")
