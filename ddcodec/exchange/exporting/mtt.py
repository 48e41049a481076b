"""Tensors as MTT saves them (format ``mtt``).

Source: GeorgeCazenavette/mtt-distillation, distill.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ddcodec.exchange.exporting.selection import Selection
from ddcodec.exchange.exporting.tensors import TensorFormat, described, save

__all__ = ["Mtt"]

IMAGES, LABELS = "images_best.pt", "labels_best.pt"


class Mtt(TensorFormat):
    """``images_best.pt``, float32 [n, 3, h, w], and ``labels_best.pt``, int64 [n]."""

    name = "mtt"
    summary = "images_best.pt (float32, normalised) and labels_best.pt (int64), as MTT"
    labels = "labels_best.pt: the class index"

    def write(self, selection: Selection, folder: Path) -> dict[str, Any]:
        images, _, used = self.tensors(selection, "none")
        save(images, folder / IMAGES)
        save(selection.class_indices, folder / LABELS)
        return described(used, images=IMAGES, labels=LABELS)
