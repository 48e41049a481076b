"""The place where what a user gives is decided; and every kind of source in whole encodes."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import ddcodec
from ddcodec.errors import DdcodecError, RequestError, SourceError
from ddcodec.sources.folder import ImageFolder
from ddcodec.sources.opening import training_source

QUICK: dict[str, Any] = {"method": "random", "ipc": 2, "labels": "hard"}


def pairs(folder: Path) -> list[tuple[Image.Image, str]]:
    found = []
    for path in sorted(folder.glob("*/*")):
        with Image.open(path) as image:
            found.append((image.copy(), path.parent.name))
    return found


@pytest.fixture
def packed(image_folder: Path, tmp_path: Path) -> Path:
    """``train`` and ``test`` in one archive."""
    return Path(shutil.make_archive(str(tmp_path / "photos"), "zip", image_folder))


def test_a_folder_is_a_folder_whatever_it_is_called(image_folder: Path, tmp_path: Path) -> None:
    for name in ("a::b", "hf:", "set?label=x", "n-{0..3}"):
        folder = tmp_path / name
        shutil.copytree(image_folder / "train", folder)
        source = ddcodec.open_source(folder)
        assert isinstance(source, ImageFolder) and source.origin == str(folder)
    assert ddcodec.open_source(source) is source


def test_a_part_of_a_folder_is_given_as_a_path(image_folder: Path) -> None:
    with pytest.raises(RequestError, match=rf"in it, {image_folder}/test"):
        ddcodec.open_source(f"{image_folder}::test")


def test_training_pictures_are_found_in_the_place_of_test_pictures(
    image_folder: Path, packed: Path
) -> None:
    whole = ddcodec.open_source(image_folder).fingerprint
    for test in (image_folder, image_folder / "test", packed, f"{packed}::test"):
        found = training_source(test)
        assert found is not None and found.fingerprint == whole
    assert training_source(f"{packed}::train") is None
    assert training_source(pairs(image_folder / "test")) is None


def test_an_archive_a_table_and_pairs_give_the_same_pictures(
    image_folder: Path, packed: Path, tmp_path: Path
) -> None:
    own = pairs(image_folder / "train")
    names = sorted({name for _, name in own})
    np.savez(
        tmp_path / "a.npz",
        images=np.stack([np.asarray(image.convert("RGB")) for image, _ in own]),
        labels=[names.index(name) for _, name in own],
        classes=names,
    )
    made = [
        ddcodec.encode(source, tmp_path / f"{number}.ddz", omit_provenance=True, **QUICK)
        for number, source in enumerate((image_folder, packed, tmp_path / "a.npz", own))
    ]
    assert len({one.digest for one in made}) == 1


def test_what_changed_in_an_archive_is_refused_on_resume(
    image_folder: Path, packed: Path, tmp_path: Path
) -> None:
    given = {**QUICK, "work": tmp_path / "work", "force": True}
    ddcodec.encode(packed, tmp_path / "a.ddz", **given)
    # The folder that was packed is the same source.
    ddcodec.encode(image_folder, tmp_path / "a.ddz", **given)
    with tarfile.open(tmp_path / "b.tar", "w") as archive:
        archive.add(image_folder / "train", "train")
        Image.new("RGB", (16, 16)).save(tmp_path / "more.png")
        archive.add(tmp_path / "more.png", "train/blob/more.png")
    with pytest.raises(DdcodecError, match="source"):
        ddcodec.encode(tmp_path / "b.tar", tmp_path / "a.ddz", **given)


def test_pairs_go_on_where_an_encode_stopped(image_folder: Path, tmp_path: Path) -> None:
    given = {**QUICK, "work": tmp_path / "work", "force": True}
    own = pairs(image_folder / "train")
    first = ddcodec.encode(iter(own), tmp_path / "a.ddz", **given)
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "work").rglob("*.npz")}
    again = ddcodec.encode(iter(pairs(image_folder / "train")), tmp_path / "a.ddz", **given)
    assert first.digest == again.digest
    assert kept == {path: path.stat().st_mtime_ns for path in (tmp_path / "work").rglob("*.npz")}
    with pytest.raises(DdcodecError, match="source"):
        ddcodec.encode(iter(own[1:]), tmp_path / "a.ddz", **given)


def test_workers_read_pairs_and_archives_too(
    image_folder: Path, packed: Path, tmp_path: Path
) -> None:
    sources, digests = (packed, pairs(image_folder / "train")), set()
    for number, source in enumerate(sources):
        for workers in (1, 2):
            out, given = tmp_path / f"{number}-{workers}.ddz", {**QUICK, "omit_provenance": True}
            digests.add(ddcodec.encode(source, out, workers=workers, **given).digest)
    assert len(digests) == 1


def test_a_disk_without_room_is_said(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=0))
    with pytest.raises(SourceError, match="set DDCODEC_CACHE to a folder on another disk"):
        ddcodec.open_source([(np.zeros((2, 2), np.uint8), "a")])


def test_an_address_of_another_kind_is_never_opened() -> None:
    for text in ("https://example.org/a.zip", "s3://bucket/photos", "hf://models/a/b"):
        with pytest.raises(DdcodecError, match=r"is an address that is not read|is no address of"):
            ddcodec.open_source(text)
