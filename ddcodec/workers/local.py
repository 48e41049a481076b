"""Processes on this machine, by joblib's loky."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock, Timeout
from joblib import Parallel, cpu_count, delayed
from joblib.externals.loky.process_executor import TerminatedWorkerError

from ddcodec.errors import EncodeError
from ddcodec.files import ensure_working_folder, scratch_folder
from ddcodec.workers.shipping import Parcel, unpacked

__all__ = ["LocalPool"]

K = TypeVar("K")
R = TypeVar("R")

# Deaths of workers in a row, none of which finished anything, after which it is no accident.
_TRIES = 3
# Seconds after which a worker that has nothing to do ends, also where its parent was killed.
_IDLE = 30


class LocalPool:
    """Processes on this machine, each with its share of the cores, and a GPU of its own if it can.

    Args:
        count: processes.
        device: torch device that they compute on.
    """

    shares_files = True

    def __init__(self, count: int, device: str) -> None:
        self.count, self.device = count, device

    def map(self, compute: Callable[[K], R], keys: Sequence[K]) -> Iterator[tuple[K, R]]:
        """As :meth:`ddcodec.workers.Pool.map`."""
        parcel, left, deaths = Parcel.of(compute, self.device), dict.fromkeys(keys), 0
        with scratch_folder() as place:
            ensure_working_folder()
            (place / parcel.name).write_bytes(parcel.content)
            while left:
                try:
                    for key, result in self._run(parcel.name, place, [*left]):
                        del left[key]
                        deaths = 0
                        yield key, result
                except TerminatedWorkerError as error:
                    deaths += 1
                    if deaths == _TRIES:
                        raise EncodeError(
                            f"workers were killed {_TRIES} times before any had finished its part: "
                            "there may be too little memory for so many; use fewer workers. What "
                            "is finished is kept"
                        ) from error

    def _run(self, name: str, place: Path, keys: list[Any]) -> Iterator[tuple[Any, Any]]:
        threads = max(1, cpu_count() // self.count)
        run = Parallel(
            n_jobs=self.count,
            backend="loky",
            return_as="generator_unordered",
            batch_size=1,
            pre_dispatch="2 * n_jobs",
            max_nbytes=None,
            inner_max_num_threads=threads,
            initializer=_leave_interrupts_to_the_parent,
            idle_worker_timeout=_IDLE,
        )
        yield from run(delayed(_call)(name, place, self._gpus(), key) for key in keys)

    def _gpus(self) -> int:
        if not self.device.startswith("cuda"):
            return 0
        import torch

        return torch.cuda.device_count()


def _leave_interrupts_to_the_parent() -> None:
    """A terminal interrupts every process of a command; the first one ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _call(name: str, place: Path, gpus: int, key: Any) -> tuple[Any, Any]:
    """One part, in a worker."""
    if gpus > 1:
        _take_gpu(place, gpus)
    return key, unpacked(name, (place / name).read_bytes)(key)


# Held for the life of this worker, which is how others see that its GPU is taken.
_gpu: FileLock | None = None


def _take_gpu(place: Path, gpus: int) -> None:
    """Make one GPU the only one that this worker sees: a free one, or, with none free, one by lot.

    Before anything has been unpacked, so that nothing has looked for GPUs yet.
    """
    global _gpu
    if _gpu is not None:
        return
    for number in range(gpus):
        lock = FileLock(place / f"gpu-{number}")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            continue
        break
    else:
        number = os.getpid() % gpus
    _gpu = lock
    os.environ["CUDA_VISIBLE_DEVICES"] = str(number)
