"""Torch devices by name: ``auto`` is the fastest that computes what the others compute."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from ddcodec.errors import RequestError

if TYPE_CHECKING:
    import torch

__all__ = ["computed_with", "computing_threads", "library_versions", "resolve_device"]

# The libraries whose numbers a computation follows from; timm need not be there.
_LIBRARIES = (
    "diffusers",
    "numpy",
    "pillow",
    "scikit-learn",
    "scipy",
    "timm",
    "torch",
    "transformers",
)


def resolve_device(name: str | torch.device) -> torch.device:
    """The device of this name, tried out, so that one that is not there is an error at once.

    ``auto`` is CUDA's current device where there is one, else the CPU. Apple's GPUs are used when
    asked for by name (``mps``): no exact profile runs on them.

    Raises:
        RequestError: torch knows no such device, or this machine has none.

    >>> resolve_device("cpu")
    device(type='cpu')
    """
    import torch

    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        why = str(error).splitlines()[0].rstrip(".")
        raise RequestError(
            f"device {str(name)!r} cannot be used here ({why}): use device='cpu'"
        ) from error
    return device


def computed_with(device: str | torch.device) -> dict[str, str]:
    """What floating-point numbers follow from besides the input: libraries and the processor.

    Work that was begun with others goes on with other numbers, so it must not go on.
    """
    import torch

    where = resolve_device(device)
    found = {"device": where.type, "processor": torch.backends.cpu.get_cpu_capability()}
    if where.type == "cuda":
        found["processor"] = torch.cuda.get_device_name(where)
    return found | library_versions()


def library_versions() -> dict[str, str]:
    """Version of each library that is installed and that numbers follow from, numpy among them."""
    found = dict[str, str]()
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


@contextmanager
def computing_threads(count: int | None) -> Iterator[None]:
    """A block in which torch computes with so many threads on the CPU; None changes nothing.

    What is trained comes out in other bits with another number of them; what is only computed, by
    the networks here, does not.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(before if count is None else count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
