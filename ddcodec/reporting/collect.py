"""A report as plain values: what ``report.json`` holds and the page is drawn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ddcodec.artifact import Artifact, SizeNode
from ddcodec.artifact.budget import purposes
from ddcodec.artifact.summary import labels_to_map
from ddcodec.evaluation.evaluate import Evaluation
from ddcodec.files import json_text
from ddcodec.reporting.ablation import Ablation
from ddcodec.reporting.facts import Fact, environment, facts_of
from ddcodec.reporting.pareto import pareto
from ddcodec.reporting.pictures import ClassPictures, ShownRow, class_pictures, shown_rows
from ddcodec.reporting.published import Published

__all__ = ["ArtifactSheet", "Report", "by_protocol", "on_front", "sheet_of"]

SCHEMA = "ddcodec.report/1"


@dataclass(frozen=True)
class ArtifactSheet:
    """All that a report shows of one artifact besides its accuracy.

    Attributes:
        name: file name.
        facts: provenance.
        sizes: the size budget.
        buys: kind of section -> what its bytes buy.
        labels: kind, temperature and size of the labels.
        gallery: pictures as a reader decodes them; not part of the JSON.
        shown: pictures with views and labels; not part of the JSON.
        size: (width, height) in pixels of a picture.
    """

    name: str
    digest: str
    facts: tuple[Fact, ...]
    sizes: SizeNode
    buys: Mapping[str, str]
    labels: Mapping[str, Any]
    gallery: tuple[ClassPictures, ...]
    shown: tuple[ShownRow, ...]
    size: tuple[int, int]

    def to_map(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "digest": self.digest,
            "facts": {fact.name: fact.value for fact in self.facts},
            "sizes": self.sizes.to_map(),
            "labels": dict(self.labels),
        }


@dataclass(frozen=True)
class Report:
    """Evaluations and sheets, ready to be written.

    Attributes:
        evaluations: one for each artifact and baseline, in the order to be shown.
        sheets: one for each artifact.
        remarks: sentences such as why baselines are missing.
        published: published figures of the artifacts' data set, for orientation.
        ablations: what students learn of artifacts without some of their parts.
        created: UTC date and time, ISO 8601.
    """

    evaluations: tuple[Evaluation, ...]
    sheets: tuple[ArtifactSheet, ...]
    remarks: tuple[str, ...] = ()
    published: Published | None = None
    ablations: tuple[Ablation, ...] = ()
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    def to_map(self) -> dict[str, Any]:
        """The content of ``report.json``; accuracies are shares 0..1, sizes are bytes."""
        best = on_front(self.evaluations)
        return {
            "schema": SCHEMA,
            "created": self.created,
            "evaluations": [
                {**e.to_map(), "pareto_front": number in best}
                for number, e in enumerate(self.evaluations)
            ],
            "artifacts": [s.to_map() for s in self.sheets],
            "ablations": [a.to_map() for a in self.ablations],
            "published": None if self.published is None else self.published.to_map(),
            "remarks": list(self.remarks),
            "environment": {fact.name: fact.value for fact in environment()},
        }

    def to_json(self) -> str:
        return json_text(self.to_map(), indent=1) + "\n"


def sheet_of(artifact: Artifact, *, prior: str | None = None, device: str = "cpu") -> ArtifactSheet:
    """Render what is shown of an artifact and note where it comes from."""
    renderer = artifact.renderer(prior=prior, device=device)
    return ArtifactSheet(
        name=artifact.file_name,
        digest=artifact.digest,
        facts=tuple(facts_of(artifact)),
        sizes=artifact.sizes(),
        buys=purposes(artifact),
        labels=labels_to_map(artifact.table),
        gallery=class_pictures(artifact, renderer),
        shown=shown_rows(artifact, renderer, prior=prior, device=device),
        size=artifact.recipe.size,
    )


def by_protocol(evaluations: Sequence[Evaluation]) -> dict[tuple[str, str], list[Evaluation]]:
    """Evaluations that may share an axis: those of one student under one protocol."""
    groups: dict[tuple[str, str], list[Evaluation]] = {}
    for evaluation in evaluations:
        groups.setdefault((evaluation.student, evaluation.protocol), []).append(evaluation)
    return groups


def on_front(evaluations: Sequence[Evaluation]) -> frozenset[int]:
    """Places of the artifacts that no artifact of as few bytes reaches under the same protocol."""
    groups: dict[tuple[str, str], list[int]] = {}
    for place, e in enumerate(evaluations):
        if e.role == "artifact":
            groups.setdefault((e.student, e.protocol), []).append(place)
    return frozenset(
        places[i]
        for places in groups.values()
        for i in pareto([(evaluations[p].file_len, evaluations[p].mean) for p in places])
    )
