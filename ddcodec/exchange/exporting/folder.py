"""An image folder: what a decode writes, PNGs and their labels (format ``folder``)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ddcodec.exchange.exporting.format import ExportFormat
from ddcodec.exchange.exporting.selection import Selection
from ddcodec.exchange.folder import check_labels_fit, export_folder

__all__ = ["ImageFolder"]


class ImageFolder(ExportFormat):
    """``<class>/<slot>_<view>.png``, labels.npz, SHA256SUMS; see :mod:`ddcodec.exchange.folder`."""

    name = "folder"
    summary = "PNG image folder with labels.npz: what `ddz decode` writes"
    takes = ("classes", "views")
    labels = "labels.npz: the probabilities of each picture at the temperature"

    def check(self, selection: Selection) -> None:
        check_labels_fit(selection.data)

    def write(self, selection: Selection, folder: Path) -> dict[str, Any]:
        data = selection.data
        export_folder(
            selection.artifact,
            folder,
            classes=[data.classes[c] for c in data.row_classes],
            ipc=data.ipc,
            views=data.views,
            device=data.device,
            prior=selection.prior,
            progress=selection.progress,
        )
        return {"files": {"pictures": "<class>/<slot>_<view>.png", "labels": "labels.npz"}}
