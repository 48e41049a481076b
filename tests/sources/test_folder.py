"""An image folder is read the same way on every machine, and says what is wrong with it."""

from __future__ import annotations

import os
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms, ImageOps

from ddcodec.errors import SourceError
from ddcodec.sources.folder import scan
from ddcodec.sources.pictures import LoadReport, load_image
from ddcodec.sources.source import load_images


def picture(path: Path, mode: str = "RGB", size: tuple[int, int] = (8, 8), value: int = 60) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    colour = value if len(mode) == 1 or mode.startswith("I") else (value,) * len(mode)
    Image.new(mode, size, colour).save(path)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("dog", "Cat", "ant"):
        for number in (10, 2, 1):
            picture(tmp_path / "data" / name / f"{number}.png", value=number * 20)
    return tmp_path / "data"


def test_classes_and_files_are_sorted_by_name(folder: Path) -> None:
    source = scan(folder)
    assert source.classes == ("Cat", "ant", "dog")
    assert source.names(0) == ("1.png", "10.png", "2.png")
    assert len(source) == 9


def test_train_is_found_unless_it_is_a_class(folder: Path, tmp_path: Path) -> None:
    split = tmp_path / "split"
    split.mkdir()
    folder.rename(split / "train")
    picture(split / "test" / "dog" / "1.png")
    assert scan(split).root == split / "train"
    picture(tmp_path / "odd" / "train" / "1.png")
    picture(tmp_path / "odd" / "plane" / "1.png")
    assert scan(tmp_path / "odd").classes == ("plane", "train")


def test_pictures_in_nested_folders_belong_to_the_class(folder: Path) -> None:
    picture(folder / "ant" / "images" / "0.png")
    assert scan(folder).names(1) == ("1.png", "10.png", "2.png", "images/0.png")


def test_other_files_are_counted(folder: Path) -> None:
    (folder / "ant" / "boxes.txt").write_text("1 2 3 4")
    assert scan(folder).warnings == ("1 file ignored: 1 .txt",)


def test_fingerprint_follows_content_names_and_classes(folder: Path) -> None:
    first = scan(folder).fingerprint
    assert first == scan(folder).fingerprint
    seen: list[tuple[int, int]] = []
    assert scan(folder).compute_fingerprint(lambda *at: seen.append(at)) == first
    assert seen[-1] == (9, 9)
    (folder / "ant" / "1.png").rename(folder / "ant" / "3.png")
    renamed = scan(folder).fingerprint
    picture(folder / "ant" / "3.png", value=99)
    assert len({first, renamed, scan(folder).fingerprint}) == 3


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: None, "no such folder"),
        (lambda p: p.mkdir(), "no class subfolders"),
        (lambda p: picture(p / "1.png"), "holds 1 pictures directly"),
        (lambda p: (p / "cat").mkdir(parents=True), "no class subfolders with pictures"),
    ],
)
def test_unusable_folders_say_what_to_do(tmp_path: Path, make, message: str) -> None:  # type: ignore[no-untyped-def]
    make(tmp_path / "src")
    with pytest.raises(SourceError, match=message):
        scan(tmp_path / "src")


@pytest.mark.parametrize(
    ("mode", "suffix", "note"),
    [
        ("L", "png", "1 greyscale picture converted to RGB"),
        ("1", "png", "1 greyscale picture converted to RGB"),
        ("P", "png", "1 palette picture converted to RGB"),
        ("RGBA", "png", "1 transparent picture composited on white"),
        ("CMYK", "jpg", "1 CMYK picture converted to RGB without a colour profile"),
        ("I;16", "png", "1 16-bit picture scaled to 8 bits"),
    ],
)
def test_every_kind_of_picture_becomes_rgb(
    tmp_path: Path, mode: str, suffix: str, note: str
) -> None:
    report = LoadReport()
    path = picture(tmp_path / f"x.{suffix}", mode)
    pixels = load_image(path, report=report)
    assert pixels.shape == (8, 8, 3) and pixels.dtype == np.uint8
    assert note in report.describe()


def test_plain_rgb_needs_no_note(tmp_path: Path) -> None:
    report = LoadReport()
    load_image(picture(tmp_path / "x.png"), report=report)
    assert report.describe() == []


def test_sixteen_bits_scale_to_eight(tmp_path: Path) -> None:
    values = np.array([[0, 257, 32768, 65535]], np.uint16)
    Image.fromarray(values).save(tmp_path / "x.png")
    assert load_image(tmp_path / "x.png")[0, :, 0].tolist() == [0, 1, 128, 255]


