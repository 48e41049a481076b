"""NumPy's ``.npz`` files of pictures and labels, read row by row."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from ddcodec.arrays import Array
from ddcodec.errors import SourceError
from ddcodec.sources.listed import ListedSource
from ddcodec.sources.paths import printable
from ddcodec.sources.picture_file import MAX_FILE_BYTES
from ddcodec.sources.splits import Role, choose_split, roles_of, split_place
from ddcodec.sources.tables.encoded import array_bytes, check_pixels
from ddcodec.sources.tables.npy import array_header, npz_errors
from ddcodec.sources.tables.rows import Row, table_source

__all__ = ["npz_source", "npz_splits"]

_PICTURES = ("images", "image", "x", "data", "imgs")
_LABELS = ("labels", "label", "y", "targets", "target")
_NAMES = ("classes", "class_names", "label_names", "names")


def npz_splits(path: Path) -> dict[str, tuple[str, str]]:
    """The splits of a file -> the keys of pictures and labels; one called "" where none is named.

    Raises:
        SourceError: it holds no pictures with labels.
    """
    with npz_errors(path), zipfile.ZipFile(path) as archive:
        keys = [name.removesuffix(".npy") for name in archive.namelist()]
    pictures, labels = _by_split(keys, _PICTURES), _by_split(keys, _LABELS)
    splits = {name: (pictures[name], labels[name]) for name in pictures if name in labels}
    if not splits:
        raise SourceError(
            f"{printable(path)} holds the arrays {', '.join(keys[:12]) or '(none)'}: name those of "
            "pictures `images` and `labels`, or `x_train` and `y_train`"
        )
    return splits


def npz_source(path: Path, role: Role, split: str | None) -> ListedSource:
    """The pictures of a file: uint8 [n, h, w], [n, h, w, 3] or [n, h, w, 4], and labels [n].

    Names of the classes may be in it too, as an array of text ``classes``.

    Args:
        path: the file.
        role: of the split to take, where there are several.
        split: in its place, the split by name.

    Raises:
        SourceError: it is damaged, holds Python objects, no pictures, or several readings.
    """
    splits = npz_splits(path)
    chosen = choose_split(list(splits), role, split, printable(path))
    place = split_place(printable(path), chosen, list(splits))
    with npz_errors(path), zipfile.ZipFile(path) as archive:
        pictures, labels = splits[chosen]
        values = _whole(archive, labels, path)
        if values.ndim == 2 and values.shape[1] == 1:
            values = values[:, 0]
        named = next((key for key in _NAMES if f"{key}.npy" in archive.namelist()), None)
        names = None if named is None else [str(one) for one in _whole(archive, named, path)]
        rows = _rows(archive, pictures, values, path)
        return table_source(rows, names, place)


def _by_split(keys: Sequence[str], stems: Sequence[str]) -> dict[str, str]:
    """Split -> the key of an array whose name is one of these, but for a word for the split."""
    found: dict[str, str] = {}
    for key in keys:
        parts = key.lower().split("_")
        words = [part for part in parts if part not in stems]
        if len(words) < len(parts) and (not words or roles_of(["_".join(words)])):
            found.setdefault("_".join(words), key)
    return found


def _rows(archive: zipfile.ZipFile, key: str, labels: Array, path: Path) -> Iterator[Row]:
    with archive.open(f"{key}.npy") as stream:
        member = array_header(stream, archive.getinfo(f"{key}.npy"), printable(path))
        name = f"{key} in {printable(path)}"
        count, *shape = member.shape or (0,)
        check_pixels(tuple(shape), member.dtype, f"a picture of {name}")
        if member.fortran:
            raise SourceError(f"{name} is in Fortran's order: save np.ascontiguousarray of it")
        if labels.shape != (count,):
            raise SourceError(
                f"{name} has {count:,} pictures, and labels of shape {list(labels.shape)}: give "
                "one label per picture"
            )
        size = math.prod(shape)
        for number in range(count):
            data = stream.read(size)
            pixels = np.frombuffer(data, np.uint8).reshape(shape)
            row_name = f"row {number} of {name}"
            yield Row(labels[number].item(), array_bytes(pixels, row_name), name, number)


def _whole(archive: zipfile.ZipFile, key: str, path: Path) -> Array:
    """A small array: labels or names."""
    entry = archive.getinfo(f"{key}.npy")
    with archive.open(entry) as stream:
        member = array_header(stream, entry, printable(path))
        if math.prod(member.shape) * member.dtype.itemsize > MAX_FILE_BYTES:
            raise SourceError(f"{key} in {printable(path)} is too large for labels or names")
        if member.dtype.kind not in "iuSU":
            raise SourceError(
                f"{key} in {printable(path)} holds {member.dtype}, and classes are whole numbers "
                "or text: save them so"
            )
    with archive.open(entry) as stream:
        found: Array = np.lib.format.read_array(stream, allow_pickle=False)
    return np.char.decode(found, "utf-8") if found.dtype.kind == "S" else found
