"""Execute a prior in an exact profile: the same bytes on every machine (spec/exact.md)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

import torch
from torch import nn

from ddcodec.exact.backends import choose_backend
from ddcodec.exact.network import ExactNetwork
from ddcodec.exact.weights import digest_weights
from ddcodec.prior.engine import LatentEngine
from ddcodec.prior.families import NETWORKS, TEXT_ENCODERS, NetworkName
from ddcodec.prior.networks import Components
from ddcodec.prior.weight_cache import NetworkWeights, cached_weights
from ddcodec.recipe.profiles import EXACT, TEXT

__all__ = ["ExactEngine", "exact_engine"]

T = TypeVar("T")

# Rows times columns of the largest feature maps in a network call: 4 latents of 64 x 64, or 16
# pictures of 32 x 32. Larger calls are hardly faster, smaller ones waste time on small pictures.
_POSITIONS = 1 << 14


class ExactEngine(LatentEngine):
    """Integer execution: a sample's result depends on nothing but the sample.

    Args:
        networks: those of ``NETWORKS`` that the prior has, on one back end.
        profile: the recipe's name of how the U-Net and the autoencoder are executed.
        positions: rows times columns of all feature maps in a network call, where a single sample
            has no more: it changes time and memory, never a result.
    """

    batch = 0
    chunk = 256

    def __init__(
        self,
        networks: Mapping[NetworkName, ExactNetwork],
        *,
        profile: str,
        positions: int = _POSITIONS,
    ) -> None:
        backend = networks["unet"].backend
        super().__init__(device=backend.device)
        self.profile = profile
        self.backend = backend.name
        self.weights: bytes | None = _digest(networks)
        self._networks = networks
        self._positions = positions

    def _config(self, name: NetworkName) -> Any:
        return self._networks[name].module.config

    def _samples(self, name: NetworkName, positions: int) -> int:
        return max(1, self._positions // positions)

    def _run(self, name: NetworkName, function: Callable[..., T], *arguments: Any) -> T:
        network = self._networks[name]
        return network.run(function, network.module, *arguments)


def exact_engine(
    components: Components,
    files: Mapping[str, str],
    *,
    profile: str,
    device: torch.device,
) -> ExactEngine:
    """Load a prior's integer weights, one network at a time; float weights are never kept.

    Args:
        components: of the prior's folder.
        files: path -> SHA-256 of the prior's files, which name the weights in the cache.
        profile: one of ``exact.profiles.EXACT``.

    Raises:
        ModelMismatchError: weights are missing, damaged or not finite.
        DecodeError: no back end is exact on ``device``.
    """
    backend = choose_backend(device)
    networks = dict[NetworkName, ExactNetwork]()
    for name in components.family.networks:
        precision = TEXT if name in TEXT_ENCODERS else EXACT[profile]
        module = components.skeleton(name)
        load = partial(components.checkpoint, name)
        weights = cached_weights(name, files, precision, module, load)
        _fill(module, weights, device)
        networks[name] = ExactNetwork(module, precision, backend, weights.integers)
    return ExactEngine(networks, profile=profile)


def _fill(module: nn.Module, weights: NetworkWeights, device: torch.device) -> None:
    """Put the parameters that stay float32, and the buffers, on the device."""
    for name, value in weights.floats.items():
        owner, _, last = name.rpartition(".")
        parameter = nn.Parameter(value.to(device), requires_grad=False)
        setattr(module.get_submodule(owner), last, parameter)
    for name, buffer in list(module.named_buffers()):
        owner, _, last = name.rpartition(".")
        setattr(module.get_submodule(owner), last, buffer.to(device))


def _digest(networks: Mapping[NetworkName, ExactNetwork]) -> bytes:
    """SHA-256 of all weights as they are used (spec/exact.md, "Weights digest")."""
    state: Any = None
    for name in (name for name in NETWORKS if name in networks):
        state = digest_weights(name, networks[name].module, networks[name].weights, state)
    digest: bytes = state.digest()
    return digest
