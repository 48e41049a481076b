"""NPZ files of pictures: keys of several makers, splits, names, and what is refused."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ddcodec
from ddcodec.errors import RequestError, SourceError
from ddcodec.sources.source import load_images

PICTURES = np.random.default_rng(0).integers(0, 256, (6, 5, 4, 3), np.uint8)
LABELS = np.array([1, 0, 1, 2, 0, 2])


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize(
    ("pictures", "labels"),
    [("images", "labels"), ("x_train", "y_train"), ("train_images", "train_labels")],
)
def test_pictures_are_grouped_by_label(
    tmp_path: Path, save: Any, pictures: str, labels: str
) -> None:
    save(tmp_path / "a.npz", **{pictures: PICTURES, labels: LABELS[:, None]})
    source = ddcodec.open_source(tmp_path / "a.npz")
    assert source.classes == ("0", "1", "2")
    assert source.name(1, 1) == f"row 2 of {pictures} in {tmp_path}/a.npz"
    images, own = load_images(source, source.native_size())
    assert np.array_equal(images, PICTURES[np.argsort(LABELS, kind="stable")])
    assert own.tolist() == [0, 0, 1, 1, 2, 2]


def test_splits_and_names_are_found(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    names = np.array(["ant", "bee", "cat"])
    more = {"x_test": PICTURES[:2], "y_test": LABELS[:2], "classes": names}
    np.savez(path, x_train=PICTURES, y_train=LABELS, **more)
    assert ddcodec.open_source(path).counts == (2, 2, 2)
    test = ddcodec.open_source(path, "test")
    assert (test.classes, test.counts) == (("ant", "bee"), (1, 1))
    assert "'cat'" in test.warnings[0]
    assert ddcodec.open_source(f"{path}::test").fingerprint == test.fingerprint
    np.savez(path, images=PICTURES, labels=names[LABELS])
    assert ddcodec.open_source(path).classes == ("ant", "bee", "cat")


def test_grey_pictures_are_said_to_be_grey(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=PICTURES[..., 0], labels=LABELS)
    pixels, notes = ddcodec.open_source(tmp_path / "a.npz").read(1, 0, None)
    assert notes == ["greyscale"] and np.array_equal(pixels[..., 2], PICTURES[0, :, :, 0])


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": PICTURES}, "holds the arrays images: name those"),
        ({"images": PICTURES, "labels": LABELS[:3]}, r"6 pictures, and labels of shape \[3\]"),
        ({"images": PICTURES, "labels": LABELS / 2}, "classes are whole numbers or text"),
        ({"images": PICTURES / 255, "labels": LABELS}, "Multiply values of 0..1 by 255"),
        ({"images": PICTURES[:, :3], "labels": LABELS}, None),
        ({"images": np.zeros((6, 3, 8, 8), np.uint8), "labels": LABELS}, "channels stand first"),
        ({"images": PICTURES, "labels": LABELS - 1}, None),
        ({"images": PICTURES, "labels": LABELS, "classes": np.array(["a"])}, "numbers 0 to 0"),
        ({"images": PICTURES[:0], "labels": LABELS[:0]}, "holds no pictures"),
        ({"images": np.asfortranarray(PICTURES), "labels": LABELS}, "Fortran's order"),
    ],
)
def test_arrays_that_are_no_pictures_with_classes_are_refused(
    tmp_path: Path, arrays: dict[str, Any], message: str | None
) -> None:
    np.savez(tmp_path / "a.npz", **arrays)
    if message is None:
        assert len(ddcodec.open_source(tmp_path / "a.npz")) == 6
        return
    with pytest.raises(SourceError, match=message):
        ddcodec.open_source(tmp_path / "a.npz")


def test_python_objects_and_damage_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, images=PICTURES, labels=np.array([print] * 6, dtype=object), allow_pickle=True)
    with pytest.raises(SourceError, match="reading those may run any code"):
        ddcodec.open_source(path)
    np.savez(path, images=PICTURES, labels=LABELS)
    data = bytearray(path.read_bytes())
    data[data.index(b"(6, 5, 4, 3)")] = ord("[")
    path.write_bytes(data)
    with pytest.raises(SourceError, match="is damaged, or no"):
        ddcodec.open_source(path)


def test_an_array_that_claims_more_than_its_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, images=PICTURES, labels=LABELS)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["images.npy"] = parts["images.npy"].replace(b"(6, 5, 4, 3)", b"(9, 5, 4, 3)")
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    with pytest.raises(SourceError, match="which is not so or too many"):
        ddcodec.open_source(path)


def test_a_split_that_is_not_there_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x_train=PICTURES, y_train=LABELS)
    with pytest.raises(RequestError, match="has no split 'test': it has 'train'"):
        ddcodec.open_source(f"{tmp_path}/a.npz::test")
    with pytest.raises(SourceError, match="none is clearly the split to test on"):
        ddcodec.open_source(tmp_path / "a.npz", "test")
