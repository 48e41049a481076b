"""Torch devices by name: ``auto`` is the fastest that computes what the others compute."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddcodec.errors import RequestError

if TYPE_CHECKING:
    import torch

__all__ = ["resolve_device"]


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
