"""A whole comparison of a small folder."""

from __future__ import annotations

from pathlib import Path

import pytest

import ddcodec
from ddcodec.benchmark import bench as module
from ddcodec.benchmark.picture_codings import PictureFiles, StoredPictures
from ddcodec.errors import EncodeError


@pytest.fixture(autouse=True)
def few_codings(monkeypatch: pytest.MonkeyPatch) -> None:
    """AV1 takes seconds."""
    codings = [PictureFiles("WebP files", (15, 90), "WEBP"), StoredPictures("ddz, png", (), "png")]
    monkeypatch.setattr(module, "picture_codings", lambda: codings)


def test_pictures_and_labels_are_measured(image_folder: Path, opinion: ddcodec.Teacher) -> None:
    found = ddcodec.bench(image_folder, ipc=2, views=4, teacher=opinion)
    assert (found.classes, found.ipc, found.size, found.views) == (3, 2, (16, 16), 4)
    assert found.teacher == opinion.arch and found.temperature == 4
    assert [one.name for one in found.pictures] == ["WebP files", "ddz, png"]
    by_name = {one.name: one for one in found.labels}
    assert list(by_name) == [
        "fp16",
        "fp16, zstd -19",
        "top 2, rest spread (FKD)",
        "top 2, rest dropped (LPQLD)",
        "ddz, default",
        "ddz, coarser (4 x the KL)",
        "ddz, finer (1/4 of the KL)",
        "ddz, lossless",
    ]
    assert by_name["fp16"].bytes == 6 and by_name["top 2, rest spread (FKD)"].bytes == 8
    assert by_name["top 2, rest dropped (LPQLD)"].divergence is None
    assert by_name["ddz, lossless"].divergence == pytest.approx(0, abs=1e-9)
    ours = [by_name[name] for name in list(by_name)[4:7]]
    assert ours[1].bytes <= ours[0].bytes <= ours[2].bytes


def test_without_a_teacher_pictures_alone(image_folder: Path) -> None:
    found = ddcodec.bench(image_folder, ipc=1, teacher=None)
    assert found.labels == () and found.teacher is None
    values = found.to_map()
    assert values["pictures"][1]["bytes_at"] == {"25": None, "30": None, "35": None}
    assert values["pictures"][0]["points"][0]["quality"] == 15


@pytest.mark.parametrize(("size", "ipc"), [(16, 10), (170, 6), (1000, 1)])
def test_large_pictures_are_fewer(image_folder: Path, size: int, ipc: int) -> None:
    options = ddcodec.EncodeOptions(method="random", size=size, labels="hard")
    assert module.Bench(ddcodec.open_source(image_folder), options).sample.ipc == ipc


def test_too_few_pictures_are_said(image_folder: Path) -> None:
    with pytest.raises(EncodeError, match="12 images, fewer than ipc=13"):
        ddcodec.bench(image_folder, ipc=13, teacher=None)
