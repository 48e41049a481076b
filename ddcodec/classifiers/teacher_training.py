"""Training of teachers: settings that suit a data set, and the training itself."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import torch

from ddcodec.arrays import Indices, Int64s, StepProgress, UInt8s
from ddcodec.classifiers.architectures import build
from ddcodec.classifiers.checkpoint import TrainingCheckpoint
from ddcodec.classifiers.early_stopping import EarlyStopping
from ddcodec.classifiers.held_out import choose
from ddcodec.classifiers.probe import teacher_digest
from ddcodec.classifiers.teacher import Teacher
from ddcodec.classifiers.training import (
    Batch,
    Optimisation,
    Precision,
    Statistics,
    accuracy,
    fit,
    pad_crop_flip,
    shuffled_batches,
    statistics_of,
)
from ddcodec.errors import EncodeError, RequestError
from ddcodec.files.sealed import Checkpoint

__all__ = [
    "TeacherSettings",
    "default_settings",
    "seconds_to_train",
    "train_teacher",
    "training_size",
    "untrained",
]

# Pictures that are held out in all: enough to tell a good teacher from a bad one within 2 %.
_HELD_OUT = 500
# Too few to tell whether the accuracy stands still.
_FEW = 100
# From this side on, in pixels, teachers are trained on smaller pictures, of that side.
_LARGE, _LARGE_AS = 128, 64


@dataclass(frozen=True)
class TeacherSettings:
    """How a teacher is trained: AdamW, cosine to 0, cross-entropy, pad-crop and flip.

    Attributes:
        arch: one of ``ARCHITECTURES``.
        steps: optimiser steps in all.
        batch_size: pictures per step.
        lr: highest learning rate.
        weight_decay: not applied to 1-d parameters.
        pad: largest shift of the random crop in pixels; edges are reflected.
        flip: mirror half of the pictures; wrong for digits and text.
        seed: of weights, order and augmentation.
        precision: see :class:`Optimisation`.
        held_out: pictures of each class, at most a tenth of them, that it is not trained on and
            its accuracy is measured with.
        patience: see :class:`EarlyStopping`; nothing stops early with fewer than 100 of them.
    """

    arch: str = "convnet3"
    steps: int = 9_400
    batch_size: int = 64
    lr: float = 2e-3
    weight_decay: float = 0.05
    pad: int = 2
    flip: bool = True
    seed: int = 0
    precision: Precision = "auto"
    held_out: int = 0
    patience: int = 3

    @property
    def optimisation(self) -> Optimisation:
        """The same for the training loop."""
        return Optimisation(
            steps=self.steps,
            lr=self.lr,
            weight_decay=self.weight_decay,
            warmup=0.05,
            precision=self.precision,
        )


def default_settings(
    images: int,
    size: int,
    *,
    classes: int,
    arch: str = "convnet3",
    flip: bool = True,
    seed: int = 0,
) -> TeacherSettings:
    """Settings that suit the number of training pictures, of classes, and their side in pixels.

    About 12 epochs of a large set (CIFAR-10: 9,400 steps). A small set is repeated until the
    optimiser has had 400 to 1,500 steps, the fewer the larger its pictures, so that a set of
    digits is learnt in seconds. Shifts are half of the customary 4 in 32 pixels, because so
    short a training is limited by fitting: on held-out CIFAR-10 pictures, after 4 epochs of
    12,000, zero padding by 4 gave 57.4 %, by 2 63.3 %, and reflecting by 2 66.6 %.
    """
    batch = 64 if images >= 10_000 else 32
    least = min(1_500, max(400, 1_500 * 16 * 16 // (size * size)))
    steps = max(least, math.ceil(12 * images / batch))
    pad = max(1, size // 16)
    held_out = math.ceil(_HELD_OUT / classes)
    return TeacherSettings(arch, steps, batch, pad=pad, flip=flip, seed=seed, held_out=held_out)


def training_size(size: tuple[int, int]) -> tuple[int, int]:
    """(width, height) of the pictures to train a teacher on, for images of this size.

    Large square images are made smaller for the teacher, in training and when it is asked.
    """
    return (_LARGE_AS, _LARGE_AS) if size[0] == size[1] >= _LARGE else size


def seconds_to_train(
    settings: TeacherSettings, classes: int, size: int, device: str | torch.device
) -> float:
    """How long :func:`train_teacher` may take at most here, from three steps on noise."""
    module = build(settings.arch, classes, size).to(device)
    images = torch.zeros(settings.batch_size, 3, size, size, dtype=torch.uint8)
    targets = torch.arange(settings.batch_size) % classes
    ends: list[float] = []
    fit(
        module,
        lambda _: [Batch(images, targets)],
        Statistics((0, 0, 0), (1 << 16,) * 3),
        replace(settings.optimisation, steps=3),
        lambda done, total: ends.append(time.perf_counter()),
    )
    # The first step prepares memory and kernels.
    return settings.steps * (ends[-1] - ends[0]) / (len(ends) - 1)


def untrained(settings: TeacherSettings, classes: Sequence[str], size: tuple[int, int]) -> Teacher:
    """What :func:`train_teacher` would begin with: as fast as a teacher, and it knows nothing.

    Args:
        size: (width, height) in pixels of its pictures.
    """
    module = build(settings.arch, len(classes), min(size), seed=settings.seed)
    statistics = Statistics((0, 0, 0), (1 << 16,) * 3)
    return Teacher(module.eval(), tuple(classes), statistics, size, settings.arch, "")


def train_teacher(
    images: UInt8s,
    labels: Int64s,
    classes: Sequence[str],
    settings: TeacherSettings,
    progress: StepProgress | None = None,
    *,
    device: str | torch.device = "cpu",
    checkpoint: Checkpoint | None = None,
) -> Teacher:
    """Train a teacher on uint8[n, h, w, 3] pictures and their class indices int64[n].

    ``progress`` is called with (done, total) steps. ``settings.held_out`` pictures of each class
    are left out; how many of them it recognises is in ``training``, and when that stands still
    training ends early. From a ``checkpoint`` an interrupted training goes on, and gives the same
    teacher; who has kept that removes it.

    Raises:
        RequestError: pictures that are not square, or an unknown architecture.
        EncodeError: no pictures.
    """
    n, h, w = images.shape[:3]
    if n == 0:
        raise EncodeError("no pictures to train a teacher on")
    if h != w:
        raise RequestError(f"teachers are trained on square pictures, not {w}x{h}: choose a size")
    held = choose(labels, settings.held_out, settings.seed)
    statistics = statistics_of(images)
    module = build(settings.arch, len(classes), w, seed=settings.seed).to(device)

    def measure() -> float:
        right = accuracy(module, images[held], labels[held], statistics)
        module.train()
        return right

    patience = settings.patience if held.sum() >= _FEW else 0
    generator = torch.Generator().manual_seed(settings.seed)
    saved = None if checkpoint is None else TrainingCheckpoint(checkpoint, generator)
    done = fit(
        module,
        _augmented(images, labels, np.flatnonzero(~held), settings, generator),
        statistics,
        settings.optimisation,
        progress,
        stopping=EarlyStopping(settings.optimisation, measure, patience),
        checkpoint=saved,
    )
    training = {**asdict(settings), "steps_done": done}
    if held.any():
        right = accuracy(module, images[held], labels[held], statistics)
        training["measured"] = [right, int(held.sum())]
    return Teacher(
        module,
        tuple(classes),
        statistics,
        (w, h),
        settings.arch,
        teacher_digest(module, tuple(classes), statistics),
        training,
    )


def _augmented(
    images: UInt8s,
    labels: Int64s,
    rows: Indices,
    settings: TeacherSettings,
    generator: torch.Generator,
) -> Callable[[int], Iterator[Batch]]:
    planar = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
    targets = torch.from_numpy(labels.astype(np.int64, copy=False))
    known = torch.from_numpy(rows)

    def epoch(_: int) -> Iterator[Batch]:
        for places in shuffled_batches(len(known), settings.batch_size, generator, drop_last=True):
            picked = known[places]
            batch = pad_crop_flip(planar[picked], settings.pad, settings.flip, generator)
            yield Batch(batch, targets[picked])

    return epoch
