"""Test accuracy of students trained on an artifact, seed by seed."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import torch

from ddcodec.arrays import Array, Progress
from ddcodec.artifact import Artifact
from ddcodec.classifiers.training import Precision, resolve_precision
from ddcodec.devices import resolve_device
from ddcodec.errors import RequestError
from ddcodec.evaluation.protocols import Protocol
from ddcodec.evaluation.students import StudentTraining, build_student, confusion
from ddcodec.evaluation.testset import TestSet
from ddcodec.files.sealed import Checkpoint
from ddcodec.progress import steps_of

__all__ = ["Evaluation", "Keep", "Progress", "Student", "Train", "evaluate"]

_MATRIX_CLASSES = 100

Student = Mapping[str, Array]
"""What is known of a trained student: ``confusion``, int64[n, n], and ``seconds``, float64."""

Train = Callable[[Checkpoint | None], Student]
"""Trains a student, going on from a checkpoint."""

Keep = Callable[[int, Train], Student]
"""``keep(seed, train)`` returns what ``train(...)`` returns, or has returned in an earlier run."""


@dataclass(frozen=True)
class Evaluation:
    """Accuracies of students trained on one artifact.

    Attributes:
        name: the artifact's file name, or what a baseline is.
        role: ``artifact``, ``baseline``, ``whole`` for the whole training set, or ``ablation``.
        file_len: bytes of the file.
        digest: content digest in hex.
        method: as the artifact states it.
        ipc, views, classes: shape of the table; ``classes`` counts those that have rows.
        student: architecture of the student.
        protocol: name of the protocol.
        settings: the protocol's and the plan's values.
        words: the protocol as a paragraph.
        precision: arithmetic of the students' training.
        seeds: one student each.
        accuracies: share (0..1) of the test pictures each student gets right, after the last
            epoch.
        test_images: number of test pictures.
        seconds: training and testing time of all students.
        notes: what a reader of the figures should know.
        labels: kind of the artifact's labels: ``hard``, ``soft`` or ``teacher``.
        class_names: readable names of the classes that have rows.
        confusion: test pictures by true class (outer) and predicted class (inner), of all
            students together; empty where nobody counted.
    """

    name: str
    role: str
    file_len: int
    digest: str
    method: str
    ipc: int
    views: int
    classes: int
    student: str
    protocol: str
    settings: dict[str, Any]
    words: str
    precision: str
    seeds: tuple[int, ...]
    accuracies: tuple[float, ...]
    test_images: int
    seconds: float
    notes: tuple[str, ...] = ()
    labels: str = ""
    class_names: tuple[str, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()

    @property
    def mean(self) -> float:
        """Mean accuracy, 0..1."""
        return sum(self.accuracies) / len(self.accuracies)

    @property
    def std(self) -> float | None:
        """Sample standard deviation over seeds (n - 1); None for a single seed."""
        n = len(self.accuracies)
        if n < 2:
            return None
        return math.sqrt(sum((a - self.mean) ** 2 for a in self.accuracies) / (n - 1))

    @property
    def class_accuracies(self) -> tuple[float, ...]:
        """Accuracy on each class's test pictures, mean over students; empty as ``confusion``."""
        return tuple(row[c] / max(1, sum(row)) for c, row in enumerate(self.confusion))

    @property
    def pictures_shown(self) -> int | None:
        """Pictures shown to each student: epochs times images; None where nobody noted epochs."""
        epochs = self.settings.get("epochs")
        return None if epochs is None else epochs * self.classes * self.ipc

    @property
    def chance(self) -> float:
        """Accuracy of guessing among the classes."""
        return 1 / self.classes

    def to_map(self) -> dict[str, Any]:
        """Plain values for JSON; of many classes, their accuracies stand for the confusion."""
        out = asdict(self)
        if self.classes > _MATRIX_CLASSES:
            del out["confusion"]
        out.update(mean=self.mean, std=self.std, chance=self.chance)
        out.update(class_accuracies=self.class_accuracies, pictures_shown=self.pictures_shown)
        return out


def evaluate(
    artifact: Artifact,
    test: TestSet,
    student: str,
    seeds: Sequence[int],
    protocol: Protocol,
    progress: Progress | None = None,
    *,
    device: str = "cpu",
    prior: str | None = None,
    precision: Precision = "auto",
    name: str | None = None,
    role: str = "artifact",
    keep: Keep | None = None,
) -> Evaluation:
    """Train one student a seed on the artifact and test each after its last epoch.

    Inputs are normalised by the recipe's own statistics, never by those of the test pictures.
    Predictions are the highest logit among the classes that have rows.

    Args:
        artifact: an open artifact.
        test: test pictures of its classes.
        student: one of ``ARCHITECTURES``.
        seeds: of initial weights and order of the images.
        protocol: how to train.
        progress: called with (what, done, total) steps.
        device: torch device of the students.
        prior: where to find the prior of a generating artifact, if not at its pinned source.
        precision: of training; tests always run in float32.
        name, role: how the report calls the artifact.
        keep: called for each student, whose training it may spare.

    Raises:
        RequestError: no seeds, no test pictures, or images that are not square.
    """
    recipe = artifact.recipe
    if not seeds:
        raise RequestError("no seeds: train at least one student")
    if len(test.labels) == 0:
        raise RequestError("no test pictures: give a folder with some of each class")
    device = str(resolve_device(device))
    training = StudentTraining(artifact, protocol, device=device, prior=prior, precision=precision)
    called = name or artifact.file_name

    def trained(number: int, seed: int, checkpoint: Checkpoint | None = None) -> Student:
        began = time.perf_counter()
        module = build_student(artifact, student, seed=seed)
        what = f"{called}: student {number + 1} of {len(seeds)}"
        training.train(module, seed, steps_of(progress, what), checkpoint)
        counts = confusion(module, test, training.statistics, artifact.head.row_classes)
        return {"confusion": counts, "seconds": np.array(time.perf_counter() - began)}

    found = [
        trained(number, seed) if keep is None else keep(seed, partial(trained, number, seed))
        for number, seed in enumerate(seeds)
    ]
    confusions = [one["confusion"] for one in found]
    return Evaluation(
        name=called,
        role=role,
        file_len=artifact.file_len,
        digest=artifact.digest,
        method=str(artifact.info.get("method", "unknown")),
        ipc=recipe.ipc,
        views=recipe.views,
        classes=len(artifact.classes),
        student=student,
        protocol=protocol.name,
        settings={**asdict(protocol), **asdict(training.plan)},
        words=protocol.describe(training.plan, _temperature_text(artifact)),
        precision=resolve_precision(precision, torch.device(device)),
        seeds=tuple(seeds),
        accuracies=tuple(float(counts.trace() / counts.sum()) for counts in confusions),
        test_images=len(test.labels),
        seconds=sum(float(one["seconds"]) for one in found),
        notes=test.notes,
        labels=recipe.labels.kind,
        class_names=artifact.names,
        confusion=tuple(map(tuple, np.sum(confusions, axis=0).tolist())),
    )


def _temperature_text(artifact: Artifact) -> str | None:
    labels = artifact.recipe.labels
    return str(Fraction(*labels.temperature)) if labels.soft else None
