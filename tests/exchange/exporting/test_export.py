"""Exports as a whole: what they say and refuse, and folders that appear whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

import ddcodec
from ddcodec.artifact import Artifact
from ddcodec.errors import DecodeError, RequestError
from ddcodec.exchange.exporting.export import _takes_long
from ddcodec.exchange.exporting.formats import EXPORT_FORMATS, get_export_format
from tests.exchange.exporting.conftest import loaded

CHECKED = ("folder", "webdataset", "numpy", "mtt", "datm", "dd-ranking", "fkd")
"""Formats that the small artifact can be exported to, with what is always installed."""


def test_kinds_are_called_by_their_names() -> None:
    assert set(CHECKED) | {"contest", "huggingface", "croissant"} == set(EXPORT_FORMATS)
    assert get_export_format("fkd").name == "fkd"
    assert all(format.summary and format.labels for format in EXPORT_FORMATS.values())


@pytest.mark.parametrize("format", CHECKED)
def test_every_export_names_its_artifact_classes_and_order(
    artifact: Artifact, tmp_path: Path, format: str
) -> None:
    made = ddcodec.export(artifact, tmp_path / "out", to=format)
    said = json.loads((tmp_path / "out" / "ddz.json").read_text(encoding="utf-8"))
    assert said["format"] == format and said["digest"] == artifact.digest == made.digest
    assert said["classes"] == ["blob", "cross", "stripes"] and said["order"] and said["labels"]
    assert said["images"] == made.images == 12
    assert made.size == sum(p.stat().st_size for p in (tmp_path / "out").rglob("*") if p.is_file())


@pytest.mark.parametrize("format", CHECKED)
def test_two_exports_have_the_same_bytes(artifact: Artifact, tmp_path: Path, format: str) -> None:
    first, second = (ddcodec.export(artifact, tmp_path / name, to=format) for name in "ab")
    assert first.files == second.files
    for name in first.files:
        assert (first.path / name).read_bytes() == (second.path / name).read_bytes(), name


@pytest.mark.parametrize(
    ("format", "options", "message"),
    [
        ("mt", {}, r"no export to 'mt' \(did you mean 'mtt'"),
        ("mtt", {"views": 2}, "views= has no part in an export to mtt"),
        ("mtt", {"shard_bytes": 9}, "shard_bytes= has no part .* it takes is ipc=, classes=, stat"),
        ("numpy", {"statistics": "cifar"}, "statistics= has no part"),
        ("fkd", {"classes": ["blob"]}, "classes= has no part"),
        ("webdataset", {"label_batch": 2}, "label_batch= has no part"),
        ("webdataset", {"views": 0}, "views=0 is no number from 1"),
        ("webdataset", {"views": 4}, "4"),
        ("webdataset", {"shard_bytes": True}, "shard_bytes=True is no number"),
        ("webdataset", {"classes": ["whale"]}, "no class 'whale'"),
        ("mtt", {"statistics": "mnist"}, "there are no statistics 'mnist'"),
        ("contest", {}, "takes CIFAR-100 of 32 x 32"),
    ],
)
def test_a_request_that_makes_no_sense_leaves_nothing(
    artifact: Artifact, tmp_path: Path, format: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(RequestError, match=message):
        ddcodec.export(artifact, tmp_path / "out", to=format, **options)
    assert list(tmp_path.iterdir()) == []


def test_layouts_that_number_classes_by_place_refuse_a_part(
    artifact: Artifact, tmp_path: Path
) -> None:
    with artifact.subset(tmp_path / "part.ddz", classes=["cross"]) as part:
        for format in ("fkd", "dd-ranking"):
            with pytest.raises(RequestError, match=r"all 3 must be there, and .* images of 1"):
                ddcodec.export(part, tmp_path / "out", to=format)
        ddcodec.export(part, tmp_path / "out", to="mtt")  # whose labels are class indices
        assert loaded(tmp_path / "out" / "labels_best.pt").tolist() == [1, 1, 1, 1]


def test_an_earlier_export_is_replaced_if_allowed_and_nothing_else_is(
    artifact: Artifact, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    ddcodec.export(artifact, out, to="mtt")
    with pytest.raises(RequestError, match="exists; choose another name, or pass force=True"):
        ddcodec.export(artifact, out, to="numpy")
    with pytest.raises(RequestError, match="no class"):
        ddcodec.export(artifact, out, to="numpy", classes=["whale"], force=True)
    assert (out / "images_best.pt").exists()
    ddcodec.export(artifact, out, to="numpy", force=True)
    assert sorted(p.name for p in out.iterdir()) == ["data.npz", "ddz.json"]
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("precious")
    (tmp_path / "file").write_text("precious")
    for target in (mine, tmp_path / "file"):
        with pytest.raises(RequestError, match="choose another name"):
            ddcodec.export(artifact, target, to="mtt", force=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "mine", "out"]


def test_a_disk_that_is_full_leaves_nothing(
    artifact: Artifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "images_best.pt")

    monkeypatch.setattr("ddcodec.exchange.exporting.mtt.save", full)
    with pytest.raises(DecodeError, match=r"cannot write images_best\.pt: No space left"):
        ddcodec.export(artifact, tmp_path / "out", to="mtt")
    assert list(tmp_path.iterdir()) == []


def test_pictures_that_take_long_are_kept_when_an_export_is_interrupted(
    artifact: Artifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    expected = ddcodec.export(artifact, tmp_path / "expected", to="datm")
    monkeypatch.setattr("ddcodec.exchange.exporting.export._takes_long", lambda _: True)
    with monkeypatch.context() as patch:
        patch.setattr("ddcodec.exchange.exporting.datm.save", stop)
        with pytest.raises(KeyboardInterrupt):
            ddcodec.export(artifact, tmp_path / "out", to="datm")
    assert [p.name for p in (tmp_path / "out.work").glob("*.piece")] == ["rows-00000000.piece"]
    assert not (tmp_path / "out").exists()
    with pytest.raises(RequestError, match="holds the work of another job"):
        ddcodec.export(artifact, tmp_path / "out", to="mtt")
    with monkeypatch.context() as patch:
        patch.setattr("ddcodec.rendering.renderer.Renderer.images", stop)
        made = ddcodec.export(artifact, tmp_path / "out", to="datm")
    for name in made.files:
        assert (made.path / name).read_bytes() == (expected.path / name).read_bytes()
    assert not (tmp_path / "out.work").exists()


def test_generated_pictures_take_long(artifact: Artifact) -> None:
    assert not _takes_long(artifact)
    head = SimpleNamespace(head=SimpleNamespace(prior=object()))
    assert _takes_long(cast(Artifact, head))
