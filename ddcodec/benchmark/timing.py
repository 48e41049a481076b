"""Processor time of work that may take microseconds or minutes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import TypeVar

__all__ = ["timed"]

Made = TypeVar("Made")

_CALLS = 5
_ENOUGH = 0.15  # seconds


def timed(work: Callable[[], Made]) -> tuple[Made, float]:
    """What ``work`` returns, and its seconds on one core.

    These are the median of up to four calls after one that is not counted. Work that takes longer
    than a fraction of a second is done once: others of its kind have warmed it up. Time of the
    processor is counted, of all threads together, so that a busy machine matters little.
    """
    times = list[float]()
    while True:
        began = time.process_time()
        made = work()
        times.append(time.process_time() - began)
        if len(times) == _CALLS or sum(times) > _ENOUGH:
            return made, statistics.median(times[1:] or times)
