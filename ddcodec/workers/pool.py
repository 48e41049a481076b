"""The interface of pools, and which one a job gets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, TypeVar

from ddcodec.errors import RequestError

__all__ = ["ALONE", "Pool", "Workers", "computed", "open_pool"]

K = TypeVar("K")
R = TypeVar("R")


class Pool(Protocol):
    """Processes that compute side by side.

    Attributes:
        shares_files: whether workers see the files of this machine.
    """

    @property
    def shares_files(self) -> bool: ...

    def map(self, compute: Callable[[K], R], keys: Sequence[K]) -> Iterator[tuple[K, R]]:
        """(key, result) of each key, as they come.

        Args:
            compute: can be pickled, with what it refers to; sent once to each worker.
            keys: what it is called with; small.

        Raises:
            RequestError: something in ``compute`` cannot be sent to another process.
            EncodeError: workers die again and again, or have other libraries than this process.
        """
        ...


@dataclass(frozen=True)
class Workers:
    """Which workers compute.

    Attributes:
        count: processes on this machine; 1 is this process alone.
        ray: address of a Ray cluster in their place: ``auto``, ``local``, ``HOST:PORT`` or
            ``ray://HOST:PORT``.
        device: torch device that they compute on.

    Raises:
        RequestError: both are asked for, or fewer than one.
    """

    count: int = 1
    ray: str | None = None
    device: str = "cpu"

    def __post_init__(self) -> None:
        if self.count < 1:
            raise RequestError(f"workers={self.count} is not allowed: it must be a number from 1")
        if self.ray is not None and self.count > 1:
            raise RequestError(
                f"ray={self.ray!r} has workers of its own, so workers={self.count} is one too "
                "many; give one of them"
            )


ALONE = Workers()
"""This process, and no other."""


@contextmanager
def open_pool(workers: Workers) -> Iterator[Pool | None]:
    """The pool of these workers while the block runs; None where this process is enough.

    Raises:
        MissingDependencyError: Ray is asked for, and not installed.
        RequestError: there is no cluster at the address.
    """
    if workers.ray is not None:
        from ddcodec.workers.ray_cluster import connected

        with connected(workers.ray, workers.device) as pool:
            yield pool
    elif workers.count > 1:
        from ddcodec.workers.local import LocalPool

        yield LocalPool(workers.count, workers.device)
    else:
        yield None


def computed(
    pool: Pool | None, compute: Callable[[K], R], keys: Sequence[K]
) -> Iterator[tuple[K, R]]:
    """(key, result) of each key: by the workers of a pool, as they come, or here, in order."""
    return ((key, compute(key)) for key in keys) if pool is None else pool.map(compute, keys)
