"""Ways to code soft labels, each giving bytes per label and what a student would be taught."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import click
import numpy as np
import zstandard

import ddcodec
from ddcodec.arrays import Float32s, Int16s, Row, UInt8s
from ddcodec.artifact.artifact import Artifact
from ddcodec.codecs.label_model import UNITS_PER_NAT
from ddcodec.container import CopiedSection, NewSection, write_container
from ddcodec.encoding.labelling import hard_label_sections
from ddcodec.labels.encoder.label_set import Logits, divergence
from ddcodec.labels.sections import LabelOptions, label_sections
from ddcodec.recipe.parts import LabelRecipe

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
        ratio = Fraction(temperature)
        self.temperature = float(ratio)
        recipe = replace(
            self.artifact.recipe,
            views=self.views,
            labels=LabelRecipe("soft", (ratio.numerator, ratio.denominator)),
        )
        self.head = replace(self.artifact.head, recipe=recipe)
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
            self._known[coding] = self._code(*coding.partition(":")[::2])
        return self._known[coding]

    def _code(self, name: str, value: str) -> Coded:
        classes = self.labels.shape[2]
        if name in OURS:
            return self._ours(name, value)
        if name in ("fp16", "zstd"):
            size = 2.0 * classes
            if name == "zstd":
                raw = self.log_probabilities(slice(None)).astype("<f2").tobytes()
                size = len(zstandard.compress(raw, 19)) / self.count
            return size, lambda v: self.log_probabilities(v).astype(np.float16).astype(np.float32)
        if name in ("smooth", "renorm"):
            k = int(value)
            return 4.0 * k, lambda v: top_k(self.log_probabilities(v), k, name == "smooth")
        raise click.BadParameter(f"unknown coding {name!r}")

    def _ours(self, name: str, value: str) -> Coded:
        options = LabelOptions(OURS[name])  # type: ignore[arg-type]
        if name == "bytes":
            options = replace(options, budget=round(float(value) * self.count))
        elif value:
            options = replace(options, quality=float(value))
        values = Logits.of(self.labels)
        result = label_sections(self.artifact.table, self.head, values, options)
        with tempfile.TemporaryDirectory() as folder:
            soft = self._file(Path(folder) / "soft.ddz", result.sections, self.head.recipe.labels)
            hard = self._file(
                Path(folder) / "hard.ddz", hard_label_sections(self.head), LabelRecipe("hard")
            )
            size = (soft.stat().st_size - hard.stat().st_size) / self.count
            with ddcodec.open(soft) as coded:
                rows = rows_of(coded)
                logits = np.stack([coded.labels.logits(rows, v) for v in range(self.views)])
        return size, lambda v: logits[v].astype(np.float32) / np.float32(UNITS_PER_NAT)

    def _file(self, path: Path, labels: list[NewSection], recipe: LabelRecipe) -> Path:
        reader = self.artifact.reader
        kept = [
            CopiedSection(reader, s, s.box)
            for s in reader.sections
            if s.kind in ("seeds", "patches", "prompts", "schedule", "pixels")
        ]
        head = replace(self.head, recipe=replace(self.head.recipe, labels=recipe))
        write_container(path, head=head.to_map(), sections=[*kept, *labels])
        return path

    def log_probabilities(self, view: int | slice) -> Float32s:
        return log_softmax(self.labels[:, view].astype(np.float32) / np.float32(UNITS_PER_NAT))

    def divergences(self, decode: Callable[[int], Float32s]) -> tuple[float, float]:
        """Mean divergence at the temperature and at 1."""
        out = []
        for t in (self.temperature, 1.0):
            views = range(0, self.views, max(1, self.views // 30))
            each = [divergence(self.log_probabilities(v), decode(v), t).mean() for v in views]
            out.append(float(np.mean(each)))
        return out[0], out[1]


def log_softmax(logits: Float32s) -> Float32s:
    """Log-probabilities over the last axis, in binary32."""
    shifted: Float32s = logits - logits.max(axis=-1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return shifted


def top_k(logp: Float32s, k: int, smooth: bool) -> Float32s:
    """The top k log-probabilities; the rest of the mass evenly over the others, or nothing."""
    order = np.argpartition(-logp, k, axis=1)[:, :k]
    kept = np.take_along_axis(logp, order, axis=1)
    mass = np.exp(kept).sum(axis=1, keepdims=True)
    rest = np.log(np.maximum(1 - mass, 1e-7) / max(1, logp.shape[1] - k)) if smooth else -1e4
    out = np.broadcast_to(rest, logp.shape).astype(np.float32).copy()
    np.put_along_axis(out, order, kept, axis=1)
    return out


def rows_of(artifact: Artifact) -> list[Row]:
    recipe = artifact.recipe
    return [(c, s) for c in range(len(artifact.head.classes)) for s in range(recipe.ipc)]


def view_images(artifact: Artifact, view: int) -> UInt8s:
    """A view of all rows, uint8 [n, h, w, 3]."""
    renderer, rows = artifact.renderer(), rows_of(artifact)
    parts = [renderer.images(rows[i : i + 250], view) for i in range(0, len(rows), 250)]
    return np.concatenate(parts)
