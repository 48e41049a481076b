"""A report as plain values: what ``report.json`` holds and the page is drawn from."""

from __future__ import annotations

import base64
import io
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, NamedTuple

import torch
from PIL import Image

from ddcodec.artifact import Artifact, SizeNode
from ddcodec.artifact.summary import describe_labels, labels_to_map
from ddcodec.evaluation.evaluate import Evaluation
from ddcodec.recipe.view import VIEW_CHANGES
from ddcodec.version import __version__

__all__ = [
    "ArtifactSheet",
    "ClassPictures",
    "Fact",
    "Report",
    "by_protocol",
    "environment",
    "sheet_of",
]

SCHEMA = "ddcodec.report/1"
GALLERY_CLASSES = 10
GALLERY_PICTURES = 8
# Larger pictures are shown reduced, so that a report stays a few megabytes.
GALLERY_SIDE = 128


class Fact(NamedTuple):
    """A line of provenance; an ``exact`` value is a digest or a setting, shown letter by letter."""

    name: str
    value: str
    exact: bool = False


@dataclass(frozen=True)
class ClassPictures:
    """A row of the gallery: a class and PNG data URIs of its first pictures."""

    name: str
    uris: tuple[str, ...]


@dataclass(frozen=True)
class ArtifactSheet:
    """All that a report shows of one artifact besides its accuracy.

    Attributes:
        name: file name.
        facts: provenance.
        sizes: the size budget.
        labels: kind, temperature and size of the labels.
        gallery: pictures as a reader decodes them; not part of the JSON.
        size: (width, height) in pixels of a picture.
    """

    name: str
    digest: str
    facts: tuple[Fact, ...]
    sizes: SizeNode
    labels: Mapping[str, Any]
    gallery: tuple[ClassPictures, ...]
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
        created: UTC date and time, ISO 8601.
    """

    evaluations: tuple[Evaluation, ...]
    sheets: tuple[ArtifactSheet, ...]
    remarks: tuple[str, ...] = ()
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    def to_map(self) -> dict[str, Any]:
        """The content of ``report.json``; accuracies are shares 0..1, sizes are bytes."""
        return {
            "schema": SCHEMA,
            "created": self.created,
            "evaluations": [e.to_map() for e in self.evaluations],
            "artifacts": [s.to_map() for s in self.sheets],
            "remarks": list(self.remarks),
            "environment": {fact.name: fact.value for fact in environment()},
        }

    def to_json(self) -> str:
        return json.dumps(self.to_map(), indent=1, ensure_ascii=False) + "\n"


def environment() -> tuple[Fact, ...]:
    """Versions and processor features that figures may depend on; never names a machine."""
    return (
        Fact("ddcodec", __version__),
        Fact("Python", platform.python_version()),
        *(Fact(name, version(name)) for name in ("torch", "transformers", "numpy", "pillow")),
        Fact("system", f"{platform.system()} {platform.machine()}"),
        Fact("vector instructions", torch.backends.cpu.get_cpu_capability()),
        Fact("threads", str(torch.get_num_threads())),
    )


def sheet_of(artifact: Artifact, *, prior: str | None = None, device: str = "cpu") -> ArtifactSheet:
    """Render the gallery of an artifact and note where it comes from."""
    name = artifact.path.name if artifact.path is not None else "artifact"
    return ArtifactSheet(
        name=name,
        digest=artifact.digest,
        facts=tuple(_facts(artifact)),
        sizes=artifact.sizes(),
        labels=labels_to_map(artifact.table),
        gallery=_gallery(artifact, prior, device),
        size=artifact.recipe.size,
    )


def _gallery(artifact: Artifact, prior: str | None, device: str) -> tuple[ClassPictures, ...]:
    renderer = artifact.renderer(prior=prior, device=device)
    shown = artifact.head.row_classes[:GALLERY_CLASSES]
    count = min(GALLERY_PICTURES, artifact.recipe.ipc)
    rows = [(c, s) for c in shown for s in range(count)]
    uris = [_data_uri(Image.fromarray(p)) for p in renderer.pictures(rows)]
    return tuple(
        ClassPictures(artifact.head.title(c), tuple(uris[i * count : (i + 1) * count]))
        for i, c in enumerate(shown)
    )


def _data_uri(image: Image.Image) -> str:
    image.thumbnail((GALLERY_SIDE, GALLERY_SIDE), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    image.save(stream, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode("ascii")


def _facts(artifact: Artifact) -> list[Fact]:
    recipe, info = artifact.recipe, artifact.info
    table = (
        f"{len(artifact.classes)} classes x {recipe.ipc} pictures x {recipe.views} views, "
        f"{recipe.width} x {recipe.height} px"
    )
    views = _view_text(recipe.view.to_map()) if recipe.views > 1 else "the picture itself"
    if recipe.variations > 1:
        views += f"; of {recipe.variations} pictures for each slot, one in each view"
    facts = [
        Fact("content digest", artifact.digest, exact=True),
        Fact("method", str(info.get("method", "not stated"))),
        Fact("made by", str(info.get("tool", "not stated"))),
        Fact("table", table),
        Fact("pictures", f"{recipe.synthesis.to_map()['kind']}, layout {recipe.layout.kind}"),
        Fact("views", views),
        Fact("labels", "; ".join(describe_labels(artifact.table))),
    ]
    pin = artifact.head.prior
    if pin is None:
        facts.append(Fact("prior", "none: the pixels are stored"))
    else:
        revision = f" at {pin.revision}" if pin.revision else ""
        pinned = f"{pin.source}{revision}, {len(pin.files)} files pinned by SHA-256"
        facts.append(Fact("prior", pinned))
        facts += [Fact(path, digest, exact=True) for path, digest in sorted(pin.files.items())]
    told = {"labels", "method", "tool"}
    facts += [
        Fact(key.replace("_", " "), _plain(value), exact=isinstance(value, bytes | Mapping))
        for key, value in sorted(info.items())
        if key not in told
    ]
    return facts


def _plain(value: Any) -> str:
    """A value of ``info`` as text: bytes in hex, maps as ``key=value`` lists."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={_plain(item)}" for key, item in sorted(value.items()))
    if isinstance(value, list | tuple):
        return ", ".join(map(_plain, value))
    return str(value)


def _view_text(view: Mapping[str, Any]) -> str:
    parts = [str(view["kind"])]
    parts += [name for name in VIEW_CHANGES if view.get(name)]
    return " + ".join(parts)


def by_protocol(evaluations: Sequence[Evaluation]) -> dict[tuple[str, str], list[Evaluation]]:
    """Evaluations that may share an axis: those of one student under one protocol."""
    groups: dict[tuple[str, str], list[Evaluation]] = {}
    for evaluation in evaluations:
        groups.setdefault((evaluation.student, evaluation.protocol), []).append(evaluation)
    return groups
