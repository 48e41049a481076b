"""Students and teachers by name: the field's ConvNets, and ``transformers`` classifiers."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ddcodec.classifiers.convnet import ConvNet
from ddcodec.errors import RequestError
from ddcodec.extras import needed_for
from ddcodec.suggestions import did_you_mean

__all__ = ["ARCHITECTURES", "Logits", "build", "default_architecture"]

ARCHITECTURES = ("convnet3", "convnet4", "convnet5", "resnet18", "resnet18-half")
_SMALL = 64


class Logits(nn.Module):
    """A ``transformers`` image classifier that returns its logits alone.

    Args:
        model: the classifier.
        bgr: whether it was trained on blue, green and red in this order.
    """

    def __init__(self, model: nn.Module, *, bgr: bool = False) -> None:
        super().__init__()
        self.model, self.bgr = model, bgr

    def forward(self, images: Tensor) -> Tensor:
        """float[n, 3, h, w], normalised -> float[n, classes] logits."""
        pixels = images.flip(1) if self.bgr else images
        logits: Tensor = self.model(pixel_values=pixels).logits
        return logits


def default_architecture(size: int) -> str:
    """The field's customary student for pictures of this side in pixels."""
    return "convnet3" if size < _SMALL else "convnet4" if size < 128 else "resnet18"


def build(arch: str, classes: int, size: int, *, seed: int = 0) -> nn.Module:
    """A randomly initialised classifier: float[n, 3, size, size] -> float[n, classes].

    Args:
        arch: one of ``ARCHITECTURES``.
        classes: number of outputs.
        size: side of the square input in pixels.
        seed: of the initial weights; the process's own random state is left alone.

    Raises:
        RequestError: unknown architecture, or pictures too small for it.
    """
    if arch not in ARCHITECTURES:
        near = did_you_mean(arch, ARCHITECTURES)
        raise RequestError(
            f"unknown architecture {arch!r}{near}: use one of {', '.join(ARCHITECTURES)}"
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if arch.startswith("resnet18"):
            return _resnet18(classes, size, width=32 if arch.endswith("half") else 64)
        depth = int(arch.removeprefix("convnet"))
        if size >> depth < 1:
            raise RequestError(
                f"pictures of {size} px are too small for {arch}: it needs {1 << depth} px; "
                "choose a larger size or a shallower ConvNet"
            )
        return ConvNet(classes, size, depth)


def _resnet18(classes: int, size: int, width: int) -> nn.Module:
    with needed_for("a ResNet"):
        from transformers import ResNetConfig, ResNetForImageClassification
    config = ResNetConfig(
        embedding_size=width,
        hidden_sizes=[width, 2 * width, 4 * width, 8 * width],
        depths=[2, 2, 2, 2],
        layer_type="basic",
    )
    config.num_labels = classes
    model = ResNetForImageClassification(config)
    if size <= _SMALL:
        # The stem of the CIFAR literature; the stock one leaves 8 x 8 cells of a 32 px picture.
        stem: nn.Module = model.resnet.embedder
        convolution = nn.Conv2d(3, width, 3, padding=1, bias=False)
        nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
        stem.get_submodule("embedder").add_module("convolution", convolution)
        stem.add_module("pooler", nn.Identity())
    return Logits(model)
