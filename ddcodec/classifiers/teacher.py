"""Teachers: classifiers of the whole source, trained here, cached, or brought by the user."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from ddcodec.arrays import Float32s, UInt8s
from ddcodec.classifiers.features import penultimate
from ddcodec.classifiers.held_out import HeldOut
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
    Statistics,
    predict,
)

__all__ = ["Teacher"]


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


def _resized(images: UInt8s, size: tuple[int, int]) -> UInt8s:
    w, h = size
    if images.shape[1:3] == (h, w):
        return images
    planar: Tensor = torch.tensor(images).permute(0, 3, 1, 2)
    out = nn.functional.interpolate(
        planar, (h, w), mode="bilinear", antialias=True, align_corners=False
    )
    return out.permute(0, 2, 3, 1).contiguous().numpy()
