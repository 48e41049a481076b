"""Shards of WebDataset, those of an export among them, are sources like any other."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from PIL import Image

import ddcodec
from ddcodec.errors import MissingSourceError, RequestError, SourceError


def png(value: int) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (4, 4), (value, 0, 0)).save(stream, "PNG")
    return stream.getvalue()


def shard(path: Path, members: Mapping[str, bytes | str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for name, data in members.items():
            content = data.encode() if isinstance(data, str) else data
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


def numbered(path: Path, first: int, labels: list[int]) -> Path:
    members: dict[str, bytes | str] = {}
    for number, label in enumerate(labels, first):
        members |= {f"{number:04}.cls": f"{label}\n", f"{number:04}.png": png(number)}
    return shard(path, members)


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    numbered(tmp_path / "set" / "train-000000.tar", 1, [1, 0, 1])
    numbered(tmp_path / "set" / "train-000001.tar", 4, [0, 1])
    numbered(tmp_path / "set" / "test-000000.tar", 9, [0, 1])
    (tmp_path / "set" / "classes.txt").write_text("dog\ncat\n")
    return tmp_path / "set"


def reds(source: object, c: int) -> list[int]:
    return [int(source.read(c, n, None)[0][0, 0, 0]) for n in range(source.counts[c])]  # type: ignore[attr-defined]


def test_a_folder_of_shards_is_read_in_the_order_of_its_names(shards: Path) -> None:
    source = ddcodec.open_source(shards)
    assert (source.classes, source.counts) == (("dog", "cat"), (2, 3))
    assert (reds(source, 0), reds(source, 1)) == ([2, 4], [1, 3, 5])
    assert source.name(0, 1) == f"{shards}/train-000001.tar::0004.png"
    assert source.place == f"{shards}::train (not used: test)"
    assert ddcodec.open_source(shards, "test").counts == (1, 1)
    assert ddcodec.open_source(f"{shards}::test").counts == (1, 1)


def test_shards_are_named_by_a_pattern_of_numbers(shards: Path) -> None:
    source = ddcodec.open_source(f"{shards}/train-{{000000..000001}}.tar")
    assert source.fingerprint == ddcodec.open_source(shards).fingerprint
    with pytest.raises(MissingSourceError, match=r"2 of the 4 files of .*train-000002\.tar first"):
        ddcodec.open_source(f"{shards}/train-{{000000..000003}}.tar")
    with pytest.raises(RequestError, match="stands for no files, or for more than"):
        ddcodec.open_source(f"{shards}/train-{{0..999999999}}.tar")
    with pytest.raises(RequestError, match="is one shard, which has no part 'test'"):
        ddcodec.open_source(f"{shards}/train-000000.tar::test")


def test_classes_are_called_by_their_numbers_where_nothing_names_them(tmp_path: Path) -> None:
    source = ddcodec.open_source(numbered(tmp_path / "a.tar", 0, [10, 9, 2]))
    assert source.classes == ("2", "9", "10")
    assert "put classes.txt beside the shards" in source.warnings[0]


def test_names_and_classes_may_be_in_the_samples(tmp_path: Path) -> None:
    told = {"1.json": json.dumps({"label": 7, "class_name": "cat"}), "1.jpg": png(1)}
    told |= {"2.json": json.dumps({"label": 3, "class_name": "dog"}), "2.jpg": png(2)}
    assert ddcodec.open_source(shard(tmp_path / "a.tar", told)).classes == ("dog", "cat")
    named = {"x/1.cls": "cat", "x/1.webp": png(1), "y/1.cls": "ant", "y/1.webp": png(2)}
    assert ddcodec.open_source(shard(tmp_path / "b.tar", named)).classes == ("ant", "cat")
    inside = {
        "classes.txt": "ant\nbee",
        "1.cls": "1",
        "1.png": png(1),
        "2.cls": "0",
        "2.png": png(2),
    }
    assert ddcodec.open_source(shard(tmp_path / "c.tar", inside)).classes == ("ant", "bee")


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"1.cls": "0", "1.png": b"", "1.jpg": b""}, r"'1' .* several pictures \(png, jpg\)"),
        ({"1.cls": "0", "1.png": b"", "2.png": b""}, "'2' of .* has no class: neither a .cls"),
        ({"1.json": "{", "1.png": b""}, "is no JSON"),
        ({"1.cls": b"\xff", "1.png": b""}, "is no text"),
        ({"1.cls": "0", "1.png": b"", "2.cls": "cat", "2.png": b""}, "numbers and some are names"),
        ({"1.cls": "5", "1.png": b"", "classes.txt": "a\nb"}, r"class 5, .* numbers 0 to 1"),
        ({"1.cls": "-1", "1.png": b"", "classes.txt": "a\nb"}, "whose classes are kept secret"),
        (
            {
                "1.json": '{"label": 1, "class": "a"}',
                "1.png": b"",
                "2.json": '{"label": 1, "class": "b"}',
                "2.png": b"",
            },
            "calls class 1 'b', and another sample 'a'",
        ),
    ],
)
def test_samples_that_make_no_set_are_refused(
    tmp_path: Path, members: dict[str, bytes | str], message: str
) -> None:
    with pytest.raises(SourceError, match=message):
        ddcodec.open_source(shard(tmp_path / "a.tar", members))


def test_samples_without_a_picture_and_classes_without_one_are_said(tmp_path: Path) -> None:
    members = {"1.cls": "0", "1.png": png(1), "2.cls": "1", "3.cls": "1", "classes.txt": "a\nb\nc"}
    source = ddcodec.open_source(shard(tmp_path / "a.tar", members))
    assert source.classes == ("a",)
    assert source.warnings[0].startswith("2 samples of")
    assert "classes 'b', 'c' of" in source.warnings[1]


def test_shards_and_pictures_in_one_folder_are_two_readings(shards: Path) -> None:
    (shards / "cat").mkdir()
    (shards / "cat" / "1.png").write_bytes(png(1))
    with pytest.raises(RequestError, match="as 3 shards of WebDataset, or as a folder of pictures"):
        ddcodec.open_source(shards)