def test_half_transparent_black_on_white_is_grey(tmp_path: Path) -> None:
    Image.new("RGBA", (1, 1), (0, 0, 0, 128)).save(tmp_path / "x.png")
    assert load_image(tmp_path / "x.png").tolist() == [[[127, 127, 127]]]


def test_grey_with_premultiplied_transparency(tmp_path: Path) -> None:
    entries = [(256, 1), (257, 1), (258, 8 | 8 << 16), (259, 1), (262, 1), (273, 134), (277, 2)]
    entries += [(278, 1), (279, 2), (338, 1)]
    tags = [struct.pack("<HHII", t, 3, 2 if t == 258 else 1, value) for t, value in entries]
    head = b"II*\0" + struct.pack("<IH", 8, len(tags)) + b"".join(tags) + bytes(4)
    (tmp_path / "x.tif").write_bytes(head + bytes([10, 128]))
    report = LoadReport()
    assert load_image(tmp_path / "x.tif", report=report).tolist() == [[[137, 137, 137]]]
    assert report.counts["transparent"] == 1


def test_first_frame_of_an_animation(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "x.gif", save_all=True, append_images=frames[1:])
    report = LoadReport()
    assert load_image(tmp_path / "x.gif", report=report)[0, 0].tolist() == [255, 0, 0]
    assert "1 animated or multi-page picture: first frame used" in report.describe()


@pytest.mark.parametrize("suffix", ["tiff", "jpg", "png", "webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_that_of_pillow(tmp_path: Path, suffix: str, orientation: int) -> None:
    pixels = np.zeros((8, 24, 3), np.uint8)
    pixels[:4, :8], pixels[4:, :8] = (255, 0, 0), (0, 255, 0)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    path = tmp_path / "class" / f"x.{suffix}"
    path.parent.mkdir()
    tags = {"tiffinfo": {274: orientation}} if suffix == "tiff" else {"exif": exif.tobytes()}
    exact = {"jpg": {"quality": 100, "subsampling": 0}, "webp": {"lossless": True}}
    Image.fromarray(pixels).save(path, **tags, **exact.get(suffix, {}))
    with Image.open(path) as image:
        wanted = np.asarray(ImageOps.exif_transpose(image).convert("RGB")).astype(int)
    report = LoadReport()
    read = load_image(path, report=report).astype(int)
    assert read.shape == wanted.shape and np.abs(read - wanted).max() < 40
    assert report.counts["rotated"] == (orientation > 1)
    assert scan(tmp_path).native_size() == wanted.shape[1::-1]


def test_damaged_exif_is_counted_and_pillow_is_quiet(tmp_path: Path) -> None:
    path = tmp_path / "x.jpg"
    damaged = b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + bytes(6)
    Image.new("RGB", (6, 2)).save(path, exif=damaged)
    report = LoadReport()
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        assert load_image(path, report=report).shape == (2, 6, 3)
    assert heard == []
    assert report.describe() == ["1 picture with damaged EXIF: orientation ignored"]


def test_colour_profiles_are_counted(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.new("RGB", (4, 4)).save(tmp_path / "x.png", icc_profile=profile)
    report = LoadReport()
    load_image(tmp_path / "x.png", report=report)
    assert report.describe() == [
        "1 picture with a colour profile: it was ignored, and colours read as sRGB"
    ]


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@pytest.mark.parametrize(
    ("depth", "colour", "row", "key", "wanted"),
    [
        (1, 0, bytes([0b01000000]), (0,), [255, 255]),
        (2, 0, bytes([0b01100000]), (1,), [255, 170]),
        (4, 0, bytes([0x5A]), (5,), [255, 170]),
        (8, 0, bytes([5, 200]), (5,), [255, 200]),
        (16, 0, struct.pack(">HH", 1000, 40000), (1000,), [255, 156]),
        (8, 2, bytes([1, 2, 3, 9, 9, 9]), (1, 2, 3), [255, 9]),
        (
            16,
            2,
            struct.pack(">6H", 4113, 8226, 12339, 2570, 2570, 2570),
            (4113, 8226, 12339),
            [255, 10],
        ),
    ],
)
def test_a_transparent_colour_is_white_in_every_depth(
    tmp_path: Path, depth: int, colour: int, row: bytes, key: tuple[int, ...], wanted: list[int]
) -> None:
    path = tmp_path / "x.png"
    parts = [
        chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 1, depth, colour, 0, 0, 0)),
        chunk(b"tRNS", struct.pack(f">{len(key)}H", *key)),
        chunk(b"IDAT", zlib.compress(b"\0" + row)),
        chunk(b"IEND", b""),
    ]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    report = LoadReport()
    assert load_image(path, report=report)[0, :, 0].tolist() == wanted
    assert report.counts["transparent"] == 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "an empty file"),
        (b"<!DOCTYPE html><html>404</html>", "a web page (HTML)"),
        (b"version https://git-lfs.github.com/spec/v1", "a pointer of Git LFS: run git lfs pull"),
        (b"\0\0\0\x18ftypheic" + bytes(40), "a HEIC picture"),
        (b"\x89PNG\r\n", "unknown or damaged format"),
    ],
)
def test_why_a_picture_is_skipped_is_said(folder: Path, content: bytes, reason: str) -> None:
    (folder / "ant" / "1.png").write_bytes(content)
    report = LoadReport()
    load_images(scan(folder), (4, 4), on_error="skip", report=report)
    assert report.skipped == {str(folder / "ant" / "1.png"): reason}


