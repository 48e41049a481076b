"""Features of pictures: what a classifier gives to the linear layer that makes its logits.

The layer is found by running the network, so that any architecture will do: ConvNets, ResNets,
transformers, and what a user brings.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from ddcodec.arrays import UInt8s
from ddcodec.classifiers.training import Statistics, predict
from ddcodec.errors import ModelMismatchError

__all__ = ["penultimate", "removed"]


def penultimate(module: nn.Module, images: UInt8s, statistics: Statistics) -> Tensor:
    """Penultimate activations of pictures: uint8[n, h, w, 3], n > 0 -> float32[n, d] on the CPU.

    Raises:
        ModelMismatchError: the logits are not the output of one linear layer.
    """
    layer = _logit_layer(module, images[:1], statistics)
    found: list[Tensor] = []

    def keep(_: nn.Module, given: tuple[Any, ...]) -> None:
        found.append(given[0].float().cpu())

    with removed(layer.register_forward_pre_hook(keep)):
        predict(module, images, statistics)
    return torch.cat(found)


def _logit_layer(module: nn.Module, image: UInt8s, statistics: Statistics) -> nn.Linear:
    """The linear layer whose output the logits are."""
    outputs: list[tuple[nn.Linear, Tensor]] = []

    def keep(layer: nn.Module, _: Any, output: Tensor) -> None:
        assert isinstance(layer, nn.Linear)
        outputs.append((layer, output.float().cpu()))

    linear = [layer for layer in module.modules() if isinstance(layer, nn.Linear)]
    with removed(*(layer.register_forward_hook(keep) for layer in linear)):
        logits = predict(module, image, statistics)
    found = next((layer for layer, output in outputs if torch.equal(output, logits)), None)
    if found is None:
        raise ModelMismatchError(
            "this teacher has no features to choose pictures by: its logits are not the output of "
            "one linear layer; use another teacher, or a method that asks for logits alone"
        )
    return found


@contextmanager
def removed(*hooks: torch.utils.hooks.RemovableHandle) -> Iterator[None]:
    """Remove hooks at the end, whatever happens."""
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
