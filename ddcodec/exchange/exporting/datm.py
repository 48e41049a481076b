"""Tensors as DATM saves them, with soft labels (kind ``datm``).

Source: NUS-HPC-AI-Lab/DATM, distill/DATM.py and distill/evaluation.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ddcodec.exchange.exporting.selection import Selection
from ddcodec.exchange.exporting.tensors import TensorKind, check_has_logits, described, save

__all__ = ["Datm"]

IMAGES, LABELS, RATE = "images_best.pt", "labels_best.pt", "lr_best.pt"
LEARNING_RATE = 0.01
"""Where DATM's own search for a learning rate begins (its ``lr_teacher``)."""


class Datm(TensorKind):
    """``images_best.pt`` and ``labels_best.pt``, logits float32 [n, K], and ``lr_best.pt``, 0-d."""

    name = "datm"
    summary = "images_best.pt, labels_best.pt (logits float32 [n, K]) and lr_best.pt, as DATM"
    labels = (
        "labels_best.pt: the logits of the image itself (view 0), at temperature 1, which is "
        "DATM's; students of the artifact train at its own temperature"
    )

    def check(self, selection: Selection) -> None:
        super().check(selection)
        check_has_logits(self.name, selection.artifact.head)

    def write(self, selection: Selection, folder: Path) -> dict[str, Any]:
        images, logits, used = self.tensors(selection, "logits")
        assert logits is not None
        save(images, folder / IMAGES)
        save(logits, folder / LABELS)
        save(np.array(LEARNING_RATE, np.float32), folder / RATE)
        more = {"learning_rate": LEARNING_RATE, "learned": False}
        return {**described(used, images=IMAGES, labels=LABELS, learning_rate=RATE), **more}
