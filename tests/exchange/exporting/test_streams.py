"""Layouts that are written picture by picture, read back with the plainest foreign reader."""

from __future__ import annotations

import hashlib
import io
import json
import sys
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import ddcodec
from ddcodec.artifact import Artifact
from ddcodec.errors import DecodeError, MissingDependencyError
from tests.exchange.exporting.conftest import pictures, shares


def test_a_folder_is_what_a_decode_writes(artifact: Artifact, tmp_path: Path) -> None:
    ddcodec.export(artifact, tmp_path / "a", to="folder", views=2, classes=["cross"], ipc=2)
    ddcodec.decode(artifact, tmp_path / "b", views=2, classes=["cross"], ipc=2)
    exported, decoded = (
        {p.relative_to(tmp_path / f): p.read_bytes() for p in (tmp_path / f).rglob("*.*")}
        for f in "ab"
    )
    assert exported.pop(Path("ddz.json")) and exported == decoded
    assert ddcodec.decode(artifact, tmp_path / "a", views=2, classes=["cross"], ipc=2).kept == 4


def test_shards_are_read_by_tar(artifact: Artifact, tmp_path: Path) -> None:
    ddcodec.export(artifact, tmp_path / "out", to="webdataset", views="all", shard_bytes=20_000)
    shards = sorted((tmp_path / "out").glob("*.tar"))
    assert len(shards) > 1 and all(path.stat().st_size <= 20_480 for path in shards)
    seen = 0
    for path in shards:
        with tarfile.open(path) as tar:
            members = {m.name: tar.extractfile(m).read() for m in tar}  # type: ignore[union-attr]
            assert {(m.mtime, m.uid, m.gid, m.uname) for m in tar} == {(0, 0, 0, "")}
        for key in sorted({name.partition(".")[0] for name in members}):
            said = json.loads(members[f"{key}.json"])
            row = 4 * said["class_index"] + said["slot"]
            assert (row, said["view"]) == divmod(seen, 3)
            assert said["class"] == artifact.classes[said["class_index"]]
            assert members[f"{key}.cls"] == str(said["class_index"]).encode()
            image = np.asarray(Image.open(io.BytesIO(members[f"{key}.png"])))
            assert np.array_equal(image, pictures(artifact, said["view"])[row])
            soft = np.load(io.BytesIO(members[f"{key}.npy"]), allow_pickle=False)
            assert np.array_equal(soft, shares(artifact, said["view"])[row])
            seen += 1
    assert seen == 36


