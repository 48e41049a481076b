"""Class names become folder names that stay inside the folder."""

from __future__ import annotations

import hashlib
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from ddcodec.exchange.names import folder_names, meeting_key


def test_ordinary_names_stay_as_they_are() -> None:
    names = ["golf_ball", "bow, knot", "Zürich", "n01440764", "a.b"]
    assert folder_names(names) == names


def test_unsafe_names_are_escaped() -> None:
    names = ["../../etc", "a/b", ".", "..", "CON", "nul.txt", "COM¹", "con .x", "x ", "a:b", "50%"]
    assert folder_names(names) == [
        "%2E.%2F..%2Fetc",
        "a%2Fb",
        "%2E",
        "%2E%2E",
        "%43ON",
        "%6Eul.txt",
        "%43OM¹",
        "%63on .x",
        "x%20",
        "a%3Ab",
        "50%25",
    ]


def test_names_that_differ_in_case_or_are_taken_stay_apart() -> None:
    names = folder_names(["cat", "Cat", "README.md"], reserved=["README.md"])
    assert names[0] == "cat"
    assert names[1].startswith("Cat-") and names[2].startswith("README.md-")


def test_a_class_called_like_another_with_its_digest_stays_apart() -> None:
    digest = hashlib.sha256(b"a").hexdigest()[:16]
    names = folder_names(["A", f"a-{digest}", "a"])
    assert names[:2] == ["A", f"a-{digest}"]
    assert names[2].startswith("a-") and names[2] not in names[:2]


def test_two_forms_of_one_name_stay_apart_where_a_disk_composes_them() -> None:
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    names = folder_names([composed, decomposed, "\uac00", "\u1100\u1161", "Straße", "STRASSE"])
    assert names[0] == composed and names[1].startswith("cafe\u0301-")
    assert len({meeting_key(name) for name in names}) == 6


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), unique=True))
def test_any_names_give_distinct_folders_inside_the_root(names: list[str]) -> None:
    folders = folder_names(names)
    assert len({meeting_key(folder) for folder in folders}) == len(names)
    root = Path("/some/export")
    for folder in folders:
        assert len(folder.encode()) <= 255
        assert (root / folder).parent == root
        assert folder not in (".", "..") and "\0" not in folder
