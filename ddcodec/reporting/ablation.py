"""Artifacts without one of their parts: what students lose shows what its bytes bought."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ddcodec import codecs
from ddcodec.artifact import Artifact, open_artifact
from ddcodec.codecs.soft_labels import SoftLabels
from ddcodec.container import CopiedSection, NewSection, Section, write_container
from ddcodec.encoding.plain_sections import hard_label_sections
from ddcodec.evaluation.evaluate import Evaluation
from ddcodec.recipe.head import Head
from ddcodec.recipe.parts import LabelRecipe
from ddcodec.table.boxes import Ranks

__all__ = ["Ablated", "Ablation", "Bar", "Variant", "bars_of", "variants_of"]

_LABEL_KINDS = ("labels", "label-model", "label-fields", "teacher")


@dataclass(frozen=True)
class Variant:
    """An artifact without something, written to ``path``.

    Attributes:
        without: what it lacks.
        instead: what students are given in its place.
    """

    without: str
    instead: str
    path: Path


@dataclass(frozen=True)
class Ablated:
    """A part of an artifact: its bytes, and what students lose without it.

    Attributes:
        without: what was left out.
        instead: what students were given in its place.
        stored: bytes that it takes; below zero where leaving it out takes more.
        points: percentage points of accuracy that it bought.
        error: standard deviation of these, of both groups of students; None for single ones.
        evaluation: of the artifact without it.
    """

    without: str
    instead: str
    stored: int
    points: float
    error: float | None
    evaluation: Evaluation

    @classmethod
    def of(cls, variant: Variant, whole: Evaluation, found: Evaluation) -> Ablated:
        """What a variant shows beside the whole artifact."""
        spreads = (whole.std, found.std)
        error = None if None in spreads else 100 * math.hypot(*(s or 0.0 for s in spreads))
        points = 100 * (whole.mean - found.mean)
        stored = whole.file_len - found.file_len
        return cls(variant.without, variant.instead, stored, points, error, found)


@dataclass(frozen=True)
class Ablation:
    """What the parts of one artifact bought.

    Attributes:
        name: the artifact's.
        whole: its evaluation, with all of its parts.
        parts: each left out alone, and then together.
    """

    name: str
    whole: Evaluation
    parts: tuple[Ablated, ...]

    def to_map(self) -> dict[str, Any]:
        """Plain values for JSON."""
        parts = [
            {
                "without": part.without,
                "instead": part.instead,
                "bytes": part.stored,
                "points": part.points,
                "error": part.error,
                "evaluation": part.evaluation.to_map(),
            }
            for part in self.parts
        ]
        return {"name": self.name, "parts": parts}


def variants_of(artifact: Artifact, folder: Path) -> Iterator[Variant]:
    """An artifact without innovations, with hard labels, with plain pictures alone, and with both
    of these; those that differ.
    """
    recipe = artifact.recipe
    named = "stored teacher" if recipe.labels.kind == "teacher" else "soft labels"
    soft, several = recipe.labels.kind != "hard", recipe.views > 1
    predicted, hard, plain, both = (
        folder / f"{name}.ddz" for name in ("predicted", "hard", "plain", "both")
    )
    if any(_has_innovations(section) for section in artifact.reader.sections):
        _without_innovations(artifact, predicted)
        yield Variant("label innovations", "labels as means and fields predict them", predicted)
    if soft:
        _with_hard_labels(artifact, hard)
        yield Variant(named, "hard labels of the same views", hard)
    if several:
        artifact.subset(plain, views=1, force=True).close()
        yield Variant("views", "the plain pictures, with the labels of these", plain)
    if soft and several:
        with open_artifact(hard) as labelled:
            labelled.subset(both, views=1, force=True).close()
        yield Variant(f"{named} and views", "the plain pictures, with hard labels", both)


def _with_hard_labels(artifact: Artifact, path: Path) -> None:
    """The same pictures and views, with the class of each picture as its label."""
    head = artifact.head
    new = replace(head, recipe=replace(head.recipe, labels=LabelRecipe("hard")))
    # Of a slice, only the classes that have rows have labels.
    rows = Ranks(head.rows)
    labels = [
        replace(section, box=section.box._replace(class_start=start, class_count=count))
        for section in hard_label_sections(new)
        for start, count in rows.shared(section.box.class_start, section.box.class_count)
    ]
    left = [s for s in artifact.reader.sections if s.kind not in _LABEL_KINDS]
    _write(artifact, path, new, left, labels)


def _without_innovations(artifact: Artifact, path: Path) -> None:
    """The same, with labels that are what the other layers predict."""
    nothing = SoftLabels(columns=0, band=1)
    left, labels = list[Section](), list[NewSection]()
    for section in artifact.reader.sections:
        if _has_innovations(section):
            raw = nothing.encode(np.zeros((1, 1, 1, 0), np.int32))
            labels.append(NewSection("labels", nothing.spec(), section.box, raw))
        else:
            left.append(section)
    _write(artifact, path, artifact.head, left, labels)


def _has_innovations(section: Section) -> bool:
    if section.kind != "labels" or section.codec.name != SoftLabels.name:
        return False
    codec = codecs.get(section.codec)
    return isinstance(codec, SoftLabels) and codec.columns > 0


def _write(
    artifact: Artifact,
    path: Path,
    head: Head,
    left: Iterable[Section],
    labels: Sequence[NewSection],
) -> None:
    """An artifact with some of its sections, and with these labels."""
    kept = [CopiedSection(artifact.reader, section, section.box) for section in left]
    write_container(
        path,
        head=head.to_map(),
        sections=[*kept, *labels],
        info=dict(artifact.info),
        overwrite=True,
    )


@dataclass(frozen=True)
class Bar:
    """A part as two bars: its share of the file, and of the most points of any part, 0..1 each."""

    part: Ablated
    stored: float
    points: float


def bars_of(ablations: Sequence[Ablation]) -> list[tuple[Ablation, list[Bar]]]:
    """The bars of each artifact, all to one scale; what bought nothing has no bar."""
    most = max((abs(part.points) for one in ablations for part in one.parts), default=0.0) or 1.0
    return [
        (
            one,
            [
                Bar(part, max(0, part.stored) / one.whole.file_len, max(0.0, part.points) / most)
                for part in one.parts
            ],
        )
        for one in ablations
    ]
