"""One ``.npz`` of plain arrays (format ``numpy``)."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from ddcodec.arrays import Array
from ddcodec.exchange.exporting.format import ExportFormat
from ddcodec.exchange.exporting.selection import Selection
from ddcodec.exchange.folder import check_labels_fit
from ddcodec.exchange.npz import member

__all__ = ["NumpyArrays"]

FILE = "data.npz"


class NumpyArrays(ExportFormat):
    """``data.npz``, which ``numpy.load`` reads without pickle; pictures are streamed into it."""

    name = "numpy"
    summary = "one npz: images uint8 [n, h, w, 3], labels int64 [n], soft_labels float32 [n, K]"
    takes = ("classes", "views")
    labels = "labels: the class index; soft_labels: float32 [n, K] probabilities at the temperature"

    def check(self, selection: Selection) -> None:
        check_labels_fit(selection.data, FILE)

    def write(self, selection: Selection, folder: Path) -> dict[str, Any]:
        data, views = selection.data, selection.views
        width, height = selection.size
        shape = (selection.images, height, width, 3)
        soft = np.empty((len(data), views, selection.class_count), np.float32)
        done = 0
        with zipfile.ZipFile(folder / FILE, "w", zipfile.ZIP_STORED) as archive:
            with archive.open(member("images.npy"), "w", force_zip64=True) as stream:
                stream.write(_header(shape, np.dtype(np.uint8)))
                for batch in selection.batches("probabilities"):
                    stream.write(batch.images.tobytes())
                    soft[done : done + len(batch.rows)] = batch.probabilities
                    done += len(batch.rows)
            for name, array in self._labels(selection, soft).items():
                with archive.open(member(f"{name}.npy"), "w", force_zip64=True) as stream:
                    stream.write(_header(array.shape, array.dtype))
                    stream.write(np.ascontiguousarray(array).tobytes())
        return {"files": {"arrays": FILE}, "pixels": "uint8, height x width x RGB"}

    @staticmethod
    def _labels(selection: Selection, soft: Array) -> dict[str, Array]:
        data, views = selection.data, selection.views
        return {
            "labels": selection.class_indices.repeat(views),
            "soft_labels": soft.reshape(selection.images, selection.class_count),
            "slot": np.array([slot for _, slot in data.rows], np.int64).repeat(views),
            "view": np.tile(np.arange(views, dtype=np.int64), len(data)),
            "class_names": np.array(data.classes, np.str_),
            "readable_names": np.array(data.names, np.str_),
            "digest": np.array(selection.artifact.digest, np.str_),
        }


def _header(shape: tuple[int, ...], dtype: np.dtype[Any]) -> bytes:
    stream = io.BytesIO()
    described = {
        "descr": np.lib.format.dtype_to_descr(dtype),
        "fortran_order": False,
        "shape": shape,
    }
    np.lib.format.write_array_header_1_0(stream, described)
    return stream.getvalue()
