"""Seconds that the stages of an encode take on this machine, from doing a little of each.

A forecast must be quick, and need not be exact: a stage is so many equal units, of which a few are
really done.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import NamedTuple

__all__ = ["Stage", "seconds_each"]

# Seconds from which on a unit is measured once, and several together tell enough. Calls of small
# networks may take a second on a busy machine, however little they do.
_LONG, _ENOUGH = 3.0, 0.4


class Stage(NamedTuple):
    """A part of an encode: its name, as progress has it, and about how many seconds it takes."""

    name: str
    seconds: float


def seconds_each(run: Callable[[int], object], most: int) -> float:
    """About how many seconds one of many units takes, where ``most`` are done together.

    One is done first, then fourfold as many until that takes a noticeable time: what a call costs,
    however much it does, is then told from what each unit costs.

    Args:
        run: does that many units.
        most: units that the real work does in one call.
    """
    alone = _clocked(run, 1)
    if alone >= _LONG:
        return alone
    alone = together = _clocked(run, 1)  # the first call has prepared memory and kernels
    count = 1
    while count < most and together < max(_ENOUGH, 2 * alone):
        count = min(most, 4 * count)
        together = _clocked(run, count)
    if count in (1, most):
        return together / count
    each = (together - alone) / (count - 1)
    return each + max(0.0, alone - each) / most


def _clocked(run: Callable[[int], object], count: int) -> float:
    began = perf_counter()
    run(count)
    return perf_counter() - began
