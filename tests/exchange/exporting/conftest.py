"""One small artifact with soft labels to export, and what its rows are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ddcodec.artifact import Artifact
from tests.artifacts import encode_small, soft_copy


@pytest.fixture(scope="module")
def artifact(image_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """Three classes x 4 images x 3 views of resized crops, with random soft labels."""
    folder = tmp_path_factory.mktemp("artifact")
    with encode_small(image_folder, folder / "hard.ddz", view="resized-crop+flip") as hard:
        return soft_copy(hard, folder / "soft.ddz")


def pictures(artifact: Artifact, view: int = 0) -> np.ndarray[Any, Any]:
    """uint8 [rows, h, w, 3]."""
    data = artifact.dataset(pixels="uint8")
    data.set_epoch(view)
    return data.images(range(len(data))).numpy().transpose(0, 2, 3, 1)


def shares(artifact: Artifact, view: int = 0) -> np.ndarray[Any, Any]:
    """float32 [rows, K]."""
    data = artifact.dataset()
    data.set_epoch(view)
    return data.probabilities(range(len(data)))


def nats(artifact: Artifact, view: int = 0) -> np.ndarray[Any, Any]:
    """float64 [rows, K]."""
    return artifact.labels.logits(artifact.dataset().rows, view) / 64


def loaded(path: Path) -> Any:
    return torch.load(path, weights_only=True)


def denormalised(images: torch.Tensor, mean: list[float], std: list[float]) -> np.ndarray[Any, Any]:
    """uint8 [n, h, w, 3], as whoever reads an export would make it of the sidecar's statistics."""
    shape = (1, 3, 1, 1)
    pixels = images * torch.tensor(std).view(shape) + torch.tensor(mean).view(shape)
    return (pixels * 255).round().to(torch.uint8).numpy().transpose(0, 2, 3, 1)
