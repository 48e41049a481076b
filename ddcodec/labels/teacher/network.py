"""The networks of stored teachers, as a course of operations (spec/teacher.md, "Networks").

One course serves two ends: executed exactly it makes labels, and walked once in floats it fits the
integers, each layer to what the layers before it give.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor
from torch.nn import functional as F

from ddcodec.codecs.teacher_layers import CONVNETS, SMALL

__all__ = ["EPSILON", "Operations", "run"]

EPSILON = 1e-5  # of the norms


class Operations(ABC):
    """What depends on weights; layers are named by their place in ``layers_of``."""

    @abstractmethod
    def convolution(self, layer: int, x: Tensor, stride: int) -> Tensor:
        """float32 [n, in, h, w], padded by half the filter; with a bias, if no norm follows."""

    @abstractmethod
    def norm(self, layer: int, x: Tensor) -> Tensor:
        """The instance norm that follows a convolution."""

    @abstractmethod
    def head(self, layer: int, x: Tensor) -> Tensor:
        """float32 [n, channels, h, w] -> [n, classes]: the linear layer.

        It has a weight per channel and position, or one per channel, then for the mean of all.
        """


def run(arch: str, operations: Operations, images: Tensor) -> Tensor:
    """float32 [n, 3, side, side], normalised -> float32 [n, classes] logits.

    Args:
        arch: one of ``codecs.teacher_layers.NAMES``.
    """
    if arch in CONVNETS:
        return _convnet(CONVNETS[arch], operations, images)
    return _resnet(operations, images)


def _convnet(depth: int, operations: Operations, x: Tensor) -> Tensor:
    for layer in range(depth):
        x = operations.norm(layer, operations.convolution(layer, x, 1))
        x = _halved(x.relu_())
    return operations.head(depth, x)


def _resnet(operations: Operations, x: Tensor) -> Tensor:
    small = x.shape[-1] <= SMALL
    x = operations.convolution(0, x, 1 if small else 2).relu_()
    x = x if small else _largest(x)
    layer = 1
    for stage in range(4):
        for block in range(2):
            stride = 2 if stage and not block else 1
            y = operations.convolution(layer, x, stride).relu_()
            y = operations.convolution(layer + 1, y, 1)
            if stride > 1:
                x = operations.convolution(layer + 2, x, stride)
            x = y.add_(x).relu_()
            layer += 2 if stride == 1 else 3
    return operations.head(layer, x)


def _halved(x: Tensor) -> Tensor:
    """2 x 2 means, rows added before columns; an odd last row or column is dropped."""
    h, w = x.shape[-2] // 2 * 2, x.shape[-1] // 2 * 2
    rows = x[..., 0:h:2, :w] + x[..., 1:h:2, :w]
    return (rows[..., 0::2] + rows[..., 1::2]).mul_(0.25)


def _largest(x: Tensor) -> Tensor:
    """3 x 3 maxima with stride 2 and padding 1, of numbers that are not negative."""
    x = F.pad(x, (1, 1, 1, 1))  # zeros change no maximum
    h, w = (x.shape[-2] - 1) // 2, (x.shape[-1] - 1) // 2
    rows = torch.maximum(x[..., 0 : 2 * h : 2, :], x[..., 1 : 2 * h : 2, :])
    rows = torch.maximum(rows, x[..., 2 : 2 * h + 1 : 2, :])
    columns = torch.maximum(rows[..., 0 : 2 * w : 2], rows[..., 1 : 2 * w : 2])
    return torch.maximum(columns, rows[..., 2 : 2 * w + 1 : 2])
