"""Parquet as the hub keeps it: features, plain columns, splits, and nothing opened by a path."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

import ddcodec
from ddcodec.errors import RequestError, SourceError
from ddcodec.sources.pictures import LoadReport
from ddcodec.sources.source import load_images

PICTURE = pa.struct({"bytes": pa.binary(), "path": pa.string()})


def png(value: int) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (4, 4), (value, 0, 0)).save(stream, "PNG")
    return stream.getvalue()


def table(
    path: Path,
    labels: list[Any],
    names: list[str] | None = None,
    *,
    label: str = "label",
    more: dict[str, Any] | None = None,
) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    features: dict[str, Any] = {"image": {"_type": "Image"}}
    if names is not None:
        features[label] = {"names": names, "_type": "ClassLabel"}
    columns = {
        "image": pa.array([{"bytes": png(n), "path": None} for n in range(len(labels))], PICTURE),
        label: pa.array(labels),
        **(more or {}),
    }
    said = {"huggingface": json.dumps({"info": {"features": features}})}
    found = pa.table(columns).replace_schema_metadata(said)
    pq.write_table(found, path, row_group_size=2)
    return path


def test_rows_are_read_in_order_with_the_names_of_the_features(tmp_path: Path) -> None:
    path = table(tmp_path / "a.parquet", [1, 0, 1, 1, 0], ["dog", "cat"])
    source = ddcodec.open_source(path)
    assert (source.classes, source.counts) == (("dog", "cat"), (2, 3))
    assert source.name(1, 2) == f"row 3 of {path}"
    images, _ = load_images(source, (4, 4))
    assert images[:, 0, 0, 0].tolist() == [1, 4, 0, 2, 3]


def test_classes_may_be_text_and_pictures_plain_bytes(tmp_path: Path) -> None:
    text = pa.array(["dog", "cat", "dog"]).dictionary_encode()
    columns = {"img": pa.array([png(1), png(2), png(3)]), "class_name": text}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    assert ddcodec.open_source(tmp_path / "a.parquet").classes == ("cat", "dog")


@pytest.mark.parametrize(
    "names",
    [
        (
            "train-00000-of-00002.parquet",
            "train-00001-of-00002.parquet",
            "test-00000-of-00001.parquet",
        ),
        (
            "data/train-00000-of-00002.parquet",
            "data/train-00001-of-00002.parquet",
            "data/test.parquet",
        ),
        ("default/train/0000.parquet", "default/train/0001.parquet", "default/test/0000.parquet"),
    ],
)
def test_splits_of_a_folder_are_told_by_the_names_of_files(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    for name in names:
        table(tmp_path / name, [0, 1], ["dog", "cat"])
    assert len(ddcodec.open_source(tmp_path)) == 4
    assert len(ddcodec.open_source(tmp_path, "test")) == 2
    assert len(ddcodec.open_source(f"{tmp_path}::test")) == 2


def test_files_that_are_no_splits_are_one_set(tmp_path: Path) -> None:
    for name in ("b", "a"):
        table(tmp_path / f"{name}.parquet", [0, 1], ["dog", "cat"])
    source = ddcodec.open_source(tmp_path)
    assert source.counts == (2, 2) and source.name(0, 0).endswith("a.parquet")


def test_a_configuration_is_named_where_there_are_several(tmp_path: Path) -> None:
    for config in ("large", "small"):
        for split in ("train", "test"):
            table(tmp_path / config / f"{split}-00000-of-00001.parquet", [0, 1], ["dog", "cat"])
    with pytest.raises(SourceError, match=r"several configurations \(large, small\): name one, as"):
        ddcodec.open_source(tmp_path)
    assert ddcodec.open_source(f"{tmp_path}::small").place.endswith("::train (not used: test)")
    assert len(ddcodec.open_source(f"{tmp_path}::small/test")) == 2
    with pytest.raises(RequestError, match="no configuration 'tiny'"):
        ddcodec.open_source(f"{tmp_path}::tiny")


def test_several_columns_of_classes_are_two_readings(tmp_path: Path) -> None:
    coarse = {"coarse_label": pa.array([0, 0, 0])}
    path = table(tmp_path / "a.parquet", [2, 0, 1], list("abc"), label="fine_label", more=coarse)
    assert ddcodec.open_source(path).classes == ("a", "b", "c")
    features = {"fine_label": {"names": list("abc"), "_type": "ClassLabel"}}
    features["coarse_label"] = {"names": ["x"], "_type": "ClassLabel"}
    said = {"huggingface": json.dumps({"info": {"features": features}})}
    pq.write_table(pq.read_table(path).replace_schema_metadata(said), path)
    with pytest.raises(SourceError, match=r"\(fine_label, coarse_label\): name one, as .*\?label="):
        ddcodec.open_source(path)
    assert ddcodec.open_source(f"{path}?label=coarse_label").counts == (3,)
    assert ddcodec.open_source(f"{path}?image=image&label=fine_label").counts == (1, 1, 1)
    with pytest.raises(RequestError, match="no column 'other'"):
        ddcodec.open_source(f"{path}?label=other")
    with pytest.raises(RequestError, match="names no column"):
        ddcodec.open_source(f"{path}?label=")


def test_a_path_in_a_table_is_not_opened(tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(png(200))
    rows = [{"bytes": None, "path": str(secret)}, {"bytes": png(1), "path": str(secret)}, None]
    columns = {"image": pa.array(rows, PICTURE), "label": pa.array(["a", "a", "b"])}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    source, report = ddcodec.open_source(tmp_path / "a.parquet"), LoadReport()
    with pytest.raises(SourceError, match="no picture of class 'b' can be read"):
        load_images(source, (4, 4), on_error="skip", report=report)
    assert report.skipped == {
        f"row {number} of {tmp_path}/a.parquet": "an empty file" for number in (0, 2)
    }


@pytest.mark.parametrize(
    ("labels", "names", "message"),
    [
        ([0, 5], ["a", "b"], "class 5, and the classes are the numbers 0 to 1"),
        ([0, -1], ["a", "b"], "whose classes are kept secret"),
        ([0, None], ["a", "b"], "row 1 of .* has None for a class"),
        ([0.5, 1.5], None, "no column that is known to hold classes, only image, label"),
        ([0, 1], ["a", "a"], "two classes of .* are called 'a'"),
        ([0, 1], ["a", ""], "an empty name"),
        ([], ["a"], "holds no pictures"),
    ],
)
def test_labels_that_are_no_classes_are_refused(
    tmp_path: Path, labels: list[Any], names: list[str] | None, message: str
) -> None:
    with pytest.raises(SourceError, match=message):
        ddcodec.open_source(table(tmp_path / "a.parquet", labels, names))


def test_files_of_other_sets_and_damaged_ones_are_refused(tmp_path: Path) -> None:
    table(tmp_path / "train-0.parquet", [0, 1], ["dog", "cat"])
    table(tmp_path / "train-1.parquet", [0, 1], ["cat", "dog"])
    with pytest.raises(SourceError, match=r"train-1\.parquet has other columns or names"):
        ddcodec.open_source(tmp_path)
    whole = (tmp_path / "train-0.parquet").read_bytes()
    (tmp_path / "train-1.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SourceError, match="is no Parquet file, or a damaged one"):
        ddcodec.open_source(tmp_path)


def test_memory_is_not_that_of_the_table(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).bytes(1 << 19)
    found = pa.table({"image": [noise] * 200, "label": ["a"] * 200})
    pq.write_table(found, tmp_path / "a.parquet", row_group_size=10, use_dictionary=False)
    del found
    before = pa.total_allocated_bytes()
    assert len(ddcodec.open_source(tmp_path / "a.parquet")) == 200
    assert pa.total_allocated_bytes() - before < 32 << 20
