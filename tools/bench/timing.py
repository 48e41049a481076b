"""Timing of work: medians of wall time, and the best of processor time."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

Work = Callable[[], object]


def clock() -> float:
    """Seconds: of this process where it has one thread and no GPU, else of the wall."""
    import torch

    alone = torch.get_num_threads() == 1 and not torch.cuda.is_available()
    return time.process_time() if alone else time.perf_counter()


def median_seconds(work: Work, repeat: int) -> float:
    """Median wall time of ``work`` over ``repeat`` calls, after one that is not counted."""
    work()
    times = []
    for _ in range(repeat):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def best_seconds(work: Work, repeat: int) -> float:
    """Processor time of the fastest of ``repeat`` calls, so that a busy machine matters little."""
    times = []
    for _ in range(repeat):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return min(times)
