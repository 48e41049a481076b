"""Rows as torch tensors: images as students see them, and labels on any device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from ddcodec.arrays import Row, UInt8s
from ddcodec.artifact.rows import RowReader
from ddcodec.classifiers.training import Statistics
from ddcodec.labels.softmax import torch_probabilities
from ddcodec.recipe.parts import Evaluation

__all__ = ["Pixels", "image_tensor", "label_tensor"]

Pixels = Literal["uint8", "float"]


def image_tensor(pictures: UInt8s, pixels: Pixels, evaluation: Evaluation) -> Tensor:
    """Pictures as a tensor.

    Args:
        pictures: uint8 [n, h, w, 3].
        pixels: ``uint8``, or ``float``: normalised by the recipe's mean and standard deviation.
        evaluation: the part of the recipe that has these.

    Returns:
        uint8 or float32 [n, 3, h, w].
    """
    images = torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2)))
    return images if pixels == "uint8" else Statistics.of(evaluation).normalise(images)


def label_tensor(
    reader: RowReader, rows: Sequence[Row], views: Sequence[int], pictures: UInt8s, device: str
) -> Tensor:
    """Label probabilities, the same bits as :meth:`RowReader.probabilities`, made on a device.

    Args:
        reader: of the rows.
        rows: (class index, slot), n of them.
        views: of each row.
        pictures: uint8 [n, h, w, 3], the rows at these views, for a stored teacher to see.
        device: where the tensor is to be.

    Returns:
        float32 [n, K].
    """
    recipe = reader.head.recipe
    if not recipe.labels.soft:
        return torch.from_numpy(reader.probabilities(rows, views)).to(device)
    out = torch.zeros(len(rows), len(reader.classes), device=device)
    for part in reader.label_parts(rows, views, pictures):
        logits = torch.from_numpy(part.logits).to(device)
        members = torch.tensor(part.members, device=device)
        out[members, part.columns] = torch_probabilities(logits, recipe.labels.temperature)
    return out
