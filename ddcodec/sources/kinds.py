"""Kinds of files by their first bytes, in words: for messages about files of another kind."""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Sequence
from typing import NamedTuple

from ddcodec.sources.picture_file import PictureFile

__all__ = ["CIFAR", "Kind", "kind_of", "kind_of_files"]


class Kind(NamedTuple):
    """A kind of file.

    Attributes:
        text: with its article, such as ``"a zip archive"``.
        family: archive, table, weights, picture, artifact, or other.
        unpack: the command that unpacks an archive, with the places {file} and {folder}.
        reader: of those that sources have for files: zip, tar, npz or parquet; "" for none.
    """

    text: str
    family: str = "other"
    unpack: str = ""
    reader: str = ""


CIFAR = ", as CIFAR is distributed"
"""The end of the words for kinds of which one file is not a whole data set."""

_ZIP = Kind("a zip archive", "archive", "unzip -q {file} -d {folder}", "zip")
_TAR = Kind("a tar archive", "archive", "mkdir {folder} && tar xf {file} -C {folder}", "tar")
_TORCH = Kind("weights or tensors saved by PyTorch", "weights")
_PICKLE = Kind(f"a Python pickle{CIFAR}", "table")
_NPZ = Kind("a NumPy NPZ file", "table", reader="npz")
_HEAD = 512

_MAGIC: Sequence[tuple[bytes, Kind]] = (
    (b"7z\xbc\xaf'\x1c", Kind("a 7z archive", "archive", "7z x {file} -o{folder}")),
    (b"Rar!", Kind("a RAR archive", "archive", "unrar x {file} {folder}/")),
    (b"\x1f\x8b", Kind("compressed by gzip", "archive", "gunzip {file}", "tar")),
    (b"\xfd7zXZ\0", Kind("compressed by xz", "archive", "unxz {file}", "tar")),
    (b"BZh", Kind("compressed by bzip2", "archive", "bunzip2 {file}", "tar")),
    (b"(\xb5/\xfd", Kind("compressed by Zstandard", "archive", "unzstd {file}", "tar")),
    (b"PAR1", Kind("a Parquet table", "table", reader="parquet")),
    (b"ARROW1", Kind("an Arrow table", "table")),
    (b"\x93NUMPY", Kind("a NumPy array", "table")),
    (b"\x89HDF\r\n\x1a\n", Kind("an HDF5 file", "table")),
    (b"MATLAB 5.0", Kind("a MATLAB file", "table")),
    (b"SQLite format 3", Kind("an SQLite database", "table")),
    (b"\0\0\x08\x01", Kind("labels in MNIST's IDX form", "table")),
    (b"\0\0\x08\x03", Kind("pictures in MNIST's IDX form", "table")),
    (b"\x89PNG", Kind("a PNG picture", "picture")),
    (b"\xff\xd8\xff", Kind("a JPEG picture", "picture")),
    (b"GIF8", Kind("a GIF picture", "picture")),
    (b"II*\0", Kind("a TIFF picture", "picture")),
    (b"MM\0*", Kind("a TIFF picture", "picture")),
    (b"\0\0\0\x0cjP  ", Kind("a JPEG 2000 picture", "picture")),
    (b"\xff\x0a", Kind("a JPEG XL picture", "picture")),
    (b"8BPS", Kind("a Photoshop file", "picture")),
    (b"\0\0\x01\0", Kind("an icon", "picture")),
    (b"%PDF", Kind("a PDF document")),
    (b"version https://git-lfs", Kind("a pointer of Git LFS: run git lfs pull")),
)
_BRANDS = {
    b"heic": "a HEIC picture",
    b"heix": "a HEIC picture",
    b"mif1": "a HEIF picture",
    b"avif": "an AVIF picture",
}
_SUFFIXES = {
    ".tfrecord": Kind("a TFRecord file", "table"),
    ".tfrecords": Kind("a TFRecord file", "table"),
    ".arrow": Kind("an Arrow table", "table"),
    ".mdb": Kind("an LMDB database", "table"),
    ".csv": Kind("a CSV table", "table"),
    ".tsv": Kind("a TSV table", "table"),
    ".json": Kind("a JSON file", "table"),
    ".jsonl": Kind("a JSON Lines file", "table"),
    ".bin": Kind(f"a file of raw bytes{CIFAR}", "table"),
    ".ddz": Kind("a .ddz artifact", "artifact"),
}


def kind_of(path: PictureFile) -> Kind | None:
    """What a file is by its content, and else by its name; None where neither tells.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    suffix = path.suffix.lower()
    if not head:
        return Kind("an empty file")
    if head.startswith(b"PK\x03\x04"):
        return _zip_kind(path)
    if suffix in (".tgz", ".tbz2", ".txz") or ".tar." in path.name.lower() or _is_tar(path, head):
        return _TAR
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return _TORCH if suffix in (".pt", ".pth", ".ckpt", ".bin") else _PICKLE
    if head[8:10] == b'{"' and head[4:8] == bytes(4):
        return Kind("weights in a safetensors file", "weights")
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return Kind("a WebP picture", "picture")
    if head[4:8] == b"ftyp":
        text = _BRANDS.get(head[8:12])
        return Kind("a video") if text is None else Kind(text, "picture")
    if head.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html")):
        return Kind("a web page (HTML)")
    found = next((kind for magic, kind in _MAGIC if head.startswith(magic)), None)
    return found or _SUFFIXES.get(suffix)


def kind_of_files(paths: Sequence[PictureFile]) -> Kind | None:
    """The first kind among files that is a way to keep a data set; None where none is."""
    for path in paths:
        try:
            kind = kind_of(path)
        except OSError:
            continue
        if kind is not None and kind.family in ("archive", "table", "artifact"):
            return kind
    return None


def _is_tar(path: PictureFile, head: bytes) -> bool:
    # The signature of a tar stands far from its beginning.
    if head[257:262] == b"ustar" or path.suffix.lower() != ".tar":
        return head[257:262] == b"ustar"
    with path.open("rb") as stream:
        return tarfile.is_tarfile(stream)


def _zip_kind(path: PictureFile) -> Kind:
    """NumPy and PyTorch write zip archives, too."""
    try:
        with path.open("rb") as stream, zipfile.ZipFile(stream) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError):
        return _ZIP
    if any(name.endswith("/data.pkl") or name == "data.pkl" for name in names):
        return _TORCH
    return _NPZ if names and all(name.endswith(".npy") for name in names) else _ZIP
