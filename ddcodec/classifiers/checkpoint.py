"""Checkpoints: a training that was interrupted goes on, and computes the same bits."""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from ddcodec.files import write_whole

__all__ = ["Checkpoint", "Place"]

_MODULE, _OPTIMISER, _RANDOM = "module.", "optimiser.", "random"


class Place(NamedTuple):
    """How far a training has come.

    Attributes:
        epoch: the next epoch.
        done: optimiser steps.
        seen: accuracies on held-out pictures so far.
    """

    epoch: int = 0
    done: int = 0
    seen: tuple[float, ...] = ()


class Checkpoint:
    """Saves and restores a training between two epochs: weights, optimiser, random numbers.

    What goes on from a checkpoint computes the same bits as what was never interrupted.

    Args:
        path: the file; no pickle.
        key: names the training: all that its weights follow from. One of another is not restored.
        generator: whose random numbers the training draws.
        every: seconds between two saves, at least.
    """

    def __init__(self, path: Path, key: str, generator: torch.Generator, *, every: float) -> None:
        self.path, self.key, self.generator, self.every = path, key, generator, every
        self._saved = time.monotonic()

    def offer(self, module: nn.Module, optimiser: torch.optim.Optimizer, place: Place) -> None:
        """Save, if the last time is long enough ago; a full disk is a warning, and ends nothing."""
        if time.monotonic() - self._saved < self.every:
            return
        tensors = {_MODULE + name: t for name, t in module.state_dict().items()}
        for number, state in optimiser.state_dict()["state"].items():
            tensors |= {f"{_OPTIMISER}{number}.{name}": t for name, t in state.items()}
        tensors[_RANDOM] = self.generator.get_state()
        plain = {name: t.detach().cpu().contiguous() for name, t in tensors.items()}
        record = {"key": self.key, "place": json.dumps(place)}
        try:
            write_whole(self.path, save(plain, record))
        except OSError as error:
            warnings.warn(
                f"the training cannot be saved in {self.path} ({error.strerror}): it goes on, and "
                "begins anew if it is interrupted",
                stacklevel=2,
            )
        self._saved = time.monotonic()

    def restore(self, module: nn.Module, optimiser: torch.optim.Optimizer) -> Place:
        """Go to where this very training was stopped; the beginning, if nothing is known of it."""
        found = _read(self.path)
        if found is None or found[0].get("key") != self.key:
            return Place()
        record, tensors = found
        module.load_state_dict(_below(_MODULE, tensors))
        states: dict[int, dict[str, Tensor]] = {}
        for name, tensor in _below(_OPTIMISER, tensors).items():
            number, _, part = name.partition(".")
            states.setdefault(int(number), {})[part] = tensor
        groups = optimiser.state_dict()["param_groups"]
        optimiser.load_state_dict({"state": states, "param_groups": groups})
        self.generator.set_state(tensors[_RANDOM])
        epoch, done, seen = json.loads(record["place"])
        return Place(epoch, done, tuple(seen))


def _read(path: Path) -> tuple[dict[str, str], dict[str, Tensor]] | None:
    """What a file holds; None where there is none, or a damaged one: then training starts anew."""
    try:
        with safe_open(path, "pt") as file:
            names: Sequence[str] = file.keys()
            return file.metadata() or {}, {name: file.get_tensor(name) for name in names}
    except (OSError, SafetensorError):
        return None


def _below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): t for k, t in tensors.items() if k.startswith(prefix)}
