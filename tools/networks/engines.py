"""A prior's networks, float or exact, executed in a chosen way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any, TypeVar

import torch
from torch import Tensor

from ddcodec.exact.backends import Backend
from ddcodec.exact.network import ExactNetwork
from ddcodec.prior.engine import LatentEngine
from ddcodec.prior.families import TEXT_ENCODERS, NetworkName
from ddcodec.prior.load import Prior
from ddcodec.recipe.profiles import EXACT, TEXT

T = TypeVar("T")


class MeasuredEngine(LatentEngine):
    """Networks as they are given, float or exact, in calls of at most ``batch`` samples.

    Args:
        networks: of a prior, all float modules or all ``ExactNetwork``.
        config: of each, whatever executes it.
        batch: samples per call.
        layout: memory format of samples and pictures that networks get.
        autocast: run float networks in mixed precision.
    """

    weights: bytes | None = None
    chunk = 256

    def __init__(
        self,
        networks: Mapping[NetworkName, Any],
        config: Callable[[NetworkName], Any],
        *,
        profile: str,
        device: torch.device,
        batch: int,
        layout: torch.memory_format = torch.contiguous_format,
        autocast: torch.dtype | None = None,
    ) -> None:
        super().__init__(device=device)
        first = networks["unet"]
        self.profile = profile
        self.backend = first.backend.name if isinstance(first, ExactNetwork) else "float"
        self.batch = 0  # conditioned and unconditioned in one call, as diffusers does
        self._networks = networks
        self._config_of = config
        self._size = batch
        self._layout = layout
        self._autocast = autocast

    def _config(self, name: NetworkName) -> Any:
        return self._config_of(name)

    def _samples(self, name: NetworkName, positions: int) -> int:
        return self._size

    def _run(self, name: NetworkName, function: Callable[..., T], *arguments: Any) -> T:
        network = self._networks[name]
        given = [
            a.contiguous(memory_format=self._layout) if isinstance(a, Tensor) and a.ndim == 4 else a
            for a in arguments
        ]
        if isinstance(network, ExactNetwork):
            return network.run(function, network.module, *given)
        mixed: Any = nullcontext()
        if self._autocast is not None:
            mixed = torch.autocast(self.device.type, self._autocast)
        with mixed:
            outputs: T = _float(function(network, *given))
        return outputs


def float_networks(
    prior: Prior, layout: torch.memory_format = torch.contiguous_format
) -> dict[NetworkName, Any]:
    """A prior's float32 networks, weights laid out as asked."""
    return {
        name: getattr(prior.components, name).to(memory_format=layout)
        for name in prior.components.family.networks
    }


def exact_networks(
    networks: Mapping[NetworkName, Any], profile: str, backend: Backend
) -> dict[NetworkName, ExactNetwork]:
    """Exact execution of float networks."""
    return {
        name: ExactNetwork(module, TEXT if name in TEXT_ENCODERS else EXACT[profile], backend)
        for name, module in networks.items()
    }


def _float(outputs: Any) -> Any:
    """What mixed precision gave in float32: a tensor, or several."""
    return outputs.float() if isinstance(outputs, Tensor) else tuple(map(_float, outputs))
