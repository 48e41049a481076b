"""Stored views of an artifact, and fresh ones with smoothed hard labels, as a student sees them."""

from __future__ import annotations

from dataclasses import replace
from math import isqrt

import torch
from torch import Tensor

from ddcodec.artifact.dataset import DistilledDataset
from ddcodec.recipe.view import View
from ddcodec.synthesis.view_draw import draw
from ddcodec.synthesis.views import augment

__all__ = ["FreeViews", "StoredViews"]

# Rendered views kept in memory, so that later epochs and seeds do not render them again.
CACHED_BYTES = 1 << 30
_ROWS = 250  # rendered at a time


class StoredViews:
    """Images and probabilities of an artifact, view by view, kept while they fit in memory."""

    def __init__(self, data: DistilledDataset) -> None:
        self._data = data
        self._kept: dict[int, tuple[Tensor, Tensor]] = {}
        self._bytes = 0

    def view(self, index: int) -> tuple[Tensor, Tensor]:
        """uint8[n, 3, h, w] and float32[n, K] of every row at one view."""
        if index in self._kept:
            return self._kept[index]
        self._data.set_epoch(index)
        rows = range(len(self._data))
        parts = [self._data.batch(rows[i : i + _ROWS]) for i in range(0, len(rows), _ROWS)]
        images = torch.cat([p[0] for p in parts])
        labels = torch.cat([p[1] for p in parts])
        size = images.nbytes + labels.nbytes
        if self._bytes + size <= CACHED_BYTES:
            self._kept[index] = images, labels
            self._bytes += size
        return images, labels


class FreeViews:
    """Fresh crops and flips of the pictures, mixed within the batch, with smoothed hard labels.

    HALD (Cui et al. 2025, arXiv 2512.15647): where stored soft labels are few, the class of the
    picture is a label that no crop can lead astray, and costs nothing. Crops and flips are those
    of the artifact's recipe, or of torchvision's shares of the area where its views are stored;
    CutMix is added whether or not the recipe has it.

    Args:
        data: the pictures.
        smoothing: share of a label that is spread over all classes; theirs is 0.8.
    """

    def __init__(self, data: DistilledDataset, smoothing: float) -> None:
        self._data = data
        view = data.head.recipe.view
        # What is stored says not how to draw more: as torchvision's RandomResizedCrop does.
        free = View("resized-crop", scale=(8, 100, 100), flip=1) if view.stored else view
        self._view = replace(free, cutmix=0, partners=0)
        columns = len(data.classes)
        classes = torch.tensor([c for c, _ in data.rows])
        self._labels = torch.full((len(data), columns), smoothing / columns)
        self._labels[torch.arange(len(data)), classes] += 1 - smoothing

    def epoch(self, number: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """uint8[n, 3, h, w] and float32[n, K] of every row, of an epoch's pictures.

        Args:
            number: of the epoch, which chooses the variation that is shown.
            generator: of crops and flips.
        """
        data, recipe = self._data, self._data.head.recipe
        data.set_epoch(number)
        seeds = torch.randint(1 << 62, (len(data),), generator=generator).numpy()
        images = []
        for start in range(0, len(data), _ROWS):
            rows = range(start, min(start + _ROWS, len(data)))
            pictures = data.pictures(rows)
            drawn = draw(self._view, seeds[start : rows.stop], 0, 1, recipe.height, recipe.width, 1)
            images.append(torch.from_numpy(augment(pictures, drawn).transpose(0, 3, 1, 2).copy()))
        return torch.cat(images), self._labels

    @staticmethod
    def mixed(images: Tensor, labels: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """CutMix (Yun et al. 2019) of each picture with another one of its batch.

        Args:
            images: uint8[n, 3, h, w].
            labels: float32[n, K].
            generator: of one box for the batch, of uniform area and centre, and the partners.
        """
        height, width = images.shape[2:]
        share = torch.rand(1, generator=generator).item()
        rows, columns = isqrt(int(height**2 * share)), isqrt(int(width**2 * share))
        row = int(torch.randint(height, (1,), generator=generator)) - rows // 2
        column = int(torch.randint(width, (1,), generator=generator)) - columns // 2
        top, left = max(row, 0), max(column, 0)
        bottom, right = min(row + rows, height), min(column + columns, width)
        partners = torch.randperm(len(images), generator=generator)
        out = images.clone()
        out[:, :, top:bottom, left:right] = images[partners, :, top:bottom, left:right]
        pasted = (bottom - top) * (right - left) / (height * width)
        return out, (1 - pasted) * labels + pasted * labels[partners]
