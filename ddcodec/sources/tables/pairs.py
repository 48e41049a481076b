"""Pictures that are Python objects: pairs of (image, class), and Hugging Face ``datasets``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from ddcodec.errors import RequestError, SourceError
from ddcodec.sources.listed import ListedSource
from ddcodec.sources.splits import Role, choose_split
from ddcodec.sources.tables.columns import Column, Columns, columns_of
from ddcodec.sources.tables.encoded import array_bytes, picture_bytes
from ddcodec.sources.tables.rows import Row, table_source

__all__ = ["dataset_source", "is_dataset", "pair_source"]

_PAIRS, _DATASET = "the pairs", "the dataset"


def pair_source(pairs: Iterable[Any], classes: Sequence[str] | None) -> ListedSource:
    """Pairs of (image, class), walked once and kept in a spool.

    Args:
        pairs: an image is one of Pillow's, a uint8 array [h, w], [h, w, 3] or [h, w, 4], or the
            bytes of a picture file; a class is a name, or an index into ``classes``.
        classes: names by index; without them, classes are in the order of their names.

    Raises:
        SourceError: a pair is none, or its image or class is something else.
        RequestError: classes are numbers, and nothing names them.
    """
    return table_source(_rows(pairs, classes), classes, _PAIRS)


def _rows(pairs: Iterable[Any], classes: Sequence[str] | None) -> Iterator[Row]:
    for number, pair in enumerate(pairs):
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise SourceError(
                f"item {number} is a {type(pair).__name__}, where a pair (image, class) should be"
            )
        image, label = pair
        number_alone = isinstance(label, int | np.integer) and not isinstance(label, bool)
        if classes is None and number_alone:
            raise RequestError(
                f"the class of pair {number} is the number {label}, and nothing says what it is "
                "called: give ddcodec.open_source(pairs, classes=[...]), names in order"
            )
        yield Row(label, _bytes(image, f"the image of pair {number}"), _PAIRS, number)


def _bytes(image: Any, name: str) -> bytes:
    if isinstance(image, bytes | bytearray | memoryview):
        return bytes(image)
    if isinstance(image, Image.Image):
        return picture_bytes(image, name)
    if isinstance(image, np.ndarray):
        return array_bytes(image, name)
    raise SourceError(
        f"{name} is a {type(image).__name__}: give an image of Pillow's, a uint8 array [height, "
        "width, 3], or the bytes of a picture file"
    )


def is_dataset(value: object) -> bool:
    """Whether this is a dataset of Hugging Face ``datasets``, or a dictionary of its splits."""
    if isinstance(value, Mapping):
        return bool(value) and all(map(is_dataset, value.values()))
    return isinstance(getattr(value, "features", None), Mapping) and hasattr(value, "cast_column")


def dataset_source(dataset: Any, role: Role) -> ListedSource:
    """The rows of a ``datasets.Dataset``, walked once and kept in a spool.

    Picture files are taken as they are stored, and not decoded in between.

    Args:
        dataset: with a column of feature Image, and one of ClassLabel or text; or a
            ``DatasetDict`` of them.
        role: of the split to take of that.

    Raises:
        SourceError: there are no such columns, or none is clearly meant.
    """
    if isinstance(dataset, Mapping):
        dataset = dataset[choose_split(list(dataset), role, None, _DATASET)]
    found = {name: _column(feature) for name, feature in dataset.features.items()}
    columns = columns_of(found, _DATASET)
    return table_source(_dataset_rows(dataset, columns), columns.names, _DATASET)


def _dataset_rows(dataset: Any, columns: Columns) -> Iterator[Row]:
    if hasattr(dataset, "with_format"):
        dataset = dataset.with_format(None)
    image = dataset.features[columns.picture]
    stored = dataset.cast_column(columns.picture, type(image)(decode=False))
    for number, row in enumerate(stored):
        held = row[columns.picture]
        data = held.get("bytes") if isinstance(held, dict) else None
        if data is None and held is not None:
            # Of a file that the dataset only names, the library itself opens what it finds.
            shown = dataset[number][columns.picture]
            data = picture_bytes(shown, f"the image of row {number}")
        yield Row(row[columns.label], data or b"", _DATASET, number)


def _column(feature: Any) -> Column:
    kind = type(feature).__name__
    if kind == "Image":
        return Column("picture")
    if kind == "ClassLabel":
        return Column("class", tuple(feature.names))
    dtype = str(getattr(feature, "dtype", ""))
    if dtype in ("string", "large_string"):
        return Column("text")
    return Column("number" if "int" in dtype else "other")
