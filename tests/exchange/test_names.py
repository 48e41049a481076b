"""Class names become folder names that stay inside the folder."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from ddcodec.exchange.names import folder_names


def test_ordinary_names_stay_as_they_are() -> None:
    names = ["golf_ball", "bow, knot", "Zürich", "n01440764", "a.b"]
    assert folder_names(names) == names


def test_unsafe_names_are_escaped() -> None:
    names = ["../../etc", "a/b", ".", "..", "CON", "nul.txt", "x ", "a:b", "50%"]
    assert folder_names(names) == [
        "%2E.%2F..%2Fetc",
        "a%2Fb",
        "%2E",
        "%2E%2E",
        "%43ON",
        "%6Eul.txt",
        "x%20",
        "a%3Ab",
        "50%25",
    ]


def test_names_that_differ_in_case_or_are_taken_stay_apart() -> None:
    names = folder_names(["cat", "Cat", "README.md"], reserved=["README.md"])
    assert names[0] == "cat"
    assert names[1].startswith("Cat-") and names[2].startswith("README.md-")


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), unique=True))
def test_any_names_give_distinct_folders_inside_the_root(names: list[str]) -> None:
    folders = folder_names(names)
    assert len({folder.casefold() for folder in folders}) == len(names)
    root = Path("/some/export")
    for folder in folders:
        assert len(folder.encode()) <= 255
        assert (root / folder).parent == root
        assert folder not in (".", "..") and "\0" not in folder
