"""Ways to code soft labels, by the names that ``labels.py`` calls them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import click
import numpy as np

import ddcodec
from ddcodec.arrays import Float32s, Int16s, UInt8s
from ddcodec.artifact.artifact import Artifact
from ddcodec.benchmark.label_codings import (
    HalfFloats,
    LabelCoding,
    StoredLabels,
    TopK,
    in_nats,
)
from ddcodec.labels.encoder.label_set import divergence
from ddcodec.labels.options import LabelOptions

Coded = tuple[float, Callable[[int], Float32s]]
"""Bytes per label, and view -> logits [n, K] in nats."""

OURS = {"class": "class", "image": "image", "field": "field", "lossless": "lossless"}
OURS |= {"ours": "innovation", "bytes": "innovation"}


class Codings:
    """One artifact's pictures, the teacher's labels of them, and codings of those.

    Args:
        path: an artifact that gives pictures and views.
        labels: int16 [images, views, K] in 1/64 nat, as ``labels.py ask`` writes them.
        views: only the first views.
        temperature: at which divergences are told, as N or N/D.
    """

    def __init__(self, path: Path, labels: Path, views: int | None, temperature: str) -> None:
        self.path = path
        self.artifact = ddcodec.open(path)
        every: Int16s = np.load(labels, mmap_mode="r")
        self.views = views or every.shape[1]
        self.labels = every[:, : self.views]
        self.ratio = Fraction(temperature)
        self.temperature = float(self.ratio)
        self._known: dict[str, Coded] = {}

    def __enter__(self) -> Codings:
        return self

    def __exit__(self, *_: object) -> None:
        self.artifact.close()

    @property
    def count(self) -> int:
        """Number of labels."""
        return int(self.labels.shape[0] * self.labels.shape[1])

    def code(self, coding: str) -> Coded:
        """Bytes per label and decoded logits, computed once in a process."""
        if coding not in self._known:
            self._known[coding] = self._code(self._coding(*coding.partition(":")[::2]))
        return self._known[coding]

    def _code(self, coding: LabelCoding) -> Coded:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "labels"
            size = coding.write(self.labels, path) / self.count
            logits = coding.read(path, self.labels.shape)
        return size, lambda view: logits[:, view]

    def _coding(self, name: str, value: str) -> LabelCoding:
        if name in OURS:
            options = LabelOptions(OURS[name])  # type: ignore[arg-type]
            if name == "bytes":
                options = replace(options, budget=round(float(value) * self.count))
            elif value:
                options = replace(options, quality=float(value))
            return StoredLabels(self.artifact, self.ratio.as_integer_ratio(), options, name)
        if name in ("fp16", "zstd"):
            return HalfFloats(19 if name == "zstd" else None)
        if name in ("smooth", "renorm"):
            return TopK(int(value), smoothed=name == "smooth")
        raise click.BadParameter(f"unknown coding {name!r}")

    def divergences(self, decode: Callable[[int], Float32s]) -> tuple[float, float]:
        """Mean divergence at the temperature and at 1."""
        out = []
        for t in (self.temperature, 1.0):
            views = range(0, self.views, max(1, self.views // 30))
            each = [divergence(in_nats(self.labels[:, v]), decode(v), t).mean() for v in views]
            out.append(float(np.mean(each)))
        return out[0], out[1]


def view_images(artifact: Artifact, view: int) -> UInt8s:
    """A view of all rows, uint8 [n, h, w, 3]."""
    renderer, rows = artifact.renderer(), artifact.head.all_rows
    parts = [renderer.images(rows[i : i + 250], view) for i in range(0, len(rows), 250)]
    return np.concatenate(parts)
