"""Teachers: classifiers of the whole source, trained here, cached, or brought by the user."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from ddcodec.arrays import Float32s, Indices, Int64s, StepProgress, UInt8s
from ddcodec.classifiers.architectures import build
from ddcodec.classifiers.features import penultimate
from ddcodec.classifiers.held_out import HeldOut, choose
from ddcodec.classifiers.names import columns_of
from ddcodec.classifiers.probe import (
    class_names,
    input_size,
    input_statistics,
    module_digest,
    probe,
    teacher_digest,
)
from ddcodec.classifiers.training import (
    Batch,
    Optimisation,
    Precision,
    Statistics,
    accuracy,
    fit,
    pad_crop_flip,
    predict,
    shuffled_batches,
    statistics_of,
)
from ddcodec.errors import EncodeError

__all__ = [
    "Teacher",
    "TeacherSettings",
    "default_settings",
    "train_teacher",
    "training_size",
]

# Pictures that are held out in all: enough to tell a good teacher from a bad one within 2 %.
_HELD_OUT = 500
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


def default_settings(
    images: int,
    size: int,
    *,
    classes: int = 1,
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


@dataclass(frozen=True)
class Teacher:
    """A trained classifier and all that is needed to ask it.

    Attributes:
        module: float[n, 3, h, w], normalised -> float[n, outputs].
        classes: names in the order of the columns of :meth:`logits`.
        statistics: input normalisation.
        size: (width, height) in pixels the module expects.
        arch: architecture, or the hub id it came from.
        digest: SHA-256 (hex) over weights, class names and input statistics.
        training: how it was trained, as far as known.
        columns: the module's outputs that belong to ``classes``; None when they are all, in
            order.

    >>> mean_colour = torch.nn.Sequential(torch.nn.AvgPool2d(8), torch.nn.Flatten())
    >>> colours = ["red", "green", "blue"]
    >>> teacher = ddcodec.Teacher.from_module(mean_colour, colours, [0.0] * 3, [1.0] * 3, size=8)
    >>> teacher.logits(np.full((1, 8, 8, 3), (255, 0, 0), np.uint8)).round(1).tolist()
    [[1.0, 0.0, 0.0]]
    """

    module: nn.Module
    classes: tuple[str, ...]
    statistics: Statistics
    size: tuple[int, int]
    arch: str
    digest: str
    training: dict[str, Any] = field(default_factory=dict)
    columns: tuple[int, ...] | None = None

    @classmethod
    def from_module(
        cls,
        module: nn.Module,
        classes: Sequence[str],
        mean: Sequence[float],
        std: Sequence[float],
        size: int | tuple[int, int],
        *,
        name: str | None = None,
    ) -> Self:
        """A teacher made of any torch module, which is put into eval mode and tried once.

        Args:
            module: float32[n, 3, h, w], RGB and normalised -> float[n, len(classes)] logits.
            classes: names of its outputs, in order: readable ones, several with commas between, or
                WordNet ids.
            mean, std: of R, G and B, which pictures in the range 0..1 are normalised by; kept to
                1/65536.
            size: side, or (width, height), in pixels of its input. Whole pictures are resized to
                it.
            name: what to call it in messages and artifacts; by default the module's class.

        Raises:
            EncodeError: an argument makes no sense, or the module does not give finite logits, one
                for each class.
        """
        names, pixels = class_names(classes), input_size(size)
        statistics = input_statistics(mean, std)
        probe(module, len(names), pixels, statistics)
        digest = module_digest(module, teacher_digest(module, names, statistics), pixels)
        return cls(module, names, statistics, pixels, name or type(module).__name__, digest)

    @property
    def held_out(self) -> HeldOut | None:
        """How good it was when ddcodec had trained it; None where nothing was held out."""
        match self.training.get("measured"):
            case [float(accuracy), int(pictures)]:
                return HeldOut(accuracy, pictures)
        return None

    @property
    def mean(self) -> tuple[float, float, float]:
        """Mean by channel, in the range 0..1."""
        r, g, b = self.statistics.mean
        return r / 65536, g / 65536, b / 65536

    @property
    def std(self) -> tuple[float, float, float]:
        """Standard deviation by channel, in the range 0..1."""
        r, g, b = self.statistics.std
        return r / 65536, g / 65536, b / 65536

    def logits(self, images: UInt8s) -> Float32s:
        """uint8[n, h, w, 3] -> float32[n, len(classes)], in eval mode and float32.

        Pictures of another size are resized (bilinear, antialiased) to the teacher's.
        """
        if len(images) == 0:
            return np.empty((0, len(self.classes)), np.float32)
        out = predict(self.module, _resized(images, self.size), self.statistics)
        if self.columns is not None:
            out = out[:, list(self.columns)]
        return out.numpy()

    def features(self, images: UInt8s) -> Float32s:
        """Penultimate activations, what the last linear layer is given: float32[n, d].

        Args:
            images: uint8[n, h, w, 3], n > 0, resized as for :meth:`logits`.

        Raises:
            ModelMismatchError: the logits are not the output of one linear layer.
        """
        return penultimate(self.module, _resized(images, self.size), self.statistics).numpy()

    def to(self, device: str | torch.device) -> Teacher:
        """The same teacher, its weights moved to a device."""
        self.module.to(device)
        return self

    def for_classes(self, names: Sequence[str], readable: Sequence[str] | None = None) -> Teacher:
        """The same teacher with its columns in the order of ``names``.

        Names are matched as :func:`ddcodec.classifiers.names.columns_of` says. Outputs that no name
        asks for are left out.

        Args:
            names: the classes wanted, in order.
            readable: what else each of them is called.

        Raises:
            ModelMismatchError: the teacher does not know some of the classes, or several outputs
                are called like one of them; all of those are named.
        """
        columns = columns_of(self.classes, names, readable, self.arch)
        own = self.columns or tuple(range(len(self.classes)))
        picked = tuple(own[column] for column in columns)
        same = picked == tuple(range(len(self.classes))) and self.columns is None
        return Teacher(
            self.module,
            tuple(names),
            self.statistics,
            self.size,
            self.arch,
            self.digest,
            self.training,
            None if same else picked,
        )


def train_teacher(
    images: UInt8s,
    labels: Int64s,
    classes: Sequence[str],
    settings: TeacherSettings,
    progress: StepProgress | None = None,
    *,
    device: str = "cpu",
) -> Teacher:
    """Train a teacher on uint8[n, h, w, 3] pictures and their class indices int64[n].

    ``progress`` is called with (done, total) steps. ``settings.held_out`` pictures of each class
    are left out; how many of them it recognises is in ``training``.

    Raises:
        EncodeError: no pictures, pictures that are not square, or an unknown architecture.
    """
    n, h, w = images.shape[:3]
    if n == 0:
        raise EncodeError("no pictures to train a teacher on")
    if h != w:
        raise EncodeError(f"teachers are trained on square pictures, not {w}x{h}: choose a size")
    held = choose(labels, settings.held_out, settings.seed)
    statistics = statistics_of(images)
    module = build(settings.arch, len(classes), w, seed=settings.seed).to(device)
    fit(
        module,
        _augmented(images, labels, np.flatnonzero(~held), settings),
        statistics,
        Optimisation(
            steps=settings.steps,
            lr=settings.lr,
            weight_decay=settings.weight_decay,
            warmup=0.05,
            precision=settings.precision,
        ),
        progress,
    )
    training = asdict(settings)
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
    images: UInt8s, labels: Int64s, rows: Indices, settings: TeacherSettings
) -> Callable[[int], Iterator[Batch]]:
    planar = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
    targets = torch.from_numpy(labels.astype(np.int64, copy=False))
    known = torch.from_numpy(rows)
    generator = torch.Generator().manual_seed(settings.seed)

    def epoch(_: int) -> Iterator[Batch]:
        for places in shuffled_batches(len(known), settings.batch_size, generator, drop_last=True):
            picked = known[places]
            batch = pad_crop_flip(planar[picked], settings.pad, settings.flip, generator)
            yield Batch(batch, targets[picked])

    return epoch


def _resized(images: UInt8s, size: tuple[int, int]) -> UInt8s:
    w, h = size
    if images.shape[1:3] == (h, w):
        return images
    planar: Tensor = torch.tensor(images).permute(0, 3, 1, 2)
    out = nn.functional.interpolate(
        planar, (h, w), mode="bilinear", antialias=True, align_corners=False
    )
    return out.permute(0, 2, 3, 1).contiguous().numpy()
