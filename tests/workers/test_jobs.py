"""A job with workers makes what it makes without: encodes, decodes, students."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ddcodec
from ddcodec.encoding.encode import Encoder
from ddcodec.errors import EncodeError, MissingDependencyError, RequestError
from tests.artifacts import encode_small

pytest.importorskip("joblib")

GENERATED: dict[str, Any] = {
    "method": "t2i",
    "ipc": 1,
    "views": 2,
    "variations": 2,
    "labels": "soft",
}
SCORED: dict[str, Any] = {"method": "herding", "ipc": 2, "labels": "soft"}


@pytest.mark.parametrize("settings", [SCORED, GENERATED])
def test_the_artifact_is_the_same(
    image_folder: Path, teacher_folder: Path, tmp_path: Path, settings: dict[str, Any]
) -> None:
    asked = {**settings, "teacher": str(teacher_folder)}
    alone = encode_small(image_folder, tmp_path / "alone.ddz", **asked)
    together = encode_small(image_folder, tmp_path / "together.ddz", workers=2, **asked)
    assert together.digest == alone.digest


def test_what_was_skipped_is_said_by_workers_and_by_a_job_that_goes_on(
    image_folder: Path, teacher_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "source"
    for folder in ("blob", "cross", "stripes"):
        (source / folder).mkdir(parents=True)
        for path in sorted((image_folder / "train" / folder).iterdir()):
            (source / folder / path.name).write_bytes(path.read_bytes())
    (source / "cross" / "00.png").write_bytes(b"no picture")
    asked = {**SCORED, "teacher": str(teacher_folder)}
    alone = ddcodec.encode(source, tmp_path / "alone.ddz", **asked)
    assert len(alone.skipped) == 1
    with monkeypatch.context() as patch:
        patch.setattr(Encoder, "_write", _interrupted)
        with pytest.raises(KeyboardInterrupt):
            ddcodec.encode(source, tmp_path / "b.ddz", workers=2, **asked)
    # All that the method has found is read from the work folder now.
    again = ddcodec.encode(source, tmp_path / "b.ddz", workers=2, **asked)
    assert (again.skipped, again.warnings) == (alone.skipped, alone.warnings)
    assert again.digest == alone.digest


def _interrupted(*_: Any) -> str:
    raise KeyboardInterrupt


def test_a_decode_with_workers_writes_the_same_files(image_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.ddz"
    encode_small(image_folder, path)
    ddcodec.decode(path, tmp_path / "alone", views=None)
    ddcodec.decode(path, tmp_path / "together", views=None, workers=2)
    alone, together = (
        {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
        for folder in (tmp_path / "alone", tmp_path / "together")
    )
    sums = Path("SHA256SUMS")  # in the order in which they came, which is any
    assert sorted(alone.pop(sums).splitlines()) == sorted(together.pop(sums).splitlines())
    assert alone == together


def test_students_trained_side_by_side_are_as_right(image_folder: Path, tmp_path: Path) -> None:
    encode_small(image_folder, tmp_path / "a.ddz")
    settings: dict[str, Any] = {"seeds": 2, "epochs": 2, "baseline": "none"}
    found = [
        ddcodec.report(
            tmp_path / "a.ddz", image_folder / "test", tmp_path / f"{n}.html", workers=n, **settings
        )
        for n in (1, 2)
    ]
    alone, together = (one.evaluations[0].confusion for one in found)
    assert np.sum(alone) == np.sum(together) == 2 * 12
    assert alone == together


def test_pieces_may_be_kept_behind_a_url(
    image_folder: Path, teacher_folder: Path, tmp_path: Path
) -> None:
    fsspec = pytest.importorskip("fsspec")
    asked = {**SCORED, "teacher": str(teacher_folder), "work": "memory://bucket/kept"}
    there = fsspec.filesystem("memory")
    first = encode_small(image_folder, tmp_path / "a.ddz", **asked)
    names = {path.rpartition("/")[2] for path in there.ls("/bucket/kept", detail=False)}
    assert {"job.json", "herding-00000.piece", "labels-00002.piece"} <= names
    assert json.loads(there.cat("/bucket/kept/job.json"))["job"]["method"] == "herding"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.ddz"]
    with pytest.raises(RequestError, match="memory://bucket/kept holds the work of another job"):
        encode_small(image_folder, tmp_path / "b.ddz", seed=1, **asked)
    there.pipe("/bucket/kept/labels-00002.piece", b"half")  # computed again
    again = encode_small(image_folder, tmp_path / "b.ddz", **asked)
    assert again.digest == first.digest
    there.rm("/bucket", recursive=True)


def test_a_work_folder_that_cannot_be_written_is_said(image_folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("fsspec")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(EncodeError, match=r"work folder local://.*file/x cannot be"):
        encode_small(image_folder, tmp_path / "a.ddz", work=f"local://{tmp_path}/file/x")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file"]


def test_a_cluster_that_cannot_be_had_leaves_nothing(
    image_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)  # as where it is not installed
    with pytest.raises(MissingDependencyError, match="needs ray, which is not installed"):
        encode_small(image_folder, tmp_path / "a.ddz", ray="local")
    assert [*tmp_path.iterdir()] == []
