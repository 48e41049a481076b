"""An archive of a folder is that folder; names in it are only names, and nothing is unpacked."""

from __future__ import annotations

import bz2
import gc
import gzip
import io
import lzma
import os
import pickle
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import zstandard
from PIL import Image

import ddcodec
from ddcodec.errors import RequestError, SourceError
from ddcodec.sources.archives import tar
from ddcodec.sources.folder import scan
from ddcodec.sources.pictures import LoadReport, load_image
from ddcodec.sources.source import load_images, source_findings

Pack = Callable[[Path, Path], Path]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """``train`` and ``test`` of three classes, one picture of which is damaged."""
    number = 0
    for split, count in (("train", 4), ("test", 2)):
        for name in ("ant", "Bee", "cat"):
            folder = tmp_path / "photos" / split / name
            folder.mkdir(parents=True)
            for place in range(count):
                number += 1
                Image.new("RGB", (6, 6), (9 * number, 3, 200)).save(folder / f"{place}.png")
    (tmp_path / "photos" / "train" / "cat" / "3.png").write_bytes(b"\x89PNG no more")
    (tmp_path / "photos" / "train" / "cat" / "notes.txt").write_text("a cat")
    return tmp_path / "photos"


def zipped(folder: Path, target: Path) -> Path:
    return Path(shutil.make_archive(str(target), "zip", folder.parent, folder.name))


def tarred(folder: Path, target: Path) -> Path:
    return Path(shutil.make_archive(str(target), "tar", folder.parent, folder.name))


def packed(suffix: str, pack: Callable[[bytes], bytes]) -> Pack:
    def make(folder: Path, target: Path) -> Path:
        plain = tarred(folder, target)
        path = plain.with_name(plain.name + suffix)
        path.write_bytes(pack(plain.read_bytes()))
        plain.unlink()
        return path

    return make


PACKERS = {
    "zip": zipped,
    "tar": tarred,
    "tar.gz": packed(".gz", gzip.compress),
    "tar.xz": packed(".xz", lzma.compress),
    "tar.bz2": packed(".bz2", bz2.compress),
    "tar.zst": packed(".zst", zstandard.ZstdCompressor().compress),
}


@pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS)
def test_an_archive_of_a_folder_is_that_folder(pack: Pack, photos: Path, tmp_path: Path) -> None:
    archive = pack(photos, tmp_path / "archive")
    for split in ("train", "test"):
        source, folder = ddcodec.open_source(archive, split), scan(photos, split)  # type: ignore[arg-type]
        assert (source.classes, source.counts) == (folder.classes, folder.counts)
        assert source.fingerprint == folder.fingerprint
        reports = LoadReport(), LoadReport()
        found, own = (
            load_images(one, (6, 6), on_error="skip", report=report)
            for one, report in zip((source, folder), reports, strict=True)
        )
        assert np.array_equal(found[0], own[0]) and np.array_equal(found[1], own[1])
        assert [*reports[0].skipped.values()] == [*reports[1].skipped.values()]
        assert len(source_findings(source)) == len(source_findings(folder))
        assert source.place == f"{archive}::photos/{split} (not used: {folder.beside[0].name})"


def test_a_damaged_picture_is_named_with_its_archive(photos: Path, tmp_path: Path) -> None:
    source, report = ddcodec.open_source(zipped(photos, tmp_path / "archive")), LoadReport()
    load_images(source, (6, 6), on_error="skip", report=report)
    assert list(report.skipped) == [f"{tmp_path}/archive.zip::photos/train/cat/3.png"]


