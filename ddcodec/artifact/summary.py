"""A summary of an artifact's labels: their form and size, from the header alone; no torch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ddcodec.table.boxes import Ranks
from ddcodec.table.kinds import LAYERS, layer_of
from ddcodec.table.table import Table

__all__ = [
    "LabelBytes",
    "TeacherBytes",
    "describe_labels",
    "flat_text",
    "label_bytes",
    "labels_to_map",
    "stored_teachers",
]

# What a stored label costs, to compare with: at a byte it is as good as students can tell.
_REFERENCE_BYTES = 1


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

    @property
    def bytes_per_label(self) -> float:
        """Stored bytes per label."""
        return self.stored / max(1, self.count)

    def to_map(self) -> dict[str, Any]:
        """The same as plain values."""
        return {
            "count": self.count,
            "stored": self.stored,
            "plain": self.plain,
            "layers": {name.replace(" ", "_"): size for name, size in self.layers.items()},
            "bytes_per_label": self.bytes_per_label,
            "plain_over_stored": self.plain / max(1, self.stored),
        }


@dataclass(frozen=True)
class TeacherBytes:
    """One stored teacher.

    Attributes:
        arch: architecture.
        bits: of a weight before entropy coding.
        stored: bytes in the file.
    """

    arch: str
    bits: int
    stored: int

    @property
    def break_even(self) -> int:
        """The number of labels from which on it is smaller than labels of a byte each."""
        return self.stored // _REFERENCE_BYTES + 1

    def to_map(self) -> dict[str, Any]:
        """The same as plain values."""
        return {
            "arch": self.arch,
            "bits": self.bits,
            "stored": self.stored,
            "reference_bytes_per_label": _REFERENCE_BYTES,
            "break_even_labels": self.break_even,
        }


def flat_text(value: Any) -> str:
    """A value of the header's info as one line of text; bytes in hex.

    >>> flat_text({"steps": 3, "sizes": [2, 4]})
    'steps 3, sizes 2 4'
    """
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {flat_text(item)}" for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return " ".join(flat_text(item) for item in value)
    return value.hex() if isinstance(value, bytes) else str(value)


def label_bytes(table: Table) -> LabelBytes | None:
    """What the soft labels take; None where an artifact stores none."""
    head, recipe = table.head, table.head.recipe
    if recipe.labels.kind != "soft":
        return None
    layers: dict[str, int] = {}
    for section in table.reader.sections:
        name = layer_of(section) or ("logits" if section.kind == "labels" else None)
        if name is not None:
            layers[name] = layers.get(name, 0) + section.stored_len
    rows = recipe.ipc * recipe.views
    have = Ranks(head.rows)
    plain = sum(
        2 * rows * count * (have.of(start + count) - have.of(start))
        for start, count in head.origins
    )
    ordered = {name: layers[name] for name in (*LAYERS, "logits") if name in layers}
    return LabelBytes(rows * have.count, ordered, plain)


def stored_teachers(table: Table) -> tuple[TeacherBytes, ...]:
    """The stored teachers of a file: one for each of its origins, or none."""
    return tuple(
        TeacherBytes(
            str(s.codec.params.get("arch")), int(s.codec.params.get("bits", 0)), s.stored_len
        )
        for s in table.sections("teacher")
    )


def labels_to_map(table: Table) -> dict[str, Any]:
    """Kind, temperature and size of the labels, as plain values."""
    labels = table.head.recipe.labels
    values: dict[str, Any] = {"kind": labels.kind}
    if labels.soft:
        values["temperature"] = list(labels.temperature)
        values["divergence"] = _divergence(table)
    found = label_bytes(table)
    return values if found is None else {**values, **found.to_map()}


def describe_labels(table: Table) -> Iterator[str]:
    """The same for people, in sentences without a capital or a full stop."""
    labels = table.head.recipe.labels
    if not labels.soft:
        yield "hard: the class of each picture"
        return
    numerator, denominator = labels.temperature
    at = f"temperature {numerator}" + (f"/{denominator}" if denominator > 1 else "")
    divergence = _divergence(table)
    found = label_bytes(table)
    if found is None:
        yield from _describe_teachers(table)
    else:
        times = found.plain / max(1, found.stored)
        yield (
            f"soft: {found.stored:,} bytes, {found.bytes_per_label:.2f} per label, {times:.1f} "
            f"times smaller than 16-bit floating point ({found.plain:,})"
        )
    distance = "" if divergence is None else f", {divergence:.2g} nats from the teacher's"
    yield f"for training at {at}{distance}"


def _describe_teachers(table: Table) -> Iterator[str]:
    """Where the labels come from, and whether storing them would be smaller."""
    recipe = table.head.recipe
    labels = len(table.head.row_classes) * recipe.ipc * recipe.views
    found = stored_teachers(table)
    for teacher in found:
        yield (
            f"computed by a stored teacher, {teacher.arch} at {teacher.bits} bits, "
            f"{teacher.stored:,} bytes, exact profile w8a15: the same on every machine"
        )
    if found:
        least = sum(teacher.stored for teacher in found) // _REFERENCE_BYTES + 1
        verdict = "smaller" if labels >= least else "larger"
        yield (
            f"{verdict} than stored labels would be at {_REFERENCE_BYTES} byte each: it pays from "
            f"{least:,} labels on, this table has {labels:,}"
        )


def _divergence(table: Table) -> float | None:
    """What the encoder noted of the labels' distance from its teacher's; nobody has checked it."""
    noted = table.reader.info.get("labels")
    value = noted.get("divergence") if isinstance(noted, Mapping) else None
    try:
        found = float(value) if isinstance(value, str) else math.nan
    except ValueError:
        return None
    return found if math.isfinite(found) else None
