"""Tensors as DATM saves them, with soft labels (format ``datm``).

Source: NUS-HPC-AI-Lab/DATM, distill/DATM.py and distill/evaluation.py.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ddcodec.exchange.exporting.selection import Selection
from ddcodec.exchange.exporting.tensors import TensorFormat, check_has_logits, described, save

__all__ = ["Datm", "learned_rate"]

IMAGES, LABELS, RATE = "images_best.pt", "labels_best.pt", "lr_best.pt"
LEARNING_RATE = 0.01
"""Where DATM's own search for a learning rate begins (its ``lr_teacher``)."""
_LEAST, _MOST = 1e-12, 1e6  # well within float32


class Datm(TensorFormat):
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
        learned = learned_rate(selection.artifact.info)
        rate = LEARNING_RATE if learned is None else learned
        save(np.array(rate, np.float32), folder / RATE)
        said = {"learning_rate": rate, "learned": learned is not None}
        return {**described(used, images=IMAGES, labels=LABELS, learning_rate=RATE), **said}


def learned_rate(info: Mapping[str, Any]) -> float | None:
    """The learning rate that an import has noted, of which nobody has checked anything."""
    noted = info.get("imported")
    text = noted.get("lr") if isinstance(noted, Mapping) else None
    try:
        rate = float(text) if isinstance(text, str) else math.nan
    except ValueError:
        return None
    return rate if _LEAST <= rate <= _MOST else None