def test_a_damaged_png_is_not_read_by_halves(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    path = tmp_path / "x.png"
    Image.fromarray(rng.integers(0, 256, (64, 64, 3), np.uint8)).save(path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(SourceError, match="not a readable picture"):
        load_image(path)


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    image = Image.new("RGB", (6, 2), "white")
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(tmp_path / "x.jpg", exif=exif)
    report = LoadReport()
    assert load_image(tmp_path / "x.jpg", report=report).shape == (6, 2, 3)
    assert report.counts["rotated"] == 1


def test_resize_keeps_the_aspect_by_a_centred_crop(tmp_path: Path) -> None:
    pixels = np.zeros((4, 12, 3), np.uint8)
    pixels[:, 4:8] = 255
    Image.fromarray(pixels).save(tmp_path / "x.png")
    assert load_image(tmp_path / "x.png", (4, 4)).min() == 255
    assert load_image(tmp_path / "x.png", (8, 8)).shape == (8, 8, 3)


def test_a_corrupt_picture_is_named_or_skipped_and_counted(folder: Path) -> None:
    victim = folder / "dog" / "2.png"
    victim.write_bytes(victim.read_bytes()[:50])
    source = scan(folder)
    with pytest.raises(SourceError, match=r"dog.2\.png is not a readable picture"):
        load_images(source, (8, 8))
    report = LoadReport()
    pixels, labels = load_images(source, (8, 8), on_error="skip", report=report)
    assert pixels.shape == (8, 8, 8, 3)
    assert labels.tolist() == [0, 0, 0, 1, 1, 1, 2, 2]
    load_images(source, (8, 8), on_error="skip", report=report)  # counted once
    assert list(report.skipped) == [str(victim)]
    (said,) = report.describe()
    assert said.startswith(f"1 corrupt or unreadable picture skipped: {victim} (")


def test_a_class_of_only_corrupt_pictures_is_an_error(folder: Path) -> None:
    for path in (folder / "dog").iterdir():
        path.write_bytes(b"not a picture")
    with pytest.raises(
        SourceError,
        match=r"no picture of class 'dog' can be read: .* 3 could not be used, such as .*1\.png",
    ):
        load_images(scan(folder), (8, 8), on_error="skip")


def test_other_formats_and_oversized_pictures_are_refused(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "x.ico")
    (tmp_path / "x.ico").rename(tmp_path / "x.png")
    with pytest.raises(SourceError, match="an icon"):
        load_image(tmp_path / "x.png")
    Image.new("1", (20_000, 20_000)).save(tmp_path / "big.png")
    with pytest.raises(SourceError, match="20000x20000 pixels, more than 80 million: shrink"):
        load_image(tmp_path / "big.png")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_unreadable_files_name_the_permission(folder: Path) -> None:
    (folder / "ant" / "1.png").chmod(0)
    with pytest.raises(SourceError, match="Permission denied"):
        scan(folder).compute_fingerprint()


def test_load_images_by_class_and_limit(folder: Path) -> None:
    seen: list[tuple[int, int]] = []
    pixels, labels = load_images(
        scan(folder), (4, 4), classes=[2, 0], limit=2, progress=lambda *at: seen.append(at)
    )
    assert pixels.shape == (4, 4, 4, 3)
    assert labels.tolist() == [2, 2, 0, 0]
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_native_size_is_the_common_one_or_a_question(folder: Path) -> None:
    assert scan(folder).native_size() == (8, 8)
    for number, name in enumerate(("Cat", "dog", "ant")):
        for other in (1, 2, 10):
            picture(folder / name / f"{other}.png", size=(5 + number, 9 + other))
    with pytest.raises(SourceError, match="choose one, for example size=64"):
        scan(folder).native_size()
