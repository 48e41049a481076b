"""Tensors for DD-Ranking, which scores distilled data (format ``dd-ranking``).

Source: ddranking 0.2.0, metrics/hard_label.py and metrics/soft_label.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ddcodec.exchange.exporting.selection import Selection
from ddcodec.exchange.exporting.tensors import (
    TensorFormat,
    check_has_logits,
    check_is_whole,
    described,
    save,
)

__all__ = ["DDRanking"]

IMAGES, HARD, SOFT = "images.pt", "hard_labels.pt", "soft_labels.pt"


class DDRanking(TensorFormat):
    """``images.pt``, float32 [n, 3, h, w], ``hard_labels.pt`` and ``soft_labels.pt``."""

    name = "dd-ranking"
    summary = "images.pt, hard_labels.pt and soft_labels.pt (one row of logits per image)"
    takes = ("statistics",)
    labels = (
        "hard_labels.pt: the class index; soft_labels.pt, of an artifact with soft labels: the "
        "logits of the image itself (view 0), at temperature 1"
    )

    def check(self, selection: Selection) -> None:
        super().check(selection)
        check_is_whole(self.name, selection)
        head = selection.artifact.head
        if head.recipe.labels.soft:
            check_has_logits(self.name, head)

    def write(self, selection: Selection, folder: Path) -> dict[str, Any]:
        soft = selection.artifact.recipe.labels.soft
        images, logits, used = self.tensors(selection, "logits" if soft else "none")
        save(images, folder / IMAGES)
        save(selection.class_indices, folder / HARD)
        files = {"images": IMAGES, "hard_labels": HARD}
        if logits is not None:
            save(logits, folder / SOFT)
            files["soft_labels"] = SOFT
        return described(used, **files)