def test_arrays_are_read_by_numpy(artifact: Artifact, tmp_path: Path) -> None:
    ddcodec.export(artifact, tmp_path / "out", to="numpy", views=2)
    with np.load(tmp_path / "out" / "data.npz", allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    assert arrays["images"].shape == (24, 16, 16, 3) and arrays["images"].dtype == np.uint8
    assert arrays["class_names"].tolist() == ["blob", "cross", "stripes"]
    assert arrays["labels"].tolist() == [c for c in range(3) for _ in range(8)]
    assert str(arrays["digest"]) == artifact.digest
    for view in range(2):
        assert set(arrays["view"][view::2]) == {view}
        assert np.array_equal(arrays["images"][view::2], pictures(artifact, view))
        assert np.array_equal(arrays["soft_labels"][view::2], shares(artifact, view))


def test_parquet_is_read_by_pyarrow(artifact: Artifact, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    ddcodec.export(artifact, tmp_path / "out", to="huggingface", views=2, shard_bytes=15_000)
    files = sorted((tmp_path / "out" / "data").iterdir())
    assert len(files) > 1 and files[0].name == f"train-00000-of-{len(files):05d}.parquet"
    rows = [row for path in files for row in parquet.read_table(path).to_pylist()]
    features = json.loads(parquet.read_schema(files[0]).metadata[b"huggingface"])["info"][
        "features"
    ]
    assert features["label"]["names"] == ["blob", "cross", "stripes"]
    for number, row in enumerate(rows):
        place, view = divmod(number, 2)
        assert (row["label"], row["slot"], row["view"]) == (place // 4, place % 4, view)
        image = np.asarray(Image.open(io.BytesIO(row["image"]["bytes"])))
        assert np.array_equal(image, pictures(artifact, view)[place])
        assert np.array_equal(np.float32(row["soft_label"]), shares(artifact, view)[place])
    assert len(rows) == 24 and artifact.digest in (tmp_path / "out" / "README.md").read_text()


def test_croissant_describes_its_parquet_file(artifact: Artifact, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    ddcodec.export(artifact, tmp_path / "out", to="croissant")
    said = json.loads((tmp_path / "out" / "croissant.json").read_text(encoding="utf-8"))
    [file] = said["distribution"]
    path = tmp_path / "out" / file["contentUrl"]
    assert hashlib.sha256(path.read_bytes()).hexdigest() == file["sha256"]
    columns = [f["source"]["extract"]["column"] for f in said["recordSet"][1]["field"]]
    assert columns == parquet.read_schema(path).names
    assert artifact.digest in said["identifier"]


@pytest.mark.parametrize("format", ["huggingface", "croissant"])
def test_without_pyarrow_it_says_so_before_any_work(
    artifact: Artifact, tmp_path: Path, format: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'ddcodec\[parquet\]'"):
        ddcodec.export(artifact, tmp_path / "out", to=format)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("format", "file"), [("folder", "labels.npz"), ("numpy", "data.npz")])
def test_labels_that_no_memory_holds_are_refused_before_any_work(
    artifact: Artifact, tmp_path: Path, format: str, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ddcodec.exchange.folder.LARGEST_LABELS", 4 * 12 * 3 * 3 - 1)
    with pytest.raises(DecodeError, match=f"{file} would hold"):
        ddcodec.export(artifact, tmp_path / "out", to=format, views="all")
    assert list(tmp_path.iterdir()) == []


@settings(max_examples=8)
@given(
    classes=st.integers(1, 3),
    ipc=st.integers(1, 4),
    views=st.integers(1, 3),
    shard=st.integers(1, 40_000),
)
def test_any_part_of_an_artifact_comes_back(
    artifact: Artifact,
    tmp_path_factory: pytest.TempPathFactory,
    classes: int,
    ipc: int,
    views: int,
    shard: int,
) -> None:
    folder = tmp_path_factory.mktemp("any")
    names = artifact.classes[:classes]
    part: dict[str, Any] = {"classes": names, "ipc": ipc, "views": views}
    ddcodec.export(artifact, folder / "n", to="numpy", **part)
    ddcodec.export(artifact, folder / "w", to="webdataset", shard_bytes=shard, **part)
    with np.load(folder / "n" / "data.npz", allow_pickle=False) as stored:
        images, soft = stored["images"], stored["soft_labels"]
    expected = [
        pictures(artifact, v)[4 * c + s]
        for c in range(classes)
        for s in range(ipc)
        for v in range(views)
    ]
    assert np.array_equal(images, expected)
    members: dict[str, bytes] = {}
    for path in sorted((folder / "w").glob("*.tar")):
        with tarfile.open(path) as tar:
            members |= {m.name: tar.extractfile(m).read() for m in tar}  # type: ignore[union-attr]
    png = [members[name] for name in members if name.endswith(".png")]
    assert np.array_equal([np.asarray(Image.open(io.BytesIO(data))) for data in png], expected)
    npy = [members[name] for name in members if name.endswith(".npy")]
    assert np.array_equal([np.load(io.BytesIO(data)) for data in npy], soft)


@pytest.mark.parametrize("kind", ["webdataset", "huggingface"])
def test_an_export_is_a_source(kind: str, artifact: Artifact, tmp_path: Path) -> None:
    ddcodec.export(artifact, tmp_path / kind, to=kind, views=1)
    source = ddcodec.open_source(tmp_path / kind)
    assert source.classes == artifact.classes
    found = [source.read(c, n, None)[0] for c in range(3) for n in range(source.counts[c])]
    assert np.array_equal(np.stack(found), pictures(artifact, 0))
