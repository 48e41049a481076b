"""CIFAR as it is distributed: for Python and for C, in folders and archives, and no code is run."""

from __future__ import annotations

import os
import pickle
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ddcodec
from ddcodec.errors import RequestError, SourceError
from ddcodec.sources.source import load_images
from ddcodec.sources.tables.pickles import load_arrays_pickle

RNG = np.random.default_rng(0)
PICTURES = RNG.integers(0, 256, (24, 32, 32, 3), np.uint8)
LABELS = [n * 7 % 3 for n in range(24)]
NAMES = ["ant", "bee", "cat"]


def planes(pictures: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.ascontiguousarray(pictures.transpose(0, 3, 1, 2)).reshape(len(pictures), -1)


def save(value: object, path: Path) -> None:
    path.write_bytes(pickle.dumps(value, 2))


def cifar10(folder: Path) -> Path:
    folder.mkdir()
    for number in range(5):
        part = slice(4 * number, 4 * number + 4)
        batch = {b"data": planes(PICTURES[part]), b"labels": LABELS[part], b"batch_label": b"x"}
        save(batch, folder / f"data_batch_{number + 1}")
    save({b"data": planes(PICTURES[20:]), b"labels": LABELS[20:]}, folder / "test_batch")
    save({b"label_names": [name.encode() for name in NAMES]}, folder / "batches.meta")
    return folder


def cifar100(folder: Path) -> Path:
    folder.mkdir()
    for name, part in (("train", slice(20)), ("test", slice(20, 24))):
        fine, coarse = LABELS[part], [0] * len(LABELS[part])
        batch = {"data": planes(PICTURES[part]), "fine_labels": fine, "coarse_labels": coarse}
        save(batch, folder / name)
    save({"fine_label_names": NAMES, "coarse_label_names": ["animal"]}, folder / "meta")
    return folder


def binary10(folder: Path) -> Path:
    folder.mkdir()
    for number in range(6):
        name = "test_batch.bin" if number == 5 else f"data_batch_{number + 1}.bin"
        part = slice(4 * number, 4 * number + 4)
        records = np.column_stack([np.array(LABELS[part], np.uint8), planes(PICTURES[part])])
        (folder / name).write_bytes(records.tobytes())
    (folder / "batches.meta.txt").write_text("\n".join(NAMES) + "\n\n")
    return folder


def binary100(folder: Path) -> Path:
    folder.mkdir()
    for name, part in (("train.bin", slice(20)), ("test.bin", slice(20, 24))):
        fine = np.array(LABELS[part], np.uint8)
        records = np.column_stack([0 * fine, fine, planes(PICTURES[part])])
        (folder / name).write_bytes(records.tobytes())
    (folder / "fine_label_names.txt").write_text("\n".join(NAMES))
    return folder


def in_archive(make: Callable[[Path], Path]) -> Callable[[Path], Path]:
    def packed(folder: Path) -> Path:
        with tarfile.open(folder.with_suffix(".tar.gz"), "w:gz") as archive:
            archive.add(make(folder), "cifar")
        return folder.with_suffix(".tar.gz")

    return packed


@pytest.mark.parametrize(
    "make", [cifar10, cifar100, binary10, binary100, in_archive(cifar10), in_archive(binary100)]
)
def test_pictures_classes_and_splits_are_those_of_the_files(
    make: Callable[[Path], Path], tmp_path: Path
) -> None:
    path = make(tmp_path / "cifar")
    for split, part in (("train", slice(20)), ("test", slice(20, 24))):
        source = ddcodec.open_source(path, split)  # type: ignore[arg-type]
        assert source.classes == tuple(NAMES)
        assert source.fingerprint == ddcodec.open_source(f"{path}::{split}").fingerprint
        images, labels = load_images(source, source.native_size())
        order = np.argsort(LABELS[part], kind="stable")
        assert np.array_equal(images, PICTURES[part][order])
        assert labels.tolist() == sorted(LABELS[part])


def test_a_set_in_its_folder_is_found_one_level_below(tmp_path: Path) -> None:
    cifar10(tmp_path / "cifar-10-batches-py")
    source = ddcodec.open_source(tmp_path)
    assert source.name(0, 0) == f"row 0 of {tmp_path}/cifar-10-batches-py/data_batch_1"


def test_two_ways_in_one_folder_are_listed(tmp_path: Path) -> None:
    cifar10(tmp_path / "a")
    for file in binary10(tmp_path / "b").iterdir():
        file.rename(tmp_path / "a" / file.name)
    with pytest.raises(RequestError, match="as CIFAR-10 for Python, or as CIFAR-10 for C"):
        ddcodec.open_source(tmp_path / "a")


def test_what_is_missing_or_foreign_is_said(tmp_path: Path) -> None:
    folder = cifar10(tmp_path / "cifar")
    with pytest.raises(RequestError, match="no split 'val': it has 'train', 'test'"):
        ddcodec.open_source(f"{folder}::val")
    with pytest.raises(RequestError, match="a Python pickle, as CIFAR is distributed: give"):
        ddcodec.open_source(folder / "data_batch_1")
    save({b"data": planes(PICTURES[:4]), b"labels": LABELS[:3]}, folder / "data_batch_2")
    with pytest.raises(SourceError, match="4 pictures and 3 labels"):
        ddcodec.open_source(folder)
    save({b"data": [1, 2], b"labels": [1, 2]}, folder / "data_batch_2")
    with pytest.raises(SourceError, match="data_batch_2 is no file of CIFAR"):
        ddcodec.open_source(folder)
    save({b"pixels": 0}, folder / "data_batch_2")
    with pytest.raises(SourceError, match="has no data, but"):
        ddcodec.open_source(folder)
    (folder / "data_batch_2").unlink()
    with pytest.raises(SourceError, match="CIFAR-10 for Python without data_batch_2"):
        ddcodec.open_source(folder)


def test_records_that_are_not_whole_are_refused(tmp_path: Path) -> None:
    folder = binary10(tmp_path / "cifar")
    (folder / "data_batch_3.bin").write_bytes(bytes(3074))
    with pytest.raises(SourceError, match="3,074 bytes, which are no whole records of 3073"):
        ddcodec.open_source(folder)


class Bomb:
    def __init__(self, *what: Any) -> None:
        self.what = what

    def __reduce__(self) -> tuple[Any, ...]:
        return self.what


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    "value",
    [
        Bomb(os.system, ("touch owned",)),
        Bomb(eval, ("open('owned', 'w')",)),
        Bomb(np.load, ("owned",)),
        [1, {"a": Bomb(exec, ("open('owned', 'w')",))}],
        Path("owned"),
    ],
)
def test_a_pickle_that_would_run_code_is_refused_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, protocol: int, value: object
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "data_batch_1"
    path.write_bytes(pickle.dumps(value, protocol))
    with pytest.raises(SourceError, match="Python objects beyond arrays, text and numbers"):
        load_arrays_pickle(path)
    assert os.listdir() == ["data_batch_1"]


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x02r\xff\xff\xff\xff.",  # a memo of four thousand million places
        b"\x80\x02U\xff",
        b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.",
        b"",
        b"\x80\x02}q\x01",
    ],
)
def test_a_damaged_pickle_takes_no_memory(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "meta").write_bytes(data)
    with pytest.raises(SourceError, match="truncated or damaged"):
        load_arrays_pickle(tmp_path / "meta")


def test_text_is_made_of_latin_bytes_alone(tmp_path: Path) -> None:
    (tmp_path / "meta").write_bytes(
        b"c_codecs\nencode\n(X\x01\x00\x00\x00aX\x05\x00\x00\x00rot13tR."
    )
    with pytest.raises(SourceError, match="text in rot13"):
        load_arrays_pickle(tmp_path / "meta")


@pytest.mark.parametrize("protocol", range(5))
def test_arrays_of_protocols_up_to_4_are_read(tmp_path: Path, protocol: int) -> None:
    value = {b"a": np.arange(6, dtype=np.uint8).reshape(2, 3), b"b": [1, "x", b"y", (2.5, None)]}
    (tmp_path / "x").write_bytes(pickle.dumps(value, protocol))
    found = load_arrays_pickle(tmp_path / "x")
    assert np.array_equal(found[b"a"], value[b"a"]) and found[b"b"] == value[b"b"]
