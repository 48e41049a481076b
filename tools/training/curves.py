"""Loss curves as SVG, from a stage's log or an array."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib import pyplot

from ddcodec.arrays import Array

matplotlib.use("svg")
# The same curves give the same file, and letters stay letters.
matplotlib.rcParams.update({"svg.hashsalt": "ddcodec", "svg.fonttype": "none"})

Lines = Mapping[str, tuple[Array, Array]]


def plot(path: Path, panels: Mapping[str, Lines]) -> None:
    """Panels side by side: title -> name of a line -> (steps, losses)."""
    figure, axes = pyplot.subplots(
        1, len(panels), figsize=(5 * len(panels), 3), layout="constrained", squeeze=False
    )
    for ax, (title, lines) in zip(axes[0], panels.items(), strict=True):
        for name, (x, y) in lines.items():
            ax.plot(x, y, label=name, linewidth=1)
        # The first steps would flatten everything after them.
        top = max(float(np.quantile(y, 0.98)) for _, y in lines.values())
        ax.set(title=title, xlabel="step", ylabel="loss", ylim=(None, top * 1.05))
        ax.grid(alpha=0.3)
        ax.legend(frameon=False)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def smooth(values: Array, window: int) -> tuple[Array, Array]:
    """Running mean: its (steps, values)."""
    mean = np.convolve(values, np.ones(window) / window, "valid")
    return np.arange(window, len(values) + 1), mean
