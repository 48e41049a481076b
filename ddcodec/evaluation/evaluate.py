"""Test accuracy of students trained on an artifact, seed by seed."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ddcodec.arrays import Progress, StepProgress
from ddcodec.artifact import Artifact
from ddcodec.classifiers.architectures import build
from ddcodec.classifiers.training import (
    Batch,
    Optimisation,
    Precision,
    Statistics,
    fit,
    predict,
    resolve_precision,
    shuffled_batches,
)
from ddcodec.devices import resolve_device
from ddcodec.errors import RequestError
from ddcodec.evaluation.protocols import Protocol, TrainingPlan
from ddcodec.evaluation.shown import FreeViews, StoredViews
from ddcodec.evaluation.testset import TestSet

__all__ = ["Evaluation", "Progress", "evaluate"]


@dataclass(frozen=True)
class Evaluation:
    """Accuracies of students trained on one artifact.

    Attributes:
        name: the artifact's file name, or what a baseline is.
        role: ``artifact`` or ``baseline``.
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
    def chance(self) -> float:
        """Accuracy of guessing among the classes."""
        return 1 / self.classes

    def to_map(self) -> dict[str, Any]:
        """Plain values for JSON."""
        out = asdict(self)
        out.update(mean=self.mean, std=self.std, chance=self.chance)
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

    Raises:
        RequestError: no seeds, no test pictures, or images that are not square.
    """
    recipe = artifact.recipe
    if not seeds:
        raise RequestError("no seeds: train at least one student")
    if len(test.labels) == 0:
        raise RequestError("no test pictures: give a folder with some of each class")
    if recipe.width != recipe.height:
        raise RequestError(
            f"students need square pictures, and the artifact's are {recipe.width}x{recipe.height}"
        )
    device = str(resolve_device(device))
    began = time.perf_counter()
    data = artifact.dataset(prior=prior, device=device, pixels="uint8")
    stored, free = StoredViews(data), FreeViews(data, protocol.smoothing)
    views = recipe.views if protocol.all_views else recipe.plain_views
    plan = protocol.plan(
        len(data), recipe.ipc, len(artifact.classes), min(views, recipe.variations)
    )
    statistics = Statistics(recipe.evaluation.mean, recipe.evaluation.std)
    called = name or (artifact.path.name if artifact.path is not None else "artifact")
    temperature, accuracies = _temperature(artifact), []
    for number, seed in enumerate(seeds):
        what = f"{called}: student {number + 1} of {len(seeds)}"
        module = build(student, len(artifact.head.classes), recipe.width, seed=seed).to(device)
        optimisation = _optimisation(protocol, plan, precision)
        generator = torch.Generator().manual_seed(seed)

        def epoch(e: int, generator: torch.Generator = generator) -> Iterator[Batch]:
            if protocol.is_free(e, plan.epochs):
                return _free_batches(free, e, plan, generator, temperature)
            return _stored_batches(stored, e % views, plan, generator, temperature)

        fit(
            module,
            epoch,
            statistics,
            optimisation,
            None if progress is None else _named(progress, what),
        )
        accuracies.append(_accuracy(module, test, statistics, artifact.head.row_classes))
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
        settings={**asdict(protocol), **asdict(plan)},
        words=protocol.describe(plan, _temperature_text(artifact)),
        precision=resolve_precision(precision, torch.device(device)),
        seeds=tuple(seeds),
        accuracies=tuple(accuracies),
        test_images=len(test.labels),
        seconds=time.perf_counter() - began,
        notes=test.notes,
    )


def _stored_batches(
    stored: StoredViews,
    view: int,
    plan: TrainingPlan,
    generator: torch.Generator,
    temperature: float,
) -> Iterator[Batch]:
    images, labels = stored.view(view)
    for picked in shuffled_batches(len(images), plan.batch_size, generator):
        there = picked.to(images.device)
        yield Batch(images[there], labels[there], temperature)


def _free_batches(
    free: FreeViews,
    epoch: int,
    plan: TrainingPlan,
    generator: torch.Generator,
    temperature: float,
) -> Iterator[Batch]:
    # Gradients of stored labels go with 1 / T^2: those of the phases between them shall not be
    # so much larger that steps after them are small for a long time.
    weight = 1 / temperature**2
    images, labels = free.epoch(epoch, generator)
    for picked in shuffled_batches(len(images), plan.batch_size, generator):
        yield Batch(*free.mixed(images[picked], labels[picked], generator), weight=weight)


def _optimisation(protocol: Protocol, plan: TrainingPlan, precision: Precision) -> Optimisation:
    return Optimisation(
        steps=plan.steps,
        lr=protocol.lr,
        weight_decay=protocol.weight_decay,
        span=protocol.span,
        warmup=protocol.warmup,
        precision=precision,
    )


def _temperature(artifact: Artifact) -> float:
    labels = artifact.recipe.labels
    return float(Fraction(*labels.temperature)) if labels.soft else 1.0


def _temperature_text(artifact: Artifact) -> str | None:
    labels = artifact.recipe.labels
    return str(Fraction(*labels.temperature)) if labels.soft else None


def _named(progress: Progress, what: str) -> StepProgress:
    def tell(done: int, total: int) -> None:
        progress(what, done, total)

    return tell


def _accuracy(
    module: nn.Module, test: TestSet, statistics: Statistics, present: Sequence[int]
) -> float:
    logits: Tensor = predict(module, test.images, statistics)[:, list(present)]
    guesses = np.asarray(present)[logits.argmax(1).numpy()]
    return float((guesses == test.labels).mean())
