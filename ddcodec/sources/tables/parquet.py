"""Parquet files of pictures, as the hub keeps data sets, read row group by row group."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ddcodec.errors import SourceError
from ddcodec.extras import needed_for
from ddcodec.sources.listed import ListedSource
from ddcodec.sources.paths import printable
from ddcodec.sources.tables.columns import PICTURES, Column, Columns, columns_of
from ddcodec.sources.tables.rows import Row, table_source

__all__ = ["parquet_module", "parquet_source"]

_ROWS = 32
_BUFFER = 1 << 20


def parquet_module(what: str) -> Any:
    """``pyarrow.parquet``.

    Args:
        what: needs it.

    Raises:
        MissingDependencyError: it is not installed.
    """
    with needed_for(what):
        import pyarrow.parquet
    return pyarrow.parquet


def parquet_source(
    files: Mapping[str, Path], place: str, asked: Mapping[str, str] | None = None
) -> ListedSource:
    """The rows of some files, in order.

    A picture is a struct with ``bytes``, as Hugging Face keeps it, or plain bytes. Paths and
    addresses in a table are never opened. Classes are indices, with names in the metadata, or text.

    Args:
        files: what to call each in messages -> the file, in order.
        place: what all of them are, for people.
        asked: ``image`` and ``label``: columns that the user named.

    Raises:
        MissingDependencyError: pyarrow is not installed.
        SourceError: a file is damaged, or the columns are not those of pictures with classes.
    """
    parquet = parquet_module(f"reading {place}")
    columns: Columns | None = None
    for name, path in files.items():
        with _errors(name), parquet.ParquetFile(path) as file:
            own = columns_of(_columns(file.schema_arrow), name, asked)
        if columns is not None and own != columns:
            raise SourceError(
                f"{name} has other columns or names of classes than the files before it: give the "
                "files of one data set"
            )
        columns = own
    if columns is None:
        raise SourceError(f"{place} holds no Parquet files: give the folder that does")
    chosen = columns
    rows = (row for name, path in files.items() for row in _rows(parquet, path, name, chosen))
    return table_source(rows, columns.names, place)


def _rows(parquet: Any, path: Path, part: str, columns: Columns) -> Iterator[Row]:
    number = 0
    wanted = [columns.picture, columns.label]
    with _errors(part), parquet.ParquetFile(path, buffer_size=_BUFFER, pre_buffer=False) as file:
        for batch in file.iter_batches(batch_size=_ROWS, columns=wanted, use_threads=False):
            pictures = batch.column(batch.schema.get_field_index(columns.picture)).to_pylist()
            labels = batch.column(batch.schema.get_field_index(columns.label)).to_pylist()
            for picture, label in zip(pictures, labels, strict=True):
                held = picture.get("bytes") if isinstance(picture, dict) else picture
                yield Row(label, held or b"", part, number)
                number += 1


def _columns(schema: Any) -> dict[str, Column]:
    """What each column is, by its feature or its type."""
    features = _features(schema.metadata or {})
    return {field.name: _column(field, features.get(field.name)) for field in schema}


def _features(metadata: Mapping[bytes, bytes]) -> dict[str, Any]:
    """Features of Hugging Face ``datasets``, which it writes into the metadata of a file."""
    try:
        said = json.loads(metadata[b"huggingface"])["info"]["features"]
    except (KeyError, TypeError, ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _column(field: Any, feature: Any) -> Column:
    import pyarrow as pa

    said = feature if isinstance(feature, dict) else {}
    kind = field.type
    if pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
        return Column("picture")
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        is_picture = said.get("_type") == "Image" or field.name.lower() in PICTURES
        return Column("picture" if is_picture else "other")
    if said.get("_type") == "ClassLabel" and (names := _names(said.get("names"))):
        return Column("class", names)
    if pa.types.is_integer(kind):
        return Column("number")
    values = kind.value_type if pa.types.is_dictionary(kind) else kind
    text = pa.types.is_string(values) or pa.types.is_large_string(values)
    return Column("text" if text else "other")


def _names(said: Any) -> tuple[str, ...]:
    """Names of classes, where they are a list of texts."""
    listed = isinstance(said, list) and all(isinstance(name, str) for name in said)
    return tuple(said) if listed else ()


@contextmanager
def _errors(name: str) -> Iterator[None]:
    """The library's errors, each as one of ours."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError) as error:
        why = " ".join(str(error).split())[:200]
        raise SourceError(
            f"{printable(name)} is no Parquet file, or a damaged one ({why}): get it again"
        ) from error
