"""Pictures that are Python objects: pairs, and datasets that answer as Hugging Face's do."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

import ddcodec
from ddcodec.errors import RequestError, SourceError
from ddcodec.sources.pictures import LoadReport
from ddcodec.sources.source import load_images
from ddcodec.sources.tables.encoded import array_bytes

RED = np.zeros((4, 6, 3), np.uint8) + np.array([200, 10, 30], np.uint8)


def encoded(image: Image.Image, kind: str = "PNG") -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind)
    return stream.getvalue()


def one(image: Any) -> tuple[np.ndarray[Any, Any], list[str]]:
    return ddcodec.open_source([(image, "a"), (RED, "b")]).read(0, 0, None)


def test_pairs_are_walked_once_and_in_order() -> None:
    walked = 0

    def pairs() -> Iterator[tuple[Any, Any]]:
        nonlocal walked
        for value, name in ((1, "dog"), (2, "cat"), (3, "dog")):
            walked += 1
            yield np.full((2, 2), value, np.uint8), name

    source = ddcodec.open_source(pairs())
    for _ in range(2):
        images, labels = load_images(source, (2, 2))
        assert images[:, 0, 0, 0].tolist() == [2, 1, 3] and labels.tolist() == [0, 1, 1]
    assert (source.classes, source.counts, walked) == (("cat", "dog"), (1, 2), 3)
    assert source.fingerprint == ddcodec.open_source(list(pairs())).fingerprint
    assert source.name(1, 1) == "row 2 of the pairs"


def test_numbers_need_names() -> None:
    pairs = [(RED, 1), (RED // 2, np.int64(0))]
    with pytest.raises(RequestError, match="nothing says what it is called: give ddcodec"):
        ddcodec.open_source(pairs)
    assert ddcodec.open_source(pairs, classes=["dog", "cat"]).classes == ("dog", "cat")
    with pytest.raises(SourceError, match="class 1, and the classes are the numbers 0 to 0"):
        ddcodec.open_source(pairs, classes=["dog"])
    with pytest.raises(RequestError, match="this source has names of its own"):
        ddcodec.open_source("photos", classes=["dog"])


def test_an_image_may_be_pixels_bytes_or_of_pillow() -> None:
    image = Image.fromarray(RED)
    for form in (RED, image, encoded(image), bytearray(encoded(image, "BMP")), RED[::-1][::-1]):
        pixels, notes = one(form)
        assert np.array_equal(pixels, RED) and notes == []


@pytest.mark.parametrize(
    ("mode", "note"),
    [
        ("L", "greyscale"),
        ("1", "greyscale"),
        ("P", "palette"),
        ("CMYK", "cmyk"),
        ("RGBA", "transparent"),
    ],
)
def test_other_kinds_of_images_are_converted_and_said_as_files_are(
    mode: str, note: str, tmp_path: Path
) -> None:
    image = Image.fromarray(RED).convert(mode)
    image.save(tmp_path / "a.tif")
    pixels, notes = one(image)
    file, _ = ddcodec.open_source([((tmp_path / "a.tif").read_bytes(), "a")]).read(0, 0, None)
    assert np.array_equal(pixels, file)
    assert notes == [note]


def test_an_image_is_turned_as_its_exif_says() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    stream = io.BytesIO()
    Image.fromarray(RED).save(stream, "PNG", exif=exif)
    assert one(Image.open(stream))[0].shape == (6, 4, 3)


@given(arrays.arrays(np.uint8, st.tuples(st.integers(1, 5), st.integers(1, 5), st.just(3))))
def test_pixels_come_back_as_they_were(pixels: np.ndarray[Any, Any]) -> None:
    with Image.open(io.BytesIO(array_bytes(pixels, "x"))) as image:
        assert np.array_equal(np.asarray(image), pixels)


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        ((RED / 255, "a"), "Multiply values of 0..1 by 255"),
        ((RED.transpose(2, 0, 1), "a"), "channels stand first: move them to the end"),
        ((RED[:, :0], "a"), r"shape \[4, 0, 3\]"),
        (("cat.png", "a"), "image of pair 0 is a str: give an image of Pillow's"),
        ((RED, 1.5), "has 1.5 for a class: classes are whole numbers or names"),
        ((RED, True), "for a class"),
        ((RED, ""), "an empty name"),
        ((RED, "a", 3), r"item 0 is a tuple, where a pair"),
        (RED, "item 0 is a ndarray"),
    ],
)
def test_what_is_no_pair_is_refused(pair: Any, message: str) -> None:
    with pytest.raises((SourceError, RequestError), match=message):
        ddcodec.open_source([pair], classes=None)


@pytest.mark.parametrize("value", [5, b"photos", {"a": 1}, []])
def test_what_is_no_source_is_refused(value: Any) -> None:
    with pytest.raises((SourceError, RequestError), match=r"is no source|holds no pictures"):
        ddcodec.open_source(value)


def test_a_damaged_image_among_bytes_is_counted_as_a_file_is() -> None:
    source, report = ddcodec.open_source([(b"\x89PNG", "a"), (RED, "a")]), LoadReport()
    load_images(source, (6, 4), on_error="skip", report=report)
    assert report.skipped == {"row 0 of the pairs": "unknown or damaged format"}


class Feature:
    """Answers as the features of Hugging Face ``datasets`` do, which is not installed here."""

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)


Picture = type("Image", (Feature,), {})
ClassLabel = type("ClassLabel", (Feature,), {})
Value = type("Value", (Feature,), {})


class Dataset:
    """As ``datasets.Dataset``: rows of columns, which a cast decodes or leaves as they are."""

    def __init__(self, rows: list[dict[str, Any]], features: dict[str, Any]) -> None:
        self.rows, self.features = rows, features

    def cast_column(self, name: str, feature: Any) -> Dataset:
        return Dataset(self.rows, {**self.features, name: feature})

    def with_format(self, kind: None) -> Dataset:
        return self

    def __getitem__(self, number: int) -> dict[str, Any]:
        row = dict(self.rows[number])
        for name, feature in self.features.items():
            if type(feature).__name__ == "Image" and feature.decode and row[name] is not None:
                held = row[name]
                row[name] = Image.open(io.BytesIO(held["bytes"]) if held["bytes"] else held["path"])
        return row

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (self[number] for number in range(len(self.rows)))

    def __len__(self) -> int:
        return len(self.rows)


def dataset(tmp_path: Path) -> Dataset:
    data = [encoded(Image.fromarray(RED // n), "JPEG") for n in (1, 2, 3)]
    (tmp_path / "third.jpg").write_bytes(data[2])
    rows: list[dict[str, Any]] = [
        {"img": {"bytes": data[0], "path": None}, "label": 1},
        {"img": {"bytes": data[1], "path": "x.jpg"}, "label": 0},
        {"img": {"bytes": None, "path": str(tmp_path / "third.jpg")}, "label": 1},
    ]
    names = ClassLabel(names=["dog", "cat"], dtype="int64")
    return Dataset(rows, {"img": Picture(decode=True), "label": names})


def test_a_dataset_gives_its_files_as_they_are_stored(tmp_path: Path) -> None:
    own = dataset(tmp_path)
    source = ddcodec.open_source(own)
    assert (source.classes, source.counts) == (("dog", "cat"), (1, 2))
    with source.files[1][0].open("rb") as stream:
        assert stream.read() == own.rows[0]["img"]["bytes"]
    third = np.asarray(Image.open(tmp_path / "third.jpg").convert("RGB"))
    assert np.array_equal(source.read(1, 1, None)[0], third)


def test_a_dictionary_of_splits_gives_the_one_that_is_wanted(tmp_path: Path) -> None:
    own = dataset(tmp_path)
    splits = {"train": own, "test": Dataset(own.rows[:2], own.features)}
    assert len(ddcodec.open_source(splits)) == 3
    assert len(ddcodec.open_source(splits, "test")) == 2


def test_a_dataset_without_classes_says_which_columns_it_has(tmp_path: Path) -> None:
    own = dataset(tmp_path)
    own.features = {"img": own.features["img"], "score": Value(dtype="float32")}
    with pytest.raises(SourceError, match="known to hold classes, only img, score"):
        ddcodec.open_source(own)
