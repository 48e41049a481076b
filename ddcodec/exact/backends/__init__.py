"""Back ends: ways to compute the same integers, chosen by known-answer tests at start-up."""

from __future__ import annotations

import logging
import os
from functools import cache
from importlib.util import find_spec

import torch

from ddcodec.errors import DecodeError, RequestError
from ddcodec.exact.backends.base import (
    MAX_TERMS,
    Backend,
    Geometry,
    is_x86,
    joined,
    plain_arithmetic,
)
from ddcodec.exact.backends.chunked import Float32, Float64
from ddcodec.exact.backends.int8_cpu import Int8Cpu
from ddcodec.exact.backends.int8_cuda import Int8Cuda
from ddcodec.exact.backends.known_answers import elementwise_fault, fault
from ddcodec.exact.backends.triton_cuda import Triton

__all__ = [
    "BACKENDS",
    "MAX_TERMS",
    "Backend",
    "Geometry",
    "candidates",
    "choose_backend",
    "joined",
    "plain_arithmetic",
]

# In the order they are tried.
BACKENDS = ("triton", "int8", "float32", "float64")
_VARIABLE = "DDCODEC_BACKEND"


def choose_backend(device: str | torch.device = "cpu", name: str | None = None) -> Backend:
    """The fastest back end that passes its known-answer tests; tested once a process.

    Args:
        device: where networks run.
        name: use this one; by default the environment variable ``DDCODEC_BACKEND``, else the
            first of ``candidates`` that passes. Every choice gives the same bits.

    Raises:
        RequestError: the named back end is unknown.
        DecodeError: it fails its tests here, or none passes.
    """
    where = torch.device(device)
    with plain_arithmetic(where):
        return _choose(where, name or os.environ.get(_VARIABLE) or None)


@cache
def _choose(device: torch.device, name: str | None) -> Backend:
    if name is not None and name not in BACKENDS:
        raise RequestError(f"back end {name!r} is unknown; use one of {', '.join(BACKENDS)}")
    wrong = elementwise_fault(device)
    if wrong is not None:
        raise DecodeError(
            f"exact profiles cannot run on {device}: {wrong}; decode on another device"
        )
    for candidate in candidates(device) if name is None else (name,):
        backend = _make(candidate, device)
        wrong = fault(backend)
        if wrong is None:
            return backend
        if name is not None:
            raise DecodeError(
                f"back end {name!r} is not exact on {device}: {wrong}; unset {_VARIABLE} or choose "
                "another one"
            )
        logging.getLogger("ddcodec").warning(
            "back end %r is not exact on %s (%s); using a slower one, which gives the same pixels",
            candidate,
            device,
            wrong,
        )
    raise DecodeError(f"no back end is exact on {device}; decode on another device")


def candidates(device: torch.device) -> tuple[str, ...]:
    """The back ends worth testing on a device, fastest first."""
    if device.type == "cuda":
        return BACKENDS if find_spec("triton") is not None else BACKENDS[1:]
    if device.type == "cpu" and not is_x86(device):
        # Known answers tell right from wrong, not fast from slow: 8-bit kernels that a library has
        # not written for a processor are loops a thousand times slower than its floats.
        return BACKENDS[2:]
    return BACKENDS[1:]


def _make(name: str, device: torch.device) -> Backend:
    if name == "triton":
        return Triton(device)
    if name == "int8":
        return Int8Cuda(device) if device.type == "cuda" else Int8Cpu(device)
    return Float32(device) if name == "float32" else Float64(device)
