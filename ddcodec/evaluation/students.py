"""Students of an artifact: built by name, trained by a protocol, tested on pictures.

:func:`train` and :func:`accuracy` give the figures of a report; the parts they are made of serve
training loops of one's own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import nn

from ddcodec.arrays import Int64s, StepProgress
from ddcodec.artifact import Artifact, as_artifact
from ddcodec.classifiers.architectures import build, default_architecture
from ddcodec.classifiers.checkpoint import TrainingCheckpoint
from ddcodec.classifiers.training import (
    Batch,
    Precision,
    Statistics,
    fit,
    predict,
    shuffled_batches,
)
from ddcodec.container import FileSource
from ddcodec.devices import resolve_device
from ddcodec.errors import RequestError
from ddcodec.evaluation.protocols import Protocol, get_protocol
from ddcodec.evaluation.shown import FreeViews, StoredViews
from ddcodec.evaluation.testset import TestPictures, TestSet
from ddcodec.files.sealed import Checkpoint
from ddcodec.progress import ProgressOption, displayed, steps_of
from ddcodec.sources.opening import AnySource

__all__ = ["StudentTraining", "accuracy", "build_student", "confusion", "share_right", "train"]

AnyPath = str | os.PathLike[str]


def build_student(artifact: Artifact, name: str | None = None, *, seed: int = 0) -> nn.Module:
    """A network that is not trained yet: float32[n, 3, h, w] -> float32[n, K] logits.

    Args:
        artifact: whose pictures it is to be trained on.
        name: ``convnet3``, ``convnet4``, ``convnet5``, ``resnet18`` or ``resnet18-half``; by
            default the field's customary one for the size of the pictures.
        seed: of the initial weights; the process's own random state is left alone.

    Raises:
        RequestError: the pictures are not square.
        EncodeError: an unknown name, or pictures too small for the network.

    >>> student = ddcodec.build_student(ddcodec.open("shapes.ddz"), "convnet3")
    >>> student(torch.zeros(2, 3, 16, 16)).shape
    torch.Size([2, 3])
    """
    width, height = artifact.recipe.size
    if width != height:
        raise RequestError(
            f"students need square pictures, and the artifact's are {width}x{height}"
        )
    return build(name or default_architecture(width), len(artifact.head.classes), width, seed=seed)


def train(
    artifact: Artifact | FileSource,
    student: str | nn.Module | None = None,
    *,
    protocol: str | Protocol = "ddz",
    epochs: int | None = None,
    seed: int = 0,
    device: str = "auto",
    prior: str | None = None,
    precision: Precision = "auto",
    progress: ProgressOption = None,
) -> nn.Module:
    """Train one student on an artifact, exactly as a report does.

    Args:
        artifact: open, or its file.
        student: a name, as for :func:`build_student`; or any module of normalised float32[n, 3, h,
            w] that returns logits [n, K] for ``artifact.head.classes``, which is trained in place.
        protocol: how to train: one of its name, or of your own.
        epochs: instead of the protocol's own.
        seed: of the initial weights, if the student is given by name, and of the order of images.
        device: torch device.
        prior: where to find the prior of a generating artifact, if not at its pinned source.
        precision: ``float32``, ``bfloat16``, or ``auto``: the latter where the processor has it.
        progress: a function of (what, done, total) steps, or whether to show a bar; by default one
            is shown on a terminal and in a notebook.

    Returns:
        The student, on the device and in eval mode.

    Raises:
        RequestError: an unknown protocol, no epochs, or pictures that are not square.
        EncodeError: an unknown name, pictures too small for the student, or a training that
            diverges.

    >>> student = ddcodec.train("shapes.ddz", "convnet3", epochs=1)
    >>> student.training
    False
    """
    chosen = get_protocol(protocol) if isinstance(protocol, str) else protocol
    with as_artifact(artifact) as opened, displayed(progress) as tell:
        if not isinstance(student, nn.Module):
            student = build_student(opened, student, seed=seed)
        training = StudentTraining(
            opened, chosen.with_epochs(epochs), device=device, prior=prior, precision=precision
        )
        return training.train(student, seed, steps_of(tell, "student"))


def accuracy(
    student: nn.Module, artifact: Artifact | FileSource, test: AnySource | TestSet
) -> float:
    """The share, 0..1, of test pictures that a student gets right, as a report measures it.

    Inputs are normalised as the artifact says, and only classes that it has can be predicted.

    Args:
        student: as :func:`train` returns it; it is put into eval mode.
        artifact: open, or its file.
        test: test pictures, as :func:`ddcodec.open_source` takes them; classes are matched by name.

    Raises:
        SourceError: no test pictures of a class.
        RequestError: pictures of a class that the artifact does not have.

    >>> student = ddcodec.build_student(ddcodec.open("shapes.ddz"), "convnet3")
    >>> 0 <= ddcodec.accuracy(student, "shapes.ddz", "photos") <= 1
    True
    """
    with as_artifact(artifact) as opened:
        pictures = (
            test if isinstance(test, TestSet) else TestPictures.open(test).for_artifact(opened)
        )
        statistics = Statistics.of(opened.recipe.evaluation)
        return share_right(student, pictures, statistics, opened.head.row_classes)


def share_right(
    student: nn.Module, test: TestSet, statistics: Statistics, present: Sequence[int]
) -> float:
    """Share of test pictures whose highest logit, of the classes present, is at their class."""
    counts = confusion(student, test, statistics, present)
    return float(counts.trace() / counts.sum())


def confusion(
    student: nn.Module, test: TestSet, statistics: Statistics, present: Sequence[int]
) -> Int64s:
    """int64[n, n] over the classes present: pictures of a class (row) taken for one (column)."""
    guesses = predict(student, test.images, statistics)[:, list(present)].argmax(1).numpy()
    places = np.full(max(present) + 1, -1, np.int64)
    places[list(present)] = np.arange(len(present))
    counts = np.zeros((len(present), len(present)), np.int64)
    np.add.at(counts, (places[test.labels], guesses), 1)
    return counts


class StudentTraining:
    """Trains students on one artifact; what was rendered for one serves the next.

    Args:
        artifact: an open artifact of square pictures.
        protocol: how.
        device: torch device.
        prior: where to find the prior of a generating artifact, if not at its pinned source.
        precision: of training.

    Attributes:
        plan: epochs, batch size and steps.
        statistics: input normalisation.
    """

    def __init__(
        self,
        artifact: Artifact,
        protocol: Protocol,
        *,
        device: str = "cpu",
        prior: str | None = None,
        precision: Precision = "auto",
    ) -> None:
        recipe, device = artifact.recipe, str(resolve_device(device))
        data = artifact.dataset(pixels="uint8", prior=prior, device=device)
        self.plan = protocol.plan_for(artifact)
        self.statistics = Statistics.of(recipe.evaluation)
        self._protocol, self._device, self._precision = protocol, device, precision
        self._stored, self._free = StoredViews(data), FreeViews(data, protocol.smoothing)
        self._views = recipe.views if protocol.all_views else recipe.plain_views
        self._temperature = recipe.labels.at

    def train(
        self,
        student: nn.Module,
        seed: int,
        progress: StepProgress | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> nn.Module:
        """Train a student in place, which moves to the device, with images in a seeded order.

        An interrupted training goes on from a checkpoint, and gives the same student.
        """
        generator = torch.Generator().manual_seed(seed)

        def epoch(e: int) -> Iterator[Batch]:
            if self._protocol.is_free(e, self.plan.epochs):
                return self._free_batches(e, generator)
            return self._stored_batches(e % self._views, generator)

        optimisation = self._protocol.optimisation(self.plan, self._precision)
        saved = None if checkpoint is None else TrainingCheckpoint(checkpoint, generator)
        student = student.to(self._device)
        fit(student, epoch, self.statistics, optimisation, progress, checkpoint=saved)
        return student

    def _stored_batches(self, view: int, generator: torch.Generator) -> Iterator[Batch]:
        images, labels = self._stored.view(view)
        for picked in shuffled_batches(len(images), self.plan.batch_size, generator):
            there = picked.to(images.device)
            yield Batch(images[there], labels[there], self._temperature)

    def _free_batches(self, epoch: int, generator: torch.Generator) -> Iterator[Batch]:
        # Gradients of stored labels go with 1 / T^2: those of the phases between them shall not
        # be so much larger that steps after them are small for a long time.
        weight = 1 / self._temperature**2
        images, labels = self._free.epoch(epoch, generator)
        for picked in shuffled_batches(len(images), self.plan.batch_size, generator):
            mixed = self._free.mixed(images[picked], labels[picked], generator)
            yield Batch(*mixed, weight=weight)
