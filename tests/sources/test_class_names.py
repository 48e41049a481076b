"""Readable names of classes: of ImageNet's ids, and from files that must fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from ddcodec.errors import MissingFileError, RequestError
from ddcodec.sources.class_names import imagenet_names, names_from_file, unnamed_ids

CLASSES = ("n01440764", "übel")


def written(tmp_path: Path, name: str, text: str) -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    return path


def test_ids_of_imagenet_are_named_and_other_classes_keep_theirs() -> None:
    names = imagenet_names(("n01440764", "cat", "n00007846"))
    assert names == ("tench", "cat", "n00007846")
    assert unnamed_ids(names) == ("n00007846",)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "n01440764,a fish\nübel,evil\n"),
        ("a.csv", 'folder,name\r\nübel,evil\r\n\r\nn01440764,"a  fish"\r\nmore,one more\r\n'),
        ("a.txt", "\ufeffn01440764, a fish\nu\u0308bel, evil"),
        ("a.json", '{"übel": "evil", "n01440764": " a fish", "more": "one more"}'),
    ],
    ids=["plain", "heading-quotes-and-more", "bom-and-decomposed", "json"],
)
def test_a_file_names_every_class(tmp_path: Path, name: str, text: str) -> None:
    assert names_from_file(written(tmp_path, name, text), CLASSES) == ("a fish", "evil")


def test_a_class_called_like_a_heading_is_no_heading(tmp_path: Path) -> None:
    file = written(tmp_path, "a.csv", "class,lesson\nid,identity card\n")
    assert names_from_file(file, ("class", "id")) == ("lesson", "identity card")


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.csv", "", "names 0 of 2 classes; it lacks 'n01440764', 'übel'"),
        ("a.csv", "übel,evil\n", "names 1 of 2 classes; it lacks 'n01440764'"),
        ("a.csv", "tench,n01440764\nevil,übel\n", "folders stand on the left"),
        ("a.csv", "übel,evil\nn01440764,fish\nübel,bad\n", "names class 'übel' twice"),
        ("a.csv", "übel,evil\nu\u0308bel,bad\n", "names class 'übel' twice"),
        ("a.csv", "übel,evil\nn01440764,evil\n", "calls both 'n01440764' and 'übel' 'evil'"),
        ("a.csv", "übel, \nn01440764,fish\n", "gives class 'übel' no name"),
        ("a.csv", "übel,evil,bad\n", "line 1, has not two columns but 3"),
        ("a.csv", "übel,evil\nn01440764\n", "line 2, has not two columns but 1"),
        ("a.csv", 'übel,"evil\n', "is not CSV"),
        ("a.json", '{"übel": "evil", "übel": "bad"}', "names class 'übel' twice"),
        ("a.json", '{"übel": 3}', "gives class 'übel' no name, but 3"),
        ("a.json", '{"übel": {"name": "evil"}}', "gives class 'übel' no name"),
        ("a.json", '{"übel": "\\ud800"}', "gives class 'übel' no name"),
        ("a.json", '{"übel": "e\\u0007vil"}', "name of class 'übel' in .* control character"),
        ("a.json", '["evil"]', "no JSON object"),
        ("a.json", "übel,evil", "is not JSON"),
        ("a.json", '{"a":' * 100_000, "is not JSON"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(
    tmp_path: Path, name: str, text: str, says: str
) -> None:
    with pytest.raises(RequestError, match=says):
        names_from_file(written(tmp_path, name, text), CLASSES)


def test_a_file_that_is_not_text_or_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "latin.csv").write_bytes("übel,evil\n".encode("latin-1"))
    with pytest.raises(RequestError, match="save it as UTF-8"):
        names_from_file(tmp_path / "latin.csv", CLASSES)
    with pytest.raises(MissingFileError, match="cannot read"):
        names_from_file(tmp_path / "none.csv", CLASSES)
    with pytest.raises(RequestError, match="cannot read"):
        names_from_file(tmp_path, CLASSES)
