"""What the labels of an artifact are and take, from the header alone. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ddcodec.budget import LAYERS, layer_of
from ddcodec.stored_teacher import summary

if TYPE_CHECKING:
    from ddcodec.artifact import Artifact

__all__ = ["LabelBytes", "in_words", "label_bytes", "to_map"]


@dataclass(frozen=True)
class LabelBytes:
    """What the soft labels of an artifact take.

    Attributes:
        count: labels, rows x views.
        layers: bytes in the file by layer: ``means and basis``, ``fields`` and ``innovations``;
            or ``logits`` of labels that are stored whole.
        plain: bytes of the same labels as 16-bit floating-point numbers.
    """

    count: int
    layers: Mapping[str, int]
    plain: int

    @property
    def stored(self) -> int:
        """Bytes in the file."""
        return sum(self.layers.values())

    def to_map(self) -> dict[str, Any]:
        return {
            "count": self.count,
            "bytes": self.stored,
            "layers": {name.replace(" ", "_"): size for name, size in self.layers.items()},
            "bytes_a_label": self.stored / max(1, self.count),
            "fp16": self.plain,
            "fp16_over_bytes": self.plain / max(1, self.stored),
        }


def label_bytes(artifact: Artifact) -> LabelBytes | None:
    """What the soft labels take; None where an artifact stores none."""
    head, recipe = artifact.head, artifact.recipe
    if recipe.labels.kind != "soft":
        return None
    layers: dict[str, int] = {}
    for section in artifact.sections:
        name = layer_of(section) or ("logits" if section.kind == "labels" else None)
        if name is not None:
            layers[name] = layers.get(name, 0) + section.stored_len
    rows = recipe.ipc * recipe.views
    plain = sum(2 * rows * head.origin(c)[1] for c in head.row_classes)
    order = [*LAYERS.values(), "logits"]
    ordered = {name: layers[name] for name in order if name in layers}
    return LabelBytes(rows * len(head.row_classes), ordered, plain)


def to_map(artifact: Artifact) -> dict[str, Any]:
    """Kind, temperature and size of the labels, as plain values."""
    recipe = artifact.recipe
    labels = recipe.labels
    values: dict[str, Any] = {"kind": labels.kind}
    if labels.soft:
        values["temperature"] = list(labels.temperature)
        values["divergence"] = _divergence(artifact)
    found = label_bytes(artifact)
    return values if found is None else {**values, **found.to_map()}


def in_words(artifact: Artifact) -> Iterator[str]:
    """The same in sentences without a capital or a full stop."""
    recipe = artifact.recipe
    if not recipe.labels.soft:
        yield "hard: the class of each picture"
        return
    rows = len(artifact.classes) * recipe.ipc
    numerator, denominator = recipe.labels.temperature
    at = f"temperature {numerator}" + (f"/{denominator}" if denominator > 1 else "")
    divergence = _divergence(artifact)
    found = label_bytes(artifact)
    if found is None:
        yield from summary.in_words(artifact.sections, rows * recipe.views)
    else:
        each = found.stored / max(1, found.count)
        times = found.plain / max(1, found.stored)
        yield (
            f"soft: {found.stored:,} bytes, {each:.2f} a label, {times:.1f} times smaller than "
            f"16-bit floating point ({found.plain:,})"
        )
    told = "" if divergence is None else f", {divergence:.2g} nats from the teacher's"
    yield f"for training at {at}{told}"


def _divergence(artifact: Artifact) -> float | None:
    """What the encoder noted of the labels' distance from its teacher's; nobody has checked it."""
    told = artifact.info.get("labels")
    value = told.get("divergence") if isinstance(told, Mapping) else None
    try:
        found = float(value) if isinstance(value, str) else math.nan
    except ValueError:
        return None
    return found if math.isfinite(found) else None
