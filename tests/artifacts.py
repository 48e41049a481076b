"""Small artifacts for tests: how to make one, and a teacher that costs nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import ddcodec
from ddcodec.artifact import Artifact
from ddcodec.codecs.soft_labels import SoftLabels
from ddcodec.container import Box, CopiedSection, NewSection, write_container
from ddcodec.recipe import LabelRecipe


def encode_small(source: Path, out: Path, **changes: Any) -> Artifact:
    """Three classes x 4 images x 3 views of 16 px, real images with hard labels by default."""
    settings: dict[str, Any] = {"method": "random", "ipc": 4, "views": 3, "labels": "hard"}
    ddcodec.encode(source, out, **{**settings, **changes})
    return ddcodec.open(out)


def rewritten(artifact: Artifact, out: Path, head: dict[str, Any]) -> Path:
    """The same sections under another head."""
    sections = [CopiedSection(artifact.reader, s, s.box) for s in artifact.sections]
    write_container(out, head=head, sections=sections, info=artifact.info)
    return out


def everything(artifact: Artifact) -> dict[tuple[str, int, int], tuple[bytes, bytes]]:
    """(class name, slot, view) -> (image bytes, label bytes) of every row."""
    data = artifact.dataset()
    rows = {}
    for view in range(data.views):
        data.set_epoch(view)
        images, labels = data.batch(range(len(data)))
        for (c, slot), image, label in zip(data.rows, images, labels, strict=True):
            key = (artifact.head.classes[c], slot, view)
            rows[key] = (image.numpy().tobytes(), np.asarray(label).tobytes())
    return rows


def soft_copy(artifact: Artifact, out: Path, temperature: tuple[int, int] = (4, 1)) -> Artifact:
    """The artifact with seeded random soft labels in place of its hard ones."""
    head, recipe = artifact.head, artifact.recipe
    shape = (len(head.classes), recipe.ipc, recipe.views, len(head.classes))
    logits = np.random.default_rng(0).integers(-40, 1, shape).astype(np.int16) * 32
    codec = SoftLabels(classes=len(head.classes), step=32)
    labels = NewSection("labels", codec.spec(), Box(0, len(head.classes)), codec.encode(logits))
    kept = [
        CopiedSection(artifact.reader, s, s.box) for s in artifact.sections if s.kind != "labels"
    ]
    soft = replace(head, recipe=replace(recipe, labels=LabelRecipe("soft", temperature)))
    write_container(out, head=soft.to_map(), sections=[*kept, labels])
    return ddcodec.open(out)
