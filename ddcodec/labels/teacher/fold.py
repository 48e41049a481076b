"""From a teacher's module to the plain layers that are stored (spec/teacher.md, "Layers")."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ddcodec.classifiers.convnet import ConvNet
from ddcodec.classifiers.teacher import Teacher
from ddcodec.codecs.teacher_layers import NAMES, layers_of
from ddcodec.errors import EncodeError, RequestError, UnsupportedFeatureError

__all__ = ["FloatLayer", "check_storable", "folded"]


@dataclass(frozen=True)
class FloatLayer:
    """``weight`` float32 of the layer's shape; ``vectors`` float32 [n, out]."""

    weight: Tensor
    vectors: Tensor


def check_storable(teacher: Teacher, size: tuple[int, int]) -> None:
    """Raise EncodeError, saying what to do, unless this teacher can be stored.

    Args:
        teacher: its columns are the artifact's classes.
        size: (width, height) of the artifact's pictures.
    """
    if teacher.arch not in NAMES:
        raise RequestError(
            f"labels='teacher' stores teachers of ddcodec's own architectures ({', '.join(NAMES)}),"
            f" not {teacher.arch}: store its labels with labels='soft', or train a teacher of such "
            "an architecture"
        )
    width, height = size
    if teacher.size != size or width != height:
        raise RequestError(
            f"the teacher looks at {teacher.size[0]}x{teacher.size[1]} pictures, the artifact's are"
            f" {width}x{height}: labels='teacher' needs one square size for both; use "
            "teacher='auto', or labels='soft'"
        )
    try:
        layers_of(teacher.arch, len(teacher.classes), width)
    except UnsupportedFeatureError as error:
        raise EncodeError(f"{error.message}; use labels='soft'") from error


def folded(teacher: Teacher) -> list[FloatLayer]:
    """The teacher's layers in the order they are stored, on the CPU.

    Batch norms become part of the convolutions before them. A convolution before an instance norm
    loses its bias, which the norm takes away again. The head keeps the columns in use.
    """
    module = teacher.module
    with torch.no_grad():
        layers = list(_convnet(module) if isinstance(module, ConvNet) else _resnet(module))
        head = layers[-1]
        if teacher.columns is not None:
            columns = list(teacher.columns)
            layers[-1] = FloatLayer(head.weight[columns], head.vectors[:, columns])
    return layers


def _convnet(module: ConvNet) -> Iterator[FloatLayer]:
    parts: list[Any] = list(module.features)
    for convolution, norm in zip(parts[0::4], parts[1::4], strict=True):
        yield _layer(convolution.weight, norm.weight, norm.bias)
    yield _layer(module.head.weight, module.head.bias)


def _resnet(module: Any) -> Iterator[FloatLayer]:
    network = module.model.resnet
    yield _with_norm(network.embedder.embedder)
    for stage in network.encoder.stages:
        for block in stage.layers:
            yield _with_norm(block.layer[0])
            yield _with_norm(block.layer[1])
            if not isinstance(block.shortcut, nn.Identity):
                yield _with_norm(block.shortcut)
    head = module.model.classifier[-1]
    yield _layer(head.weight, head.bias)


def _with_norm(part: Any) -> FloatLayer:
    """A convolution without bias and the batch norm that follows it, as one layer."""
    norm = part.normalization
    factor = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
    weight = part.convolution.weight.double() * factor[:, None, None, None]
    return _layer(weight, norm.bias.double() - norm.running_mean.double() * factor)


def _layer(weight: Tensor, *vectors: Tensor) -> FloatLayer:
    return FloatLayer(weight.detach().cpu().float(), torch.stack(vectors).detach().cpu().float())