def test_a_member_with_a_wrong_checksum_is_a_damaged_picture(photos: Path, tmp_path: Path) -> None:
    path = zipped(photos, tmp_path / "archive")
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo("photos/train/ant/2.png")
    data = bytearray(path.read_bytes())
    data[info.header_offset + 30 + len(info.filename) + info.compress_size // 2] ^= 0xFF
    path.write_bytes(data)
    source, report = ddcodec.open_source(path), LoadReport()
    load_images(source, (6, 6), on_error="skip", report=report)
    assert len(report.skipped) == 2
    assert source.fingerprint == ddcodec.open_source(path).fingerprint
    assert source.fingerprint != scan(photos).fingerprint


def test_a_folder_in_an_archive_is_named_after_colons(photos: Path, tmp_path: Path) -> None:
    path = zipped(photos, tmp_path / "archive")
    assert ddcodec.open_source(f"{path}::photos/test").counts == (2, 2, 2)
    with pytest.raises(RequestError, match=r"no folder 'test': did you mean .*zip::photos/test"):
        ddcodec.open_source(f"{path}::test")
    with pytest.raises(RequestError, match="no folder 'dogs': it has photos"):
        ddcodec.open_source(f"{path}::dogs")
    with pytest.raises(RequestError, match="has no columns to be named"):
        ddcodec.open_source(f"{path}?label=fine_label")


def test_what_an_archive_holds_in_the_place_of_pictures_is_said(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("data/train.parquet", b"PAR1")
    with pytest.raises(SourceError, match=r"parquet is a Parquet table: unpack the archive"):
        ddcodec.open_source(tmp_path / "a.zip")


def test_names_are_only_names(photos: Path, tmp_path: Path) -> None:
    picture = (photos / "train" / "ant" / "0.png").read_bytes()
    path = tmp_path / "odd.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("/etc/ant/1.png", "../x/1.png", "./bee//1.png", "C:\\cat\\1.png"):
            archive.writestr(name, picture)
    source = ddcodec.open_source(path)
    assert source.classes == ("bee", "etc")
    said = " ".join(source.warnings)
    assert "begin with a dot" in said and "directly in" in said and "C:\\cat\\1.png" in said
    assert sorted(os.listdir(tmp_path)) == ["odd.zip", "photos"]


def test_names_with_the_separator_of_windows_are_folders(photos: Path, tmp_path: Path) -> None:
    picture = (photos / "train" / "ant" / "0.png").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in ("ant", "bee"):
            archive.writestr(f"{name}!1.png", picture)
    path = tmp_path / "a.zip"
    path.write_bytes(path.read_bytes().replace(b"!1.png", b"\\1.png"))
    assert ddcodec.open_source(path).classes == ("ant", "bee")


def test_names_in_utf8_that_do_not_say_so_are_read_as_such(photos: Path, tmp_path: Path) -> None:
    picture = (photos / "train" / "ant" / "0.png").read_bytes()
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("cafe!/1.png", picture)
        archive.writestr("tea/1.png", picture)
    path.write_bytes(path.read_bytes().replace(b"cafe!", "café".encode()))
    assert ddcodec.open_source(path).classes == ("café", "tea")


def test_the_last_of_two_members_of_a_name_is_taken_and_said(photos: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for number in (0, 1):
            archive.add(photos / "train" / "ant" / f"{number}.png", "ant/1.png")
            archive.add(photos / "train" / "Bee" / "0.png", "bee/1.png")
    source = ddcodec.open_source(tmp_path / "a.tar")
    assert source.counts == (1, 1) and "2 names twice" in source.warnings[0]
    last = load_image(photos / "train" / "ant" / "1.png")
    assert np.array_equal(source.read(0, 0, None)[0], last)


def test_links_lead_to_members_and_nowhere_else(photos: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.add(photos / "train" / "ant" / "0.png", "ant/1.png")
        archive.add(photos / "train" / "Bee" / "0.png", "bee/1.png")
        for name, kind, target in (
            ("ant/2.png", tarfile.SYMTYPE, "../bee/1.png"),
            ("ant/3.png", tarfile.LNKTYPE, "bee/1.png"),
            ("ant/4.png", tarfile.SYMTYPE, "/etc/passwd"),
            ("ant/5.png", tarfile.SYMTYPE, "5.png"),
            ("ant/6.png", tarfile.FIFOTYPE, ""),
        ):
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kind, target
            archive.addfile(entry)
    source = ddcodec.open_source(tmp_path / "a.tar")
    assert source.counts == (3, 1)
    assert any("2 broken link, 1 no regular file" in line for line in source.warnings)


@pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS)
@pytest.mark.parametrize("share", [0.1, 0.4, 0.7])
def test_an_archive_that_is_cut_off_is_refused(
    pack: Pack, share: float, photos: Path, tmp_path: Path
) -> None:
    path = pack(photos, tmp_path / "archive")
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(SourceError, match="get it again"):
        ddcodec.open_source(path)


def test_a_damaged_header_in_the_middle_is_no_end(photos: Path, tmp_path: Path) -> None:
    path = tarred(photos, tmp_path / "archive")
    data = bytearray(path.read_bytes())
    with tarfile.open(path) as archive:
        offset = archive.getmember("photos/train/ant/2.png").offset
    data[offset : offset + 100] = bytes(range(1, 101))
    path.write_bytes(data)
    with pytest.raises(SourceError, match="damaged"):
        ddcodec.open_source(path)


def test_what_is_compressed_and_no_tar_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"a letter" * 1000))
    with pytest.raises(SourceError, match="is no tar archive"):
        ddcodec.open_source(tmp_path / "a.gz")


def test_an_encrypted_zip_says_so(photos: Path, tmp_path: Path) -> None:
    path = zipped(photos, tmp_path / "archive")
    flags = b"PK\x01\x02\x14\x03\x14\0"
    path.write_bytes(path.read_bytes().replace(flags + b"\0\0", flags + b"\1\0"))
    with pytest.raises(SourceError, match="is encrypted: unpack it with its password"):
        ddcodec.open_source(path)


def test_a_member_larger_than_a_picture_may_be_is_not_unpacked(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = zipped(photos, tmp_path / "archive")
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("photos/train/ant/large.png", bytes(1 << 20))
    monkeypatch.setattr("ddcodec.sources.picture_file.MAX_FILE_BYTES", 1 << 16)
    source, report = ddcodec.open_source(path), LoadReport()
    load_images(source, (6, 6), on_error="skip", report=report)
    (said,) = [why for name, why in report.skipped.items() if name.endswith("large.png")]
    assert said == "1,048,576 bytes, more than the 65,536 that a picture may have"


def test_a_bomb_fills_no_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tar, "_ALWAYS", 1 << 16)
    monkeypatch.setattr(tar, "_MOST_TIMES", 10)
    with tarfile.open(tmp_path / "a.tar.xz", "w:xz") as archive:
        for number in range(8):
            entry = tarfile.TarInfo(f"ant/{number}.png")
            entry.size = 1 << 20
            archive.addfile(entry, io.BytesIO(bytes(1 << 20)))
    with pytest.raises(SourceError, match="unpacks to more than 10 times its size"):
        ddcodec.open_source(tmp_path / "a.tar.xz")


def test_an_attribute_of_a_gigabyte_is_not_read_into_memory(tmp_path: Path) -> None:
    entry = tarfile.TarInfo("x")
    entry.type, entry.size = tarfile.XHDTYPE, 1 << 30
    (tmp_path / "a.tar").write_bytes(entry.tobuf(tarfile.USTAR_FORMAT) + bytes(4096))
    with pytest.raises(SourceError, match="a name or attribute of 1,073,741,824 bytes"):
        ddcodec.open_source(tmp_path / "a.tar")


def test_folders_inside_of_each_other_without_end_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a/" * 30_000 + "1.png", b"x")
    with pytest.raises(SourceError, match="more than 64 folders inside of each other"):
        ddcodec.open_source(tmp_path / "a.zip")


def test_nothing_is_left_in_the_cache(photos: Path, tmp_path: Path) -> None:
    path = PACKERS["tar.gz"](photos, tmp_path / "archive")
    source = ddcodec.open_source(path)
    assert source.read(0, 0, None)[0].shape == (6, 6, 3)
    cache = Path(os.environ["DDCODEC_CACHE"]) / "sources"
    assert len(list(cache.iterdir())) == 1
    del source
    gc.collect()
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS)
def test_a_worker_reads_the_archive_by_itself(pack: Pack, photos: Path, tmp_path: Path) -> None:
    source = ddcodec.open_source(pack(photos, tmp_path / "archive"))
    sent = pickle.loads(pickle.dumps(source))
    assert sent.fingerprint == source.fingerprint
    assert np.array_equal(sent.read(1, 2, None)[0], source.read(1, 2, None)[0])


def test_a_worker_on_another_machine_says_what_it_can_read(photos: Path, tmp_path: Path) -> None:
    source = ddcodec.open_source(PACKERS["tar.gz"](photos, tmp_path / "archive"))
    content = pickle.dumps(source)
    del source
    gc.collect()
    with pytest.raises(SourceError, match="of a cluster, workers read folders, zip archives and"):
        pickle.loads(content)
