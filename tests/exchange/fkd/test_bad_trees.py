"""What is wrong with a label tree is said of the file or epoch where it is, and runs no code."""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ddcodec.errors import MissingSourceError, SourceError
from ddcodec.exchange.fkd import reading
from ddcodec.exchange.fkd.batch import batch_of
from tests.exchange.fkd.trees import CLASSES, SIZE, read, tree


@pytest.fixture(scope="module")
def sre2l(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tree(tmp_path_factory.mktemp("bad") / "FKD")


@pytest.fixture
def copy(sre2l: Path, tmp_path: Path) -> Path:
    return shutil.copytree(sre2l, tmp_path / "FKD")


@pytest.fixture(scope="module")
def good(sre2l: Path) -> list[Any]:
    found: list[Any] = torch.load(sre2l / "epoch_0" / "batch_0.tar", weights_only=False)
    return found


class Writer:
    """Writes a file when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return os.mkdir, (str(self.target),)


@pytest.mark.parametrize("old", [False, True])
def test_no_code_is_run(copy: Path, good: list[Any], tmp_path: Path, old: bool) -> None:
    target = tmp_path / "made by the pickle"
    content = [*good[:3], Writer(target), *good[4:]]
    path = copy / "epoch_0" / "batch_0.tar"
    torch.save(content, path, _use_new_zipfile_serialization=not old)
    with pytest.raises(SourceError, match=r"batch_0\.tar holds Python objects beyond tensors"):
        read(copy, tmp_path / "work")
    assert not target.exists()


def test_files_that_are_no_batch(copy: Path, tmp_path: Path, monkeypatch: Any) -> None:
    path = copy / "epoch_0" / "batch_0.tar"
    whole = path.read_bytes()
    for cut in (0, 100, len(whole) // 2):
        path.write_bytes(whole[:cut])
        with pytest.raises(SourceError, match=r"batch_0\.tar is (damaged|truncated)"):
            read(copy, tmp_path / "work")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.pkl", b"0" * 10_000)
    with pytest.raises(SourceError, match="compressed parts"):
        read(copy, tmp_path / "work")
    path.write_bytes(whole)
    monkeypatch.setattr(reading, "_MOST_BYTES", 1000)
    with pytest.raises(SourceError, match="more than the"):
        read(copy, tmp_path / "work")


@pytest.mark.parametrize(
    ("gone", "says"),
    [
        ("epoch_1", r"lacks epoch_1: "),
        ("epoch_1/batch_1.tar", r"epoch_1 lacks batch_1\.tar: "),
        ("epoch_1/batch_2.tar", r"epoch 1 of .* has 20 labels for 24 pictures"),
        ("epoch_1/*", r"epoch_1 holds no batch_0\.tar"),
    ],
)
def test_holes_are_named(copy: Path, tmp_path: Path, gone: str, says: str) -> None:
    for path in copy.glob(gone):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(SourceError, match=says):
        read(copy, tmp_path / "work")
    assert read(copy, tmp_path / "first", views=1).views == 1


def test_fewer_epochs_than_asked_for(copy: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="lacks epoch_3, epoch_4, epoch_5 and 2 more"):
        read(copy, tmp_path / "work", views=8)


def test_folders_that_are_no_tree(tmp_path: Path) -> None:
    with pytest.raises(MissingSourceError, match="is no folder"):
        read(tmp_path / "none", tmp_path / "work")
    with pytest.raises(SourceError, match="no label tree"):
        read(tmp_path, tmp_path / "work")
    (tmp_path / "n01440764").mkdir()
    (tmp_path / "n01440764" / "n01440764_10026.tar").touch()
    with pytest.raises(SourceError, match="the first FKD"):
        read(tmp_path, tmp_path / "work")


def test_trees_of_other_pictures(copy: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="labels over 6 classes, and the pictures have 7"):
        read(copy, tmp_path / "seven", classes=7)
    with pytest.raises(SourceError, match=r"no whole numbers: the pictures .* had another size"):
        read(copy, tmp_path / "size", size=(15, 15))
    with pytest.raises(SourceError, match=r"labels are highest .* pictures per class"):
        read(copy, tmp_path / "fewer", ipc=3)


def changed(good: list[Any], **parts: Any) -> list[Any]:
    """A batch with some parts replaced."""
    names = ("coords", "flips", "partners", "share", "box", "logits", "last")
    content = dict(zip(names, good, strict=False)) | parts
    return [content[name] for name in names if name in content]


def coords_of(good: list[Any], *first: float) -> torch.Tensor:
    coords = good[0].clone()
    coords[0] = torch.tensor(first)
    return coords


LISTED = torch.arange(30, dtype=torch.int16).reshape(10, 3) % 6
CASES: list[tuple[str, Callable[[list[Any]], Any], str]] = [
    ("mixup", lambda g: changed(g, box=None), "blends whole pictures"),
    ("eight parts", lambda g: [*g, g[0], g[0]], "RandAugment"),
    ("five parts", lambda g: g[:5], "holds 5 parts"),
    ("no list", lambda g: {"a": 1}, "holds no list"),
    ("NaN", lambda g: changed(g, logits=g[5] * float("nan")), "no numbers"),
    ("infinite", lambda g: changed(g, logits=g[5] * float("inf")), "no numbers"),
    ("a flip less", lambda g: changed(g, flips=g[1][1:]), "10 crops, 9 flips, 10 labels"),
    ("a label less", lambda g: changed(g, logits=g[5][1:]), "10 crops, 10 flips, 9 labels"),
    ("three coordinates", lambda g: changed(g, coords=g[0][:, :3]), r"\[images, 4\]"),
    ("integers", lambda g: changed(g, coords=g[0].long()), "coordinates are int64"),
    ("no tensor", lambda g: changed(g, logits=[1.0]), "logits are no plain tensor"),
    ("sparse", lambda g: changed(g, logits=g[5].float().to_sparse()), "no plain tensor"),
    (
        "a claim",
        lambda g: changed(g, logits=torch.zeros(1).expand(10, CLASSES)),
        "claim more values than the file holds",
    ),
    ("a crop beyond", lambda g: changed(g, coords=coords_of(g, 0.5, 0, 0.75, 1)), "beyond its pi"),
    ("no row", lambda g: changed(g, coords=coords_of(g, 0, 0, 0, 1)), "beyond its picture"),
    ("a fraction", lambda g: changed(g, coords=coords_of(g, 0.03, 0, 0.5, 1)), "no whole numbers"),
    ("NaN crop", lambda g: changed(g, coords=coords_of(g, np.nan, 0, 0.5, 1)), "no whole numbers"),
    ("a far partner", lambda g: changed(g, partners=g[2] + 1), "not 10 numbers within its 10"),
    ("few partners", lambda g: changed(g, partners=g[2][1:]), "not 10 numbers within its 10"),
    ("a long box", lambda g: changed(g, box=[0, 0, 17, 4]), r"rows 0\.\.17"),
    ("a turned box", lambda g: changed(g, box=[5, 0, 4, 4]), r"rows 5\.\.4"),
    ("three numbers", lambda g: changed(g, box=[5, 0, 4]), "has four numbers"),
    ("a broken box", lambda g: changed(g, box=[0.5, 0, 4, 4]), "four whole numbers"),
    ("images", lambda g: [*g, torch.arange(9)], "9 numbers of images for 10 labels"),
    ("floats", lambda g: [*g, torch.zeros(10)], "its last part are float32"),
    ("other lists", lambda g: [*g, LISTED[:, :2]], r"\(10, 6\) logits and \(10, 2\) classes"),
    (
        "a class beyond",
        lambda g: changed(g, logits=g[5][:, :3], last=LISTED + 1),
        "lists classes 1..6, and the pictures have 6",
    ),
    ("twice", lambda g: changed(g, logits=g[5][:, :3], last=LISTED * 0), "a class twice"),
]


@given(st.integers(1, 400), st.integers(1, 400), st.integers(0, 1 << 32), st.booleans())
@settings(max_examples=60, deadline=None)
def test_coordinates_are_exact_pixels_again(width: int, height: int, seed: int, half: bool) -> None:
    """As shares of the sides, in 32 bits or, of LPQLD, in 16."""
    rng = np.random.default_rng(seed)
    rows, columns = rng.integers(1, height + 1, 8), rng.integers(1, width + 1, 8)
    top, left = rng.integers(height - rows + 1), rng.integers(width - columns + 1)
    crops = np.stack([top, left, rows, columns], axis=1)
    coords = torch.from_numpy((crops / (height, width, height, width)).astype(np.float32))
    flips, logits = torch.from_numpy(rng.integers(2, size=8) == 1), torch.zeros(8, 3)
    content = [coords.half() if half else coords, flips, None, None, None, logits]
    batch = batch_of(content, "batch", (width, height), 3)
    np.testing.assert_array_equal(batch.crops, crops)
    np.testing.assert_array_equal(batch.flips, flips)
    assert batch.partners is None


@pytest.mark.parametrize(("change", "says"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_what_no_view_of_these_pictures_can_be(
    good: list[Any], change: Callable[[list[Any]], Any], says: str
) -> None:
    assert len(batch_of(good, "batch", SIZE, CLASSES)) == 10
    with pytest.raises(SourceError, match=says):
        batch_of(change(good), "batch", SIZE, CLASSES)
