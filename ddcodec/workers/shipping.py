"""Parcels for workers: a function with all it refers to, unpacked once by each process.

It is pickled by this process and unpickled by its own workers; no file that comes from elsewhere
is ever read so.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from ddcodec.devices import computed_with, library_versions
from ddcodec.errors import EncodeError, RequestError
from ddcodec.version import __version__

__all__ = ["Parcel", "unpacked"]


@dataclass(frozen=True)
class Parcel:
    """A function as bytes.

    Attributes:
        name: SHA-256 (hex) of the content.
        content: the function, and what this process computes with.
    """

    name: str
    content: bytes

    @classmethod
    def of(cls, compute: Callable[[Any], Any], device: str) -> Parcel:
        """A function, packed.

        Raises:
            RequestError: it, or something that it refers to, cannot be pickled.
        """
        try:
            content = pickle.dumps((_libraries(device), device, compute), protocol=5)
        except (pickle.PicklingError, TypeError, AttributeError) as error:
            raise RequestError(
                f"something that was given cannot be sent to another process ({error}): make it "
                "of classes and functions that stand in modules, or do without workers"
            ) from error
        return cls(hashlib.sha256(content).hexdigest(), content)


# What this process has unpacked last: its name, and the function.
_unpacked: tuple[str, Callable[[Any], Any]] | None = None


def unpacked(name: str, content: Callable[[], bytes]) -> Callable[[Any], Any]:
    """The function of a parcel, from this process's memory if it is there.

    Args:
        name: of the parcel.
        content: called where it has to be unpacked.

    Raises:
        EncodeError: this worker computes with other libraries, or on another kind of processor.
    """
    global _unpacked
    if _unpacked is None or _unpacked[0] != name:
        theirs, device, compute = pickle.loads(content())
        _check_alike(theirs, _libraries(device))
        _unpacked = name, compute
    return _unpacked[1]


def _libraries(device: str) -> dict[str, str]:
    # Stored pictures are decoded where there is no torch, too: nothing computes on a device then.
    alone = find_spec("torch") is None
    return {"ddcodec": __version__, **(library_versions() if alone else computed_with(device))}


def _check_alike(theirs: dict[str, str], ours: dict[str, str]) -> None:
    """The same numbers come of the same libraries on the same kind of processor only."""
    for name in sorted({*theirs, *ours}):
        there, here = theirs.get(name, "none"), ours.get(name, "none")
        if there != here:
            raise EncodeError(
                f"a worker has {name} {here} where the process that asks has {there}: parts that "
                "they compute would not be the same; give all machines the same"
            )
