"""Parquet files that Hugging Face ``datasets`` loads as they are (format ``huggingface``)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ddcodec.exchange.exporting.format import ExportFormat
from ddcodec.exchange.exporting.selection import Batch, Selection
from ddcodec.exchange.folder import SIDECAR, png
from ddcodec.files import write_whole
from ddcodec.sources.tables.parquet import parquet_module

__all__ = ["HuggingFace"]

SHARD_BYTES = 500_000_000
FOLDER, CARD = "data", "README.md"
_FIXED = 1_000  # bytes of a row's columns besides picture and soft label, more or less


class HuggingFace(ExportFormat):
    """``data/train-*.parquet`` and a card, for ``datasets.load_dataset(FOLDER)``.

    Columns: ``image`` (Image), ``label`` (ClassLabel), ``soft_label`` (K float32), ``slot`` and
    ``view``. The types stand in the files' own metadata, as ``datasets`` writes it.
    """

    name = "huggingface"
    summary = "Parquet with Image and ClassLabel for datasets.load_dataset, and a card"
    takes: ClassVar[tuple[str, ...]] = ("classes", "views", "shard_bytes")
    labels = "label: the class index; soft_label: float32 [K] probabilities at the temperature"
    default_shard_bytes = SHARD_BYTES

    def check(self, selection: Selection) -> None:
        parquet_module(f"an export to {self.name}")

    def write(self, selection: Selection, folder: Path) -> dict[str, Any]:
        files = self.write_parquet(selection, folder / FOLDER)
        write_whole(folder / CARD, self.card(selection).encode())
        return {"files": {"rows": [f"{FOLDER}/{name}" for name in files], "card": CARD}}

    def write_parquet(self, selection: Selection, folder: Path) -> list[str]:
        """Write the rows as shards; returns the names of the files."""
        parquet = parquet_module(f"an export to {self.name}")
        schema = _schema(selection)
        most = self.options.shard_bytes or self.default_shard_bytes
        folder.mkdir()
        paths: list[Path] = []
        writer, size = None, 0
        try:
            for table, table_size in _tables(selection, schema, most):
                if writer is None or size + table_size > most:
                    if writer is not None:
                        writer.close()
                    # How many there will be is part of their names, and known at the end.
                    paths.append(folder / f"{len(paths):05d}")
                    writer, size = parquet.ParquetWriter(paths[-1], schema, compression="zstd"), 0
                writer.write_table(table)
                size += table_size
        finally:
            if writer is not None:
                writer.close()
        names = [f"train-{n:05d}-of-{len(paths):05d}.parquet" for n in range(len(paths))]
        for path, name in zip(paths, names, strict=True):
            path.rename(folder / name)
        return names

    def card(self, selection: Selection) -> str:
        """The README.md, with what the hub and ``datasets`` read at its top."""
        recipe = selection.artifact.recipe
        return f"""---
configs:
- config_name: default
  data_files:
  - split: train
    path: {FOLDER}/train-*
task_categories:
- image-classification
---

# A distilled data set

{selection.images:,} pictures of {len(selection.data.row_classes):,} classes, class by class, with
soft labels at temperature {recipe.labels.at:g}. Written by `ddz export` from the artifact with
content digest `{selection.artifact.digest}`,
which is the source of truth; `{SIDECAR}` says how students are meant to be trained.
"""


def _schema(selection: Selection) -> Any:
    """Columns, and what ``datasets`` is to make of them."""
    import pyarrow as pa

    classes = selection.class_count
    number = {"dtype": "int64", "_type": "Value"}
    share = {"dtype": "float32", "_type": "Value"}
    features = {
        "image": {"_type": "Image"},
        "label": {"names": list(selection.data.classes), "_type": "ClassLabel"},
        "soft_label": {"feature": share, "length": classes, "_type": "Sequence"},
        "slot": number,
        "view": number,
    }
    said = {"huggingface": json.dumps({"info": {"features": features}})}
    return pa.schema(
        {
            "image": pa.struct({"bytes": pa.binary(), "path": pa.string()}),
            "label": pa.int64(),
            "soft_label": pa.list_(pa.float32(), classes),
            "slot": pa.int64(),
            "view": pa.int64(),
        },
        metadata={**said, "ddz_digest": selection.artifact.digest},
    )


def _tables(selection: Selection, schema: Any, most: int) -> Iterator[tuple[Any, int]]:
    """Row groups and their bytes, roughly: at most a shard's, but of one row at least."""
    for batch in selection.batches("probabilities"):
        rows = list(_rows(batch))
        sizes = [_FIXED + len(row["image"]["bytes"]) + row["soft_label"].nbytes for row in rows]
        start = 0
        while start < len(rows):
            stop, size = start + 1, sizes[start]
            while stop < len(rows) and size + sizes[stop] <= most:
                size += sizes[stop]
                stop += 1
            yield _table(rows[start:stop], schema), size
            start = stop


def _rows(batch: Batch) -> Iterator[dict[str, Any]]:
    assert batch.probabilities is not None
    for n, (c, slot) in enumerate(batch.rows):
        for view, image in enumerate(batch.images[n]):
            path = f"{c:06d}_{slot:06d}_{view:06d}.png"
            yield {
                "image": {"bytes": png(image), "path": path},
                "label": c,
                "soft_label": batch.probabilities[n, view],
                "slot": slot,
                "view": view,
            }


def _table(rows: list[dict[str, Any]], schema: Any) -> Any:
    import pyarrow as pa

    columns = {name: [row[name] for row in rows] for name in schema.names}
    soft = pa.array(np.concatenate(columns.pop("soft_label")))
    length = schema.field("soft_label").type.list_size
    arrays = {name: pa.array(values, schema.field(name).type) for name, values in columns.items()}
    arrays["soft_label"] = pa.FixedSizeListArray.from_arrays(soft, length)
    return pa.table([arrays[name] for name in schema.names], schema=schema)
