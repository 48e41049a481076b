"""Tar shards for WebDataset, which any ``tar`` reads (format ``webdataset``)."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ddcodec.exchange.exporting.format import ExportFormat
from ddcodec.exchange.exporting.selection import Selection
from ddcodec.exchange.folder import png

__all__ = ["WebDataset"]

SHARD_BYTES = 256_000_000
_BLOCK = 512  # bytes of a header, and what contents are padded to
_END = 2 * _BLOCK


class WebDataset(ExportFormat):
    """``train-000000.tar``, ...: for each picture ``KEY.cls``, ``.json``, ``.npy`` and ``.png``.

    Owners, times and modes are the same in every file, so that two exports have the same bytes.
    """

    name = "webdataset"
    summary = "tar shards for WebDataset: png, cls, npy (soft label) and json per picture"
    takes = ("classes", "views", "shard_bytes")
    labels = "cls: the class index; npy: float32 [K] probabilities at the temperature"

    def write(self, selection: Selection, folder: Path) -> dict[str, Any]:
        most = self.options.shard_bytes or SHARD_BYTES
        shard: _Shard | None = None
        names: list[str] = []
        try:
            for members in _samples(selection):
                size = sum(_BLOCK + -(-len(data) // _BLOCK) * _BLOCK for _, data in members)
                if shard is None or (shard.size > _END and shard.size + size > most):
                    if shard is not None:
                        shard.close()
                    names.append(f"train-{len(names):06d}.tar")
                    shard = _Shard(folder / names[-1])
                shard.add(members, size)
        finally:
            if shard is not None:
                shard.close()
        return {"shards": names}


class _Shard:
    """One tar file, in the plain format that every tar reads."""

    def __init__(self, path: Path) -> None:
        self._tar = tarfile.open(path, "w", format=tarfile.USTAR_FORMAT)  # noqa: SIM115
        self.size = _END

    def add(self, members: list[tuple[str, bytes]], size: int) -> None:
        for name, data in members:
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o644
            self._tar.addfile(entry, io.BytesIO(data))
        self.size += size

    def close(self) -> None:
        self._tar.close()


def _samples(selection: Selection) -> Iterator[list[tuple[str, bytes]]]:
    """The (name, content) of the files of each picture."""
    head = selection.artifact.head
    for batch in selection.batches("probabilities"):
        assert batch.probabilities is not None
        for n, (c, slot) in enumerate(batch.rows):
            for view in range(selection.views):
                key = f"{c:06d}_{slot:06d}_{view:06d}"
                said = {
                    "class": head.classes[c],
                    "readable_name": head.readable[c],
                    "class_index": c,
                    "slot": slot,
                    "view": view,
                }
                yield [
                    (f"{key}.cls", str(c).encode()),
                    (f"{key}.json", json.dumps(said).encode()),
                    (f"{key}.npy", _npy(batch.probabilities[n, view])),
                    (f"{key}.png", png(batch.images[n, view])),
                ]


def _npy(array: np.ndarray[Any, Any]) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()
