"""Integer weights, derived from a checkpoint once per machine (spec/prior.md, "Profiles").

A file of the cache is named after what its content follows from, says so inside, and holds its own
SHA-256. It is never trusted to be whole, nor to be this user's: a damaged, missing or outdated file
is derived again, and so is one that others may have written.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from ddcodec.errors import DdcodecError
from ddcodec.exact.weights import IntegerWeight, integer_weights
from ddcodec.files import cache_folder, discard, opened_cache, private, write_whole
from ddcodec.recipe.profiles import Profile

__all__ = ["NetworkWeights", "cached_weights", "derive_weights"]

SCHEMA = "ddcodec.weights/1"
_INTEGERS, _SCALES, _FLOATS = "q/", "s/", "f/"


@dataclass(frozen=True)
class NetworkWeights:
    """Every parameter of a network, as exact profiles use it.

    Attributes:
        integers: of linear layers and convolutions, by parameter name.
        floats: float32, all other parameters.
    """

    integers: Mapping[str, IntegerWeight]
    floats: Mapping[str, Tensor]

    def fits(self, network: nn.Module) -> bool:
        """Whether these are the parameters of ``network``, by names and shapes."""
        wanted = {name: value.shape for name, value in network.named_parameters()}
        shapes = {name: value.shape for name, value in self.floats.items()}
        shapes |= {name: weight.values.shape for name, weight in self.integers.items()}
        return shapes == wanted and not self.floats.keys() & self.integers.keys()


def derive_weights(network: nn.Module, profile: Profile) -> NetworkWeights:
    """Quantise a network with weights of any floating-point type; a copy, on the same device."""
    integers = integer_weights(network, profile)
    floats = {
        name: value.detach().to(torch.float32, copy=True)
        for name, value in network.named_parameters()
        if name not in integers
    }
    return NetworkWeights(integers, floats)


def cached_weights(
    name: str,
    files: Mapping[str, str],
    profile: Profile,
    skeleton: nn.Module,
    checkpoint: Callable[[], nn.Module],
) -> NetworkWeights:
    """A network's weights from the cache, or derived now and kept there.

    Args:
        name: the network's folder in the pipeline.
        files: path -> SHA-256 of the prior's; those of this network name the entry.
        profile: how many digits weights have.
        skeleton: the network without weights, which the entry must fit.
        checkpoint: loads the network's own weights; called only when they are needed.

    Raises:
        ModelMismatchError: from ``checkpoint``, or where weights are not finite.
    """
    key = _key(name, files, profile)
    path = cache_folder("weights") / f"{key}.safetensors"
    if os.path.lexists(path):
        found = _read(path, key)
        if found is not None and found.fits(skeleton):
            return found
        warnings.warn(
            f"the integer weights {path} are damaged, or others than you may have written them: "
            "they are derived again",
            stacklevel=2,
        )
        discard(path)
    weights = derive_weights(checkpoint(), profile)
    try:
        opened_cache("weights")
        _write(path, key, weights)
    except (OSError, SafetensorError, DdcodecError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        warnings.warn(
            f"the integer weights cannot be kept in {path.parent} ({why}), and will be derived "
            "again next time: set DDCODEC_CACHE to a folder that can be written",
            stacklevel=2,
        )
    return weights


def _key(name: str, files: Mapping[str, str], profile: Profile) -> str:
    own = {path: digest for path, digest in files.items() if path.startswith(f"{name}/")}
    value = {"schema": SCHEMA, "digits": profile.weight_digits, "files": own}
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _write(path: Path, key: str, weights: NetworkWeights) -> None:
    tensors = {_FLOATS + name: value for name, value in weights.floats.items()}
    for name, weight in weights.integers.items():
        tensors |= {_INTEGERS + name: weight.values, _SCALES + name: weight.scale}
    record = {"schema": SCHEMA, "key": key, "sha256": _checksum(tensors)}
    write_whole(path, save(tensors, record))


def _read(path: Path, key: str) -> NetworkWeights | None:
    """An entry; None where it is not whole, of another key, or perhaps another user's."""
    try:
        if not private(path):
            return None
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError):
        return None
    if {**metadata, "schema": SCHEMA, "key": key, "sha256": _checksum(tensors)} != metadata:
        return None
    values, scales, floats = (
        {name.removeprefix(kind): value for name, value in tensors.items() if name.startswith(kind)}
        for kind in (_INTEGERS, _SCALES, _FLOATS)
    )
    if values.keys() != scales.keys():
        return None
    return NetworkWeights({n: IntegerWeight(v, scales[n]) for n, v in values.items()}, floats)


def _checksum(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 of names, types, shapes and values."""
    state = hashlib.sha256()
    for name in sorted(tensors):
        value = tensors[name].contiguous()
        shape = struct.pack(f"<{value.ndim}q", *value.shape)
        state.update(f"{name}\0{value.dtype}\0".encode() + shape)
        state.update(value.reshape(-1).view(torch.uint8).numpy().astype(np.uint8, copy=False).data)
    return state.hexdigest()
