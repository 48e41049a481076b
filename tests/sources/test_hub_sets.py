"""Data sets of the hub, by the hub's own library against a server on this machine."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

import ddcodec
from ddcodec.errors import RequestError, SourceError
from ddcodec.hub import HubUnreachableError
from ddcodec.sources.opening import training_source
from tests.hub_server import FakeHub, fake_hub

ADDRESS = "hf://datasets/owner/name"


def parquet(labels: list[int]) -> bytes:
    pictures = []
    for number in range(len(labels)):
        stream = io.BytesIO()
        Image.new("RGB", (4, 4), (number, 0, 0)).save(stream, "PNG")
        pictures.append({"bytes": stream.getvalue(), "path": f"{number}.png"})
    features = {"image": {"_type": "Image"}, "label": {"names": ["b", "a"], "_type": "ClassLabel"}}
    said = {"huggingface": json.dumps({"info": {"features": features}})}
    stream = io.BytesIO()
    pq.write_table(
        pa.table({"image": pictures, "label": labels}).replace_schema_metadata(said), stream
    )
    return stream.getvalue()


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    with fake_hub(tmp_path / "hub", monkeypatch) as running:
        running.files = {
            "README.md": b"---\nlicense: mit\n---\n",
            "data/train-00000-of-00002.parquet": parquet([0, 1]),
            "data/train-00001-of-00002.parquet": parquet([1, 0, 0]),
            "data/test-00000-of-00001.parquet": parquet([1]),
            "large.bin": bytes(1000),
        }
        yield running


def test_only_the_files_of_the_split_are_fetched_and_only_once(server: FakeHub) -> None:
    source = ddcodec.open_source(ADDRESS)
    assert (source.classes, source.counts) == (("b", "a"), (3, 2))
    assert source.place == f"{ADDRESS}/train (not used: test)"
    assert source.name(1, 1) == "row 0 of owner/name/data/train-00001-of-00002.parquet"
    wanted = ["README.md", *(name for name in server.files if "train" in name)]
    assert server.fetched == wanted
    assert ddcodec.open_source(ADDRESS).fingerprint == source.fingerprint
    assert server.fetched == wanted


def test_the_split_is_the_one_that_is_asked_for(server: FakeHub) -> None:
    assert len(ddcodec.open_source(ADDRESS, "test")) == 1
    assert len(ddcodec.open_source(f"{ADDRESS}/test")) == 1
    assert len(ddcodec.open_source(f"{ADDRESS}@v1/default/test")) == 1
    assert len(ddcodec.open_source(f"{ADDRESS}?label=label")) == 5
    with pytest.raises(RequestError, match="has no split 'val': it has 'test', 'train'"):
        ddcodec.open_source(f"{ADDRESS}/val")
    with pytest.raises(RequestError, match="is written with a slash, as"):
        ddcodec.open_source(f"{ADDRESS}::test")


def test_the_training_split_beside_the_test_split_is_found(server: FakeHub) -> None:
    for test in (ADDRESS, f"{ADDRESS}/test"):
        found = training_source(test)
        assert found is not None and len(found) == 5


def test_the_card_says_which_files_are_splits(server: FakeHub) -> None:
    server.files = {"a/one.parquet": parquet([0, 1]), "a/two.parquet": parquet([1])}
    files = [{"split": "train", "path": "a/one*"}, {"split": "test", "path": ["a/two.parquet"]}]
    server.card = {"configs": [{"config_name": "plain", "data_files": files}]}
    assert len(ddcodec.open_source(ADDRESS)) == 2
    assert len(ddcodec.open_source(f"{ADDRESS}/plain/test")) == 1


def test_what_the_hub_has_converted_stands_in(server: FakeHub) -> None:
    server.files = {"default/partial-train/0000.parquet": parquet([0, 1])}
    server.branches = ("main", "refs/convert/parquet")
    source = ddcodec.open_source(f"{ADDRESS}@refs/convert/parquet")
    assert "converted only a part" in source.warnings[0]
    server.files = {"photos.zip": b"PK"}
    with pytest.raises(SourceError, match="has no Parquet files, and the hub has made none"):
        ddcodec.open_source(ADDRESS)


def test_without_a_network_what_is_here_is_enough(
    server: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = ddcodec.open_source(ADDRESS)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert ddcodec.open_source(ADDRESS).fingerprint == source.fingerprint
    with pytest.raises(HubUnreachableError, match="try again with a network"):
        ddcodec.open_source(f"{ADDRESS}/test")
    with pytest.raises(HubUnreachableError):
        ddcodec.open_source("hf://datasets/owner/other")


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("hf://owner/name", "is no address of a data set: write hf://datasets/OWNER/NAME"),
        ("hf://datasets/name", "is no address of a data set"),
        ("hf://datasets/owner/name/a/b/c", "is no address of a data set"),
        ("hf://datasets/owner/other", "no hub repository 'owner/other'"),
        ("hf://datasets/owner/name@v9", "has no revision 'v9'"),
    ],
)
def test_addresses_that_lead_nowhere_are_refused(
    server: FakeHub, address: str, message: str
) -> None:
    with pytest.raises(RequestError, match=message):
        ddcodec.open_source(address)
