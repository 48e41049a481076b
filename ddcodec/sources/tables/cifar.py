"""CIFAR-10 and CIFAR-100 as they are distributed: pickles for Python, or records of bytes for C.

Krizhevsky, "Learning Multiple Layers of Features from Tiny Images" (2009); https://www.cs.toronto.edu/~kriz/cifar.html.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any

import numpy as np

from ddcodec.arrays import UInt8s
from ddcodec.errors import SourceError, shown
from ddcodec.sources.listed import ListedSource
from ddcodec.sources.paths import printable
from ddcodec.sources.picture_file import PictureFile
from ddcodec.sources.splits import Role, choose_split, split_place
from ddcodec.sources.tables.encoded import pixel_bytes
from ddcodec.sources.tables.pickles import load_arrays_pickle
from ddcodec.sources.tables.rows import Row, table_source

__all__ = ["LAYOUTS", "CifarLayout", "cifar_layouts", "cifar_source"]

_SIDE = 32
_VALUES = 3 * _SIDE * _SIDE


@dataclass(frozen=True)
class CifarLayout:
    """The files of one way in which CIFAR is distributed.

    Attributes:
        text: what it is, for people.
        splits: name -> its files, in order.
        names: the file with the names of classes.
        labels: the key of the labels in pickles; without one, files are records of bytes.
        name_key: the key of the names.
        label_bytes: of a record, of which the last is the class.
    """

    text: str
    splits: Mapping[str, tuple[str, ...]]
    names: str
    labels: bytes = b""
    name_key: bytes = b""
    label_bytes: int = 1

    @property
    def needed(self) -> frozenset[str]:
        """Files by which it is known."""
        return frozenset({self.splits["train"][0], self.names})


_BATCHES = tuple(f"data_batch_{n}" for n in range(1, 6))
LAYOUTS = (
    CifarLayout(
        "CIFAR-10 for Python",
        {"train": _BATCHES, "test": ("test_batch",)},
        "batches.meta",
        b"labels",
        b"label_names",
    ),
    CifarLayout(
        "CIFAR-100 for Python",
        {"train": ("train",), "test": ("test",)},
        "meta",
        b"fine_labels",
        b"fine_label_names",
    ),
    CifarLayout(
        "CIFAR-10 for C",
        {"train": tuple(f"{name}.bin" for name in _BATCHES), "test": ("test_batch.bin",)},
        "batches.meta.txt",
    ),
    CifarLayout(
        "CIFAR-100 for C",
        {"train": ("train.bin",), "test": ("test.bin",)},
        "fine_label_names.txt",
        label_bytes=2,
    ),
)


def cifar_layouts(names: Set[str]) -> list[CifarLayout]:
    """The ways in which files of these names are CIFAR; none where they are not."""
    return [layout for layout in LAYOUTS if layout.needed <= names]


def cifar_source(
    layout: CifarLayout,
    files: Mapping[str, PictureFile],
    place: str,
    role: Role = "train",
    split: str | None = None,
) -> ListedSource:
    """The pictures of CIFAR, in the order of its files; the fine classes of CIFAR-100.

    Args:
        layout: of :func:`cifar_layouts`.
        files: by name.
        place: where they are, for people.
        role: of the split to take.
        split: in its place, the split by name.

    Raises:
        SourceError: a file is missing, damaged, or none of CIFAR's.
    """
    chosen = choose_split(list(layout.splits), role, split, place)
    missing = [name for name in layout.splits[chosen] if name not in files]
    if missing:
        raise SourceError(
            f"{place} is {layout.text} without {', '.join(missing)}: get the archive again"
        )
    names = _names(layout, files[layout.names])
    rows = (
        row
        for name in layout.splits[chosen]
        for row in _rows(layout, files[name], printable(files[name]))
    )
    return table_source(rows, names, split_place(place, chosen, list(layout.splits)))


def _names(layout: CifarLayout, file: PictureFile) -> list[str]:
    if not layout.labels:
        return _content(file).decode("utf-8", "replace").split()
    found = _entry(load_arrays_pickle(file), layout.name_key, file)
    if not isinstance(found, list) or not all(isinstance(one, bytes | str) for one in found):
        raise _foreign(file)
    return [one.decode("utf-8", "replace") if isinstance(one, bytes) else one for one in found]


def _rows(layout: CifarLayout, file: PictureFile, part: str) -> Iterator[Row]:
    pixels, labels = _pickled(layout, file) if layout.labels else _records(layout, file)
    for number, (values, label) in enumerate(zip(pixels, labels, strict=True)):
        picture = values.reshape(3, _SIDE, _SIDE).transpose(1, 2, 0)
        yield Row(label, pixel_bytes(picture), part, number)


def _pickled(layout: CifarLayout, file: PictureFile) -> tuple[UInt8s, list[Any]]:
    """(uint8 [n, 3072], classes) of a batch."""
    batch = load_arrays_pickle(file)
    pixels, labels = _entry(batch, b"data", file), _entry(batch, layout.labels, file)
    fits = isinstance(pixels, np.ndarray) and pixels.ndim == 2 and pixels.shape[1] == _VALUES
    if not fits or pixels.dtype != np.uint8 or not isinstance(labels, list):
        raise _foreign(file)
    if len(labels) != len(pixels):
        raise SourceError(
            f"{printable(file)} has {len(pixels):,} pictures and {len(labels):,} labels: get "
            "it again"
        )
    return pixels, labels


def _records(layout: CifarLayout, file: PictureFile) -> tuple[UInt8s, list[int]]:
    """The same of records: labels, then 3,072 values."""
    data = np.frombuffer(_content(file), np.uint8)
    size = layout.label_bytes + _VALUES
    if not len(data) or len(data) % size:
        raise SourceError(
            f"{printable(file)} has {len(data):,} bytes, which are no whole records of {size}: "
            "get it again"
        )
    records = data.reshape(-1, size)
    return records[:, layout.label_bytes :], records[:, layout.label_bytes - 1].tolist()


def _content(file: PictureFile) -> bytes:
    try:
        with file.open("rb") as stream:
            return stream.read()
    except OSError as error:
        raise SourceError(f"cannot read {printable(file)} ({error}): check the file") from error


def _entry(batch: Any, key: bytes, file: PictureFile) -> Any:
    """A value of a batch; keys are bytes where Python 2 wrote them."""
    if not isinstance(batch, dict):
        raise _foreign(file)
    found = batch.get(key, batch.get(key.decode()))
    if found is None:
        raise SourceError(
            f"{printable(file)} has no {key.decode()}, but {shown(sorted(map(str, batch)))}: "
            "it is no file of CIFAR"
        )
    return found


def _foreign(file: PictureFile) -> SourceError:
    return SourceError(f"{printable(file)} is no file of CIFAR: get the archive again")
