"""From the folder that a user gives to its classes: what is found, and what is refused and how."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ddcodec.errors import RequestError, SourceError
from ddcodec.sources.folder import scan
from ddcodec.sources.opening import open_source
from ddcodec.sources.source import source_findings
from ddcodec.sources.splits import roles_of


def fill(root: Path, *classes: str, count: int = 2) -> Path:
    """Class folders of tiny pictures, each of them different."""
    for name in classes:
        folder = root / name
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(count):
            seed = zlib.crc32(f"{folder}/{number}".encode(errors="replace"))
            pixels = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), np.uint8)
            Image.fromarray(pixels).save(folder / f"{number}.png")
    return root


def splits(root: Path, *names: str) -> Path:
    for name in names:
        fill(root / name, "cat", "dog")
    return root


@pytest.mark.parametrize(
    ("folders", "used", "beside"),
    [
        (("train", "test"), "train", "test"),
        (("Training", "Testing"), "Training", "Testing"),
        (("TRAIN", "VAL", "TEST"), "TRAIN", "TEST, VAL"),
        (("train_images", "test_images"), "train_images", "test_images"),
        (("asl_train", "asl_test"), "asl_train", "asl_test"),
        (("train2017", "val2017"), "train2017", "val2017"),
        (("seg_train/seg_train", "seg_test/seg_test"), "seg_train/seg_train", "seg_test"),
        (("data/training_set", "data/test_set"), "data/training_set", "test_set"),
    ],
)
def test_the_training_split_is_found_and_the_others_are_said(
    tmp_path: Path, folders: tuple[str, ...], used: str, beside: str
) -> None:
    source = scan(splits(tmp_path, *folders))
    assert source.classes == ("cat", "dog") and source.counts == (2, 2)
    assert source.place == f"{tmp_path / used} (not used: {beside})"
    test = scan(tmp_path, split="test")
    assert test.root != source.root and test.counts == (2, 2)


@pytest.mark.parametrize(
    ("folders", "message"),
    [
        (("val", "test"), r"holds test, val, .* none to train on: give .*src/test$"),
        (
            ("train", "test", "masks"),
            r"splits \(test, train\), which stand beside masks: .*/train$",
        ),
        (("train_a", "train_b", "test"), "train_a"),
        (("flowers/train", "flowers/test", "signs"), r"too high.*flowers/test\. Give.*src/flowers"),
        (
            ("flowers", "signs"),
            r"too high: its folders \(flowers, signs\) .* such as .*src/flowers",
        ),
        (("train", "extra"), "Give one of them, such as .*src/train"),
    ],
)
def test_what_could_be_meant_in_two_ways_is_refused_with_the_folder_to_give(
    tmp_path: Path, folders: tuple[str, ...], message: str
) -> None:
    splits(tmp_path / "src", *folders)
    with pytest.raises(SourceError, match=message):
        scan(tmp_path / "src")


def test_one_level_too_high_is_seen_beside_a_folder_of_samples(tmp_path: Path) -> None:
    fill(splits(tmp_path, "flowers", "signs"), "samples")
    with pytest.raises(SourceError, match="too high"):
        scan(tmp_path)


def test_splits_inside_of_classes_are_refused(tmp_path: Path) -> None:
    fill(tmp_path, "cat/train", "cat/test", "dog/train", "dog/test")
    with pytest.raises(SourceError, match="give a folder of their training pictures"):
        scan(tmp_path)


def test_a_split_of_loose_pictures_is_no_class(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"train holds 2 pictures directly: put them in one sub"):
        scan(fill(tmp_path, "train", "test"))


def test_a_validation_split_stands_in_for_test_pictures_without_classes(tmp_path: Path) -> None:
    fill(splits(tmp_path, "train", "val"), "test")
    assert scan(tmp_path, split="test").root == tmp_path / "val"


def test_levels_of_archives_are_passed_by_with_what_they_leave(tmp_path: Path) -> None:
    fill(tmp_path / "flowers" / "images", "rose", "tulip")
    fill(tmp_path, "__MACOSX/flowers/images/rose")
    (tmp_path / "README.txt").write_text("read me")
    assert scan(tmp_path).root == tmp_path / "flowers" / "images"


def test_a_vehicle_called_train_is_a_class(tmp_path: Path) -> None:
    fill(tmp_path, "bus", "car", "train/steam", "train/diesel")
    source = scan(tmp_path)
    assert source.classes == ("bus", "car", "train") and source.counts == (2, 2, 4)
    assert "class 'train' has its pictures in several subfolders (diesel, ste" in source.warnings[0]
    assert roles_of(["steam_train", "bullet_train", "bus"]) == {}


def test_a_folder_of_images_in_each_class_is_no_level_too_many(tmp_path: Path) -> None:
    source = scan(fill(tmp_path, "n01/images", "n02/images"))
    assert source.classes == ("n01", "n02") and source.warnings == ()


def test_debris_of_systems_is_ignored_without_a_word(tmp_path: Path) -> None:
    fill(tmp_path, "cat", "dog", "@eaDir/cat", "cat/@eaDir/0.png", "cat/.ipynb_checkpoints")
    for name in (".DS_Store", "Thumbs.db", "._0.png", "desktop.ini"):
        (tmp_path / "cat" / name).write_bytes(b"x")
    source = scan(tmp_path)
    assert (source.classes, source.counts, source.warnings) == (("cat", "dog"), (2, 2), ())


def test_what_else_is_left_out_is_said_by_kind(tmp_path: Path) -> None:
    fill(tmp_path, "cat", "dog", ".22 rifle")
    (tmp_path / "cat" / "a.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(40))
    (tmp_path / "cat" / "b").write_bytes(b"x")
    (tmp_path / "cat" / "gone.png").symlink_to("nowhere.png")
    Image.new("RGB", (4, 4)).save(tmp_path / "loose.png")
    hidden, loose, files = scan(tmp_path).warnings
    assert ".22 rifle with 2 pictures; rename them if they are classes" in hidden
    assert loose.startswith("1 picture directly in") and "loose.png, belong to no class" in loose
    assert files.startswith("3 files ignored: 1 .heic, 1 broken link, 1 without a suffix")
    assert files.endswith("(a.heic is a HEIC picture: save it as PNG or JPEG)")


def test_jfif_is_jpeg_by_another_name(tmp_path: Path) -> None:
    fill(tmp_path, "cat", "dog")
    Image.new("RGB", (4, 4)).save(tmp_path / "cat" / "z.jfif", "JPEG")
    assert scan(tmp_path).counts == (3, 2)


def test_a_class_without_pictures_says_what_is_there(tmp_path: Path) -> None:
    fill(tmp_path, "cat", "dog")
    (tmp_path / "cow").mkdir()
    Image.new("RGB", (4, 4)).save(tmp_path / "cow" / "img1", "PNG")
    with pytest.raises(SourceError, match=r"'cow' has no .*1 without a suffix \(img1 is a PNG pic"):
        scan(tmp_path)


def test_links_to_folders_are_followed_once(tmp_path: Path) -> None:
    fill(tmp_path / "set", "cat", "dog")
    fill(tmp_path / "elsewhere", "batch")
    (tmp_path / "set" / "cat" / "more").symlink_to(tmp_path / "elsewhere" / "batch")
    (tmp_path / "set" / "cat" / "again").symlink_to(tmp_path / "elsewhere" / "batch")
    (tmp_path / "set" / "cat" / "up").symlink_to("..")
    (tmp_path / "set" / "all").symlink_to(".")
    (tmp_path / "set" / "self").symlink_to("self")
    source = scan(tmp_path / "set")
    assert source.counts == (4, 2)
    assert source.names(0) == ("0.png", "1.png", "again/0.png", "again/1.png")


def test_names_that_are_not_unicode(tmp_path: Path) -> None:
    fill(tmp_path, "cat", "dog")
    (tmp_path / os.fsdecode(b"read_m\xe9.txt")).write_text("x")
    picture = tmp_path / "cat" / "0.png"
    picture.rename(picture.with_name(os.fsdecode(b"caf\xe9.png")))
    source = scan(tmp_path)
    assert source.counts == (2, 2) and source.warnings == ()
    assert source.name(0, 1).endswith(r"cat/caf\xe9.png") and len(source.fingerprint) == 64
    (tmp_path / "dog").rename(tmp_path / os.fsdecode(b"h\xfcnd"))
    with pytest.raises(SourceError, match=r"h\\xfcnd is not UTF-8.*: rename it"):
        scan(tmp_path)


def test_forms_of_unicode_in_file_names_change_nothing(tmp_path: Path) -> None:
    for form, names in (("nfc", ("caf\u00e9", "cafz")), ("nfd", ("cafe\u0301", "cafz"))):
        for number, name in enumerate(names):
            fill(tmp_path / form, "cat", "dog", count=0)
            for cls in ("cat", "dog"):
                Image.new("RGB", (4, 4), (number, 0, len(cls))).save(
                    tmp_path / form / cls / f"{name}.png"
                )
    assert scan(tmp_path / "nfc").fingerprint == scan(tmp_path / "nfd").fingerprint


def test_class_names_that_differ_only_in_spelling_are_said(tmp_path: Path) -> None:
    (warning,) = scan(fill(tmp_path, "Cat", "cat", "sea_lion", "sea lion", "dog")).warnings
    assert "'Cat' and 'cat', 'sea lion' and 'sea_lion'; if they are one class" in warning


def test_one_class_and_classes_much_larger_than_others_are_said(tmp_path: Path) -> None:
    (one,) = scan(fill(tmp_path / "one", "cat")).warnings
    assert one.startswith("there is one class only, 'cat'")
    fill(tmp_path / "two", "cat", count=20)
    assert scan(fill(tmp_path / "two", "dog", count=1)).warnings == ()
    (large,) = scan(fill(tmp_path / "two", "cat", count=21)).warnings
    assert "class 'cat' has 21 pictures, and class 'dog' only 1" in large


def test_the_same_picture_under_two_classes_is_said(tmp_path: Path) -> None:
    fill(tmp_path, "cat", "dog")
    source = scan(tmp_path)
    assert source_findings(source) == ()
    (tmp_path / "dog" / "z.png").write_bytes((tmp_path / "cat" / "1.png").read_bytes())
    (tmp_path / "dog" / "zz.png").write_bytes((tmp_path / "cat" / "1.png").read_bytes())
    source = scan(tmp_path)
    assert source.shared_pictures == (((0, 1), (1, 2), (1, 3)),)
    (said,) = source_findings(source)
    assert said.startswith("1 picture stands under several classes, byte for byte; for example")
    assert str(tmp_path / "cat" / "1.png") in said


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        (
            "a.7z",
            lambda p: p.write_bytes(b"7z\xbc\xaf'\x1c"),
            r"a 7z archive: unpack it \(`7z x .*a\.7z -o.*/a`\), then give .*/a",
        ),
        ("my a.7z", lambda p: p.write_bytes(b"7z\xbc\xaf'\x1c"), r"7z x '.*my a\.7z' -o'.*/my a'"),
        (
            "a.h5",
            lambda p: p.write_bytes(b"\x89HDF\r\n\x1a\n"),
            "an HDF5 file, .*: write its",
        ),
        (
            "data_batch_1",
            lambda p: p.write_bytes(b"\x80\x02}q"),
            "a Python pickle, .*: give the",
        ),
        ("a.ddz", lambda p: p.write_bytes(b"x"), "artifact already: decode it"),
        ("a.png", lambda p: Image.new("L", (1, 1)).save(p), "a PNG picture, not a folder"),
        ("a.txt", lambda p: p.write_text("x"), "is a file, not a folder"),
    ],
)
def test_a_file_in_the_place_of_a_folder_is_named_with_the_way(
    tmp_path: Path, name: str, make: Callable[[Path], object], message: str
) -> None:
    make(tmp_path / name)
    with pytest.raises(RequestError, match=message):
        open_source(tmp_path / name)


def test_data_sets_in_other_forms_inside_of_a_folder_are_named(tmp_path: Path) -> None:
    batches = tmp_path / "cifar-10-batches-py"
    batches.mkdir()
    for number in range(1, 6):
        (batches / f"data_batch_{number}").write_bytes(b"\x80\x02}q")
    with pytest.raises(
        SourceError, match=r"5 without a suffix in cifar-10.*is a Python pickle, as"
    ):
        open_source(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("uoft-cs/cifar10", "if it is a data set of the hub, write hf://datasets/uoft-cs/cifar10"),
        (
            "https://example.org/a.zip",
            "example.org/a.zip is an address that is not read",
        ),
        ("photo", r"did you mean photos\?"),
        ("missing", "no such folder: missing; give"),
    ],
)
def test_what_is_not_there_is_told_by_what_it_looks_like(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    with pytest.raises(SourceError, match=message):
        open_source(text)
