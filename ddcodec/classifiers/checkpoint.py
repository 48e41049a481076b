"""Trainings that were interrupted go on, and compute the same bits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler

from ddcodec.arrays import Array
from ddcodec.files.sealed import Checkpoint

__all__ = ["Place", "TrainingCheckpoint", "descent_state", "load_descent"]

_MODULE, _VALUE, _STATE, _RATES = "module.", "value.", "state.", "rates"


class Place(NamedTuple):
    """How far a training has come.

    Attributes:
        epoch: the present epoch.
        batches: of that epoch that are done.
        done: optimiser steps in all.
        seen: accuracies on held-out pictures so far.
    """

    epoch: int = 0
    batches: int = 0
    done: int = 0
    seen: tuple[float, ...] = ()


class TrainingCheckpoint:
    """Saves and restores a training: weights, optimiser, random numbers.

    What an epoch draws is drawn again from its beginning, so that a training can be saved, and go
    on, in the middle of one.

    Args:
        checkpoint: where it is saved.
        generator: whose random numbers the training draws.
    """

    def __init__(self, checkpoint: Checkpoint, generator: torch.Generator) -> None:
        self._checkpoint, self._generator = checkpoint, generator
        self._drawn = generator.get_state()

    def begins(self) -> None:
        """An epoch is about to draw its first random number."""
        self._drawn = self._generator.get_state()

    def offer(self, module: nn.Module, optimiser: torch.optim.Optimizer, place: Place) -> None:
        """Save, if the last time is long enough ago."""

        def state() -> dict[str, Array]:
            weights = {_MODULE + name: _array(t) for name, t in module.state_dict().items()}
            return {
                **weights,
                **_optimiser_state(optimiser),
                "drawn": _array(self._drawn),
                "place": np.array(place[:3], np.int64),
                "seen": np.array(place.seen, np.float64),
            }

        self._checkpoint.offer(state)

    def restore(self, module: nn.Module, optimiser: torch.optim.Optimizer) -> Place:
        """Go to where this very training was stopped; the beginning, if nothing is known of it."""
        found = self._checkpoint.restore()
        if found is None:
            return Place()
        module.load_state_dict({name: torch.from_numpy(v) for name, v in _below(_MODULE, found)})
        _load_optimiser(optimiser, found)
        self._generator.set_state(torch.from_numpy(found["drawn"]))
        epoch, batches, done = found["place"].tolist()
        return Place(epoch, batches, done, tuple(found["seen"].tolist()))


def descent_state(
    values: Sequence[Tensor],
    optimiser: torch.optim.Optimizer,
    schedule: LRScheduler,
    generator: torch.Generator,
) -> dict[str, Array]:
    """Where an optimisation of a few tensors has come to after a step, as named arrays."""
    return {
        **{f"{_VALUE}{number}": _array(value) for number, value in enumerate(values)},
        **_optimiser_state(optimiser),
        "drawn": _array(generator.get_state()),
        "step": np.array(schedule.last_epoch),
    }


def load_descent(
    arrays: Mapping[str, Array],
    values: Sequence[Tensor],
    optimiser: torch.optim.Optimizer,
    schedule: LRScheduler,
    generator: torch.Generator,
) -> int:
    """Go to where :func:`descent_state` was taken; returns how many steps were done by then."""
    with torch.no_grad():
        for number, value in enumerate(values):
            value.copy_(torch.from_numpy(arrays[f"{_VALUE}{number}"]))
    _load_optimiser(optimiser, arrays)
    generator.set_state(torch.from_numpy(arrays["drawn"]))
    schedule.last_epoch = int(arrays["step"])
    return schedule.last_epoch


def _optimiser_state(optimiser: torch.optim.Optimizer) -> dict[str, Array]:
    """What an optimiser remembers, and its present rates, as named arrays."""
    state = optimiser.state_dict()["state"]
    found = {
        f"{_STATE}{number}.{name}": _array(tensor)
        for number, tensors in state.items()
        for name, tensor in tensors.items()
    }
    found[_RATES] = np.array([group["lr"] for group in optimiser.param_groups], np.float64)
    return found


def _load_optimiser(optimiser: torch.optim.Optimizer, arrays: Mapping[str, Array]) -> None:
    """Remember what :func:`_optimiser_state` found."""
    states: dict[int, dict[str, Tensor]] = {}
    for name, array in _below(_STATE, arrays):
        number, _, part = name.partition(".")
        states.setdefault(int(number), {})[part] = torch.from_numpy(array)
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": states, "param_groups": groups})
    for group, rate in zip(optimiser.param_groups, arrays[_RATES].tolist(), strict=True):
        group["lr"] = rate


def _array(tensor: Tensor) -> Array:
    return np.asarray(tensor.detach().cpu().numpy())


def _below(prefix: str, arrays: Mapping[str, Array]) -> list[tuple[str, Array]]:
    return [(k.removeprefix(prefix), v) for k, v in arrays.items() if k.startswith(prefix)]
