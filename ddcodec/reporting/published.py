"""Published figures of accuracy for bytes, as reference marks, from ``published.json``.

They were measured under other protocols than a report's own, and most papers count pictures as
float32 and no labels. So each says how its bytes were counted and where it was found.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, get_args

from ddcodec.artifact import Artifact
from ddcodec.errors import RequestError
from ddcodec.suggestions import did_you_mean

__all__ = [
    "PUBLISHED",
    "Published",
    "PublishedFigure",
    "PublishedSet",
    "check_published",
    "published_for",
]

PublishedSet = Literal["auto", "cifar10", "cifar100", "imagenette128", "imagewoof128", "none"]
PUBLISHED: tuple[PublishedSet, ...] = get_args(PublishedSet)


@dataclass(frozen=True)
class PublishedFigure:
    """One published accuracy.

    Attributes:
        method: its usual name.
        student: architecture of the student, as of an :class:`Evaluation`.
        accuracy: share (0..1) of the test pictures.
        stored: bytes of the whole set as the paper counts them.
        counted: how.
        stored_8bit: bytes of the same pictures with 8-bit pixels; None where no pixels are stored.
        labels: kind of the labels, such as ``hard`` or ``learned``.
        label_words: the same for people.
        protocol: how students were trained, in words.
        source: paper or repository.
        read: where the figure was read: ``paper``, ``repository``, or ``notes`` of somebody's.
    """

    method: str
    student: str
    accuracy: float
    stored: int
    counted: str
    stored_8bit: int | None
    labels: str
    label_words: str
    protocol: str
    source: str
    read: str


@dataclass(frozen=True)
class Published:
    """The published figures of a data set.

    Attributes:
        data_set: name as of an option.
        title: for people.
        figures: smallest first.
    """

    data_set: str
    title: str
    figures: tuple[PublishedFigure, ...]

    def of_student(self, student: str) -> tuple[PublishedFigure, ...]:
        """The figures of one architecture."""
        return tuple(figure for figure in self.figures if figure.student == student)

    def to_map(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def check_published(asked: str) -> None:
    """Raises RequestError: not one of ``PUBLISHED``."""
    if asked not in PUBLISHED:
        near = did_you_mean(asked, PUBLISHED)
        raise RequestError(f"unknown published={asked!r}{near}: use one of {', '.join(PUBLISHED)}")


def published_for(
    asked: PublishedSet, artifacts: Sequence[Artifact], test_pictures: Sequence[int]
) -> tuple[Published | None, str]:
    """The published figures to show beside artifacts, and why there are none.

    ``auto`` asks for the class names and the size of a set, all of its classes, and as many test
    pictures as it has: sets of other pictures, such as CINIC-10, have the names of CIFAR-10.

    Args:
        asked: one of ``PUBLISHED``.
        artifacts: all that share the report.
        test_pictures: number of test pictures of each.

    Raises:
        RequestError: a set of another size, or with another number of classes, was asked for.
    """
    if asked == "none":
        return None, ""
    if asked != "auto":
        for artifact in artifacts:
            _check_shape(asked, artifact)
        return _published(asked), ""
    alike = [name for name in _data()["sets"] if all(_is_of(name, one) for one in artifacts)]
    if len(alike) != 1:  # with no artifacts at all, they are of every set
        return None, ""
    (name,) = alike
    known = _data()["sets"][name]
    if any(count not in known["test_pictures"] for count in test_pictures):
        few, whole = min(test_pictures), " or ".join(f"{n:,}" for n in known["test_pictures"])
        return None, (
            f"published figures were left out: classes and size are those of {known['title']}, but "
            f"it has {whole} test pictures, and here are {few:,} (published={name!r} shows them)"
        )
    return _published(name), ""


@cache
def _data() -> Any:
    text = files("ddcodec.reporting").joinpath("published.json").read_text(encoding="utf-8")
    return json.loads(text)


@cache
def _published(name: str) -> Published:
    data = _data()
    figures = [
        PublishedFigure(
            method=one["method"],
            student=one["student"],
            accuracy=one["accuracy"] / 100,
            stored=one["bytes"],
            counted=data["countings"][one["counted"]],
            stored_8bit=one["bytes"] // 4 if one["counted"] == "float32-pixels" else None,
            labels=one["labels"],
            label_words=data["labels"][one["labels"]],
            protocol=data["protocols"][one["protocol"]],
            source=data["sources"][one["source"]]["cite"],
            read=data["sources"][one["source"]]["read"],
        )
        for one in data["figures"]
        if one["set"] == name
    ]
    figures.sort(key=lambda figure: (figure.stored, -figure.accuracy))
    return Published(name, data["sets"][name]["title"], tuple(figures))


def _is_of(name: str, artifact: Artifact) -> bool:
    known = _data()["sets"][name]
    size = known["side"], known["side"]
    return artifact.recipe.size == size and sorted(artifact.classes) == sorted(known["classes"])


def _check_shape(name: str, artifact: Artifact) -> None:
    known = _data()["sets"][name]
    side, classes = known["side"], len(known["classes"])
    if artifact.recipe.size != (side, side) or len(artifact.classes) != classes:
        width, height = artifact.recipe.size
        raise RequestError(
            f"published={name!r} has {classes} classes at {side}x{side} px, and "
            f"{artifact.file_name} has "
            f"{len(artifact.classes)} at {width}x{height}: use published='none'"
        )
