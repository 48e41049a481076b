"""Ways to keep soft labels in a file: those of other work, and ours."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import zstandard

from ddcodec.arrays import Float32s, Indices, Int16s
from ddcodec.artifact import Artifact, open_artifact
from ddcodec.codecs.label_model import UNITS_PER_NAT
from ddcodec.container import CopiedSection, write_container
from ddcodec.encoding.plain_sections import hard_label_sections
from ddcodec.labels.encoder.label_set import Logits
from ddcodec.labels.options import LabelOptions
from ddcodec.labels.sections import label_sections
from ddcodec.recipe.fields import Ratio
from ddcodec.recipe.parts import LabelRecipe

__all__ = ["HalfFloats", "LabelCoding", "StoredLabels", "TopK", "in_nats", "log_softmax"]

Shape = tuple[int, ...]

_ENTRY = np.dtype([("column", "<u2"), ("value", "<f2")])
_KEPT = ("seeds", "patches", "prompts", "schedule", "pixels")


class LabelCoding(ABC):
    """One way to keep labels, which are int16 [n, V, K] in 1/64 nat: n pictures in V views.

    Attributes:
        name: for people.
        ours: whether it is a ``.ddz``.
    """

    name: str
    ours: ClassVar[bool] = False

    @abstractmethod
    def write(self, labels: Int16s, path: Path) -> int:
        """Write a file, over what is there; the bytes of it that labels take."""

    @abstractmethod
    def read(self, path: Path, shape: Shape) -> Float32s:
        """Logits in nats, float32 [n, V, K], of which a row's mean means nothing."""


class HalfFloats(LabelCoding):
    """Log-probabilities in 16-bit floating point, compressed or not.

    Args:
        level: of zstd; None for no compression.
    """

    def __init__(self, level: int | None = None) -> None:
        self.level = level
        self.name = "fp16" if level is None else f"fp16, zstd -{level}"

    def write(self, labels: Int16s, path: Path) -> int:
        raw = log_softmax(in_nats(labels)).astype("<f2").tobytes()
        return path.write_bytes(raw if self.level is None else zstandard.compress(raw, self.level))

    def read(self, path: Path, shape: Shape) -> Float32s:
        raw = path.read_bytes()
        raw = raw if self.level is None else zstandard.decompress(raw)
        return np.frombuffer(raw, "<f2").reshape(shape).astype(np.float32)


class TopK(LabelCoding):
    """The k largest log-probabilities, 32 bits each: the column, and the value in half of them.

    Args:
        k: entries of a label.
        smoothed: whether the rest of the mass is spread evenly over the other classes (FKD, Shen
            and Xing, ECCV 2022), or dropped, so that a softmax renormalises (LPQLD).
    """

    def __init__(self, k: int, *, smoothed: bool) -> None:
        self.k, self.smoothed = k, smoothed
        self.name = f"top {k}, rest " + ("spread (FKD)" if smoothed else "dropped (LPQLD)")

    def write(self, labels: Int16s, path: Path) -> int:
        logp = log_softmax(in_nats(labels))
        entries = np.empty((*labels.shape[:-1], self.k), _ENTRY)
        entries["column"] = columns = self._columns(logp)
        entries["value"] = np.take_along_axis(logp, columns, axis=-1)
        return path.write_bytes(entries.tobytes())

    def read(self, path: Path, shape: Shape) -> Float32s:
        entries = np.fromfile(path, _ENTRY).reshape(*shape[:-1], self.k)
        values = entries["value"].astype(np.float32)
        return self._filled(entries["column"].astype(np.intp), values, shape)

    def kept(self, logp: Float32s) -> Float32s:
        """What is left of log-probabilities [..., K] in memory, without rounding."""
        columns = self._columns(logp)
        return self._filled(columns, np.take_along_axis(logp, columns, axis=-1), logp.shape)

    def _columns(self, logp: Float32s) -> Indices:
        return np.argpartition(-logp, self.k - 1, axis=-1)[..., : self.k]

    def _filled(self, columns: Indices, values: Float32s, shape: Shape) -> Float32s:
        out = np.full(shape, -np.inf, np.float32)
        if self.smoothed:
            mass = np.exp(values).sum(axis=-1, keepdims=True)
            out[...] = np.log(np.maximum(1 - mass, 1e-7) / max(1, shape[-1] - self.k))
        np.put_along_axis(out, columns, values, axis=-1)
        return out


class StoredLabels(LabelCoding):
    """Soft labels in a ``.ddz``, beside the pictures that they are of.

    The bytes are what the whole file has more than the same one with hard labels.

    Args:
        artifact: gives the pictures and their views; its own labels play no part.
        temperature: of the students.
        options: how labels are coded.
        name: for people.
    """

    ours: ClassVar[bool] = True

    def __init__(
        self, artifact: Artifact, temperature: Ratio, options: LabelOptions, name: str
    ) -> None:
        self.artifact, self.temperature = artifact, temperature
        self.options, self.name = options, name

    def write(self, labels: Int16s, path: Path) -> int:
        recipe = replace(self.artifact.recipe, views=labels.shape[1])
        hard = replace(self.artifact.head, recipe=replace(recipe, labels=LabelRecipe("hard")))
        label_recipe = LabelRecipe("soft", self.temperature)
        soft = replace(hard, recipe=replace(recipe, labels=label_recipe))
        values = Logits.of(labels)
        result = label_sections(self.artifact.table, soft, values, self.options)
        reader, sizes = self.artifact.reader, []
        kept = [CopiedSection(reader, s, s.box) for s in reader.sections if s.kind in _KEPT]
        for head, sections in ((hard, hard_label_sections(hard)), (soft, result.sections)):
            write_container(path, head=head.to_map(), sections=[*kept, *sections], overwrite=True)
            sizes.append(path.stat().st_size)
        return sizes[1] - sizes[0]

    def read(self, path: Path, shape: Shape) -> Float32s:
        with open_artifact(path) as coded:
            rows = coded.head.all_rows
            logits = [coded.labels.logits(rows, view) for view in range(shape[1])]
        return in_nats(np.stack(logits, axis=1))


def in_nats(labels: Int16s) -> Float32s:
    """Integer logits as binary32."""
    return labels.astype(np.float32) / np.float32(UNITS_PER_NAT)


def log_softmax(logits: Float32s) -> Float32s:
    """Log-probabilities over the last axis, in binary32."""
    shifted: Float32s = logits - logits.max(axis=-1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return shifted
