"""Small label trees: pictures of a few colours, and a teacher that knows colours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ddcodec.arrays import Float32s, UInt8s
from tools.bench.fkd import write_tree

CLASSES, IPC, SIDE, EPOCHS, BATCH = 6, 4, 16, 3, 10
IMAGES = CLASSES * IPC
SIZE = SIDE, SIDE
NAMES = tuple(f"colour {c}" for c in range(CLASSES))
_PALETTE = (
    np.random.default_rng(5).permutation(np.arange(20, 236, 12))[: 3 * CLASSES].reshape(-1, 3)
)


def pictures() -> UInt8s:
    """uint8 [24, 16, 16, 3]: noise about the colour of the class, class by class."""
    noise = np.random.default_rng(0).integers(-12, 13, (IMAGES, SIDE, SIDE, 3))
    colours = np.repeat(_PALETTE, IPC, axis=0)[:, None, None]
    return np.clip(colours + noise, 0, 255).astype(np.uint8)


def teacher(images: UInt8s) -> Float32s:
    """float32 [n, 6]: how near each colour is to what most of an image shows."""
    colour = np.median(images.reshape(len(images), -1, 3), axis=1)
    far = np.abs(colour[:, None] - _PALETTE).sum(axis=2)
    return (-far / 25).astype(np.float32)


def tree(path: Path, **changes: Any) -> Path:
    """A tree of three epochs in batches of ten, by the logic of SRe2L."""
    settings: dict[str, Any] = {"epochs": EPOCHS, "batch": BATCH}
    write_tree(path, pictures(), teacher, **{**settings, **changes})
    return path


def read(path: Path, work: Path, **changes: Any) -> Any:
    """The tree's labels."""
    from ddcodec.exchange.fkd import read_labels

    settings: dict[str, Any] = {"classes": CLASSES, "ipc": IPC, "size": SIZE, "work": work}
    return read_labels(path, **{**settings, **changes})
