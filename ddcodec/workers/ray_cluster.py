"""Processes on a Ray cluster.

Every node has this package and its libraries, and reaches the source of the pictures by the same
path; nothing else is shared: what workers find comes back to the process that asks.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from ddcodec.errors import DdcodecError, EncodeError, RequestError
from ddcodec.extras import needed_for
from ddcodec.workers.shipping import Parcel, unpacked

__all__ = ["RayPool", "connected"]

K = TypeVar("K")
R = TypeVar("R")

# Times that a part is begun again whose worker, or machine, has died.
_TRIES = 3
# How long a cluster may take to answer.
_SECONDS = 10
# Parts that wait for a worker: enough that none is idle, and not all of a thousand classes.
_WAITING = 4


@contextmanager
def connected(address: str, device: str) -> Iterator[RayPool]:
    """A pool of the cluster at this address, while the block runs.

    Args:
        address: ``local`` starts one on this machine; else as ``ray.init`` takes it.
        device: torch device that workers compute on; each has a GPU of its own if that is CUDA.

    Raises:
        MissingDependencyError: Ray is not installed.
        RequestError: there is no cluster.
    """
    with needed_for("a Ray cluster"):
        import ray
    begun = not ray.is_initialized()
    if begun:
        try:
            _check_answers(address)
            ray.init(
                None if address == "local" else address,
                include_dashboard=False if address == "local" else None,
                logging_level=logging.ERROR,
                log_to_driver=False,
            )
        except (OSError, ValueError, RuntimeError) as error:
            raise RequestError(
                f"there is no Ray cluster at {address!r} ({str(error).splitlines()[0]}): start "
                "one, or give local, which starts one here"
            ) from error
    try:
        yield RayPool(device)
    finally:
        if begun:
            ray.shutdown()


def _check_answers(address: str) -> None:
    """Ray itself tries an address that nobody answers at for minutes.

    Raises:
        OSError: nobody does.
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host, int(port)), timeout=_SECONDS).close()


class RayPool:
    """Processes of the cluster that this process is connected to.

    Args:
        device: torch device that they compute on.
    """

    shares_files = False

    def __init__(self, device: str) -> None:
        self.device = device

    def map(self, compute: Callable[[K], R], keys: Sequence[K]) -> Iterator[tuple[K, R]]:
        """As :meth:`ddcodec.workers.Pool.map`."""
        import ray

        parcel = Parcel.of(compute, self.device)
        gpus = 1 if self.device.startswith("cuda") else 0
        call = ray.remote(num_cpus=1, num_gpus=gpus, max_retries=_TRIES)(_call)
        resources: Callable[[], dict[str, float]] = ray.cluster_resources
        content, waiting = ray.put(parcel.content), [*reversed(keys)]
        running: list[Any] = []
        try:
            while waiting or running:
                most = _WAITING * max(1, round(resources().get("CPU", 1)))
                while waiting and len(running) < most:
                    running.append(call.remote(parcel.name, content, waiting.pop()))
                (done, *_), running = ray.wait(running, num_returns=1)
                yield self._result(done)
        finally:
            for one in running:
                ray.cancel(one, force=True)

    def _result(self, reference: Any) -> Any:
        import ray

        try:
            return ray.get(reference)
        except ray.exceptions.RayTaskError as error:
            cause = error.cause
            if isinstance(cause, DdcodecError):
                raise cause from error
            if isinstance(cause, ModuleNotFoundError):
                raise EncodeError(
                    f"a node of the cluster lacks {cause.name}: install there what is here"
                ) from error
            raise
        except ray.exceptions.RayError as error:
            raise EncodeError(
                f"workers of the cluster died {_TRIES + 1} times over one part "
                f"({str(error).splitlines()[0]}): is there enough memory for each? What is "
                "finished is kept"
            ) from error


def _call(name: str, content: bytes, key: Any) -> tuple[Any, Any]:
    """One part, in a worker."""
    return key, unpacked(name, lambda: content)(key)
