"""Loss curves as SVG, from a stage's log or an array."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib import pyplot

matplotlib.use("svg")
# The same curves give the same file.
matplotlib.rcParams["svg.hashsalt"] = "ddcodec"


def plot(
    path: Path,
    title: str,
    lines: Mapping[str, tuple[np.ndarray, np.ndarray]],
    *,
    log: bool = False,
) -> None:
    """One figure of named (steps, losses)."""
    figure, axes = pyplot.subplots(figsize=(6, 3), layout="constrained")
    for name, (x, y) in lines.items():
        axes.plot(x, y, label=name, linewidth=1)
    axes.set(title=title, xlabel="step", ylabel="loss", yscale="log" if log else "linear")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def smooth(values: np.ndarray, window: int) -> tuple[np.ndarray, np.ndarray]:
    """Running mean: its (steps, values)."""
    mean = np.convolve(values, np.ones(window) / window, "valid")
    return np.arange(window, len(values) + 1), mean
