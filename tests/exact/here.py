"""The back ends that are exact on the machine that runs the tests."""

from __future__ import annotations

from ddcodec.errors import DecodeError
from ddcodec.exact.backends import BACKENDS, choose_backend

__all__ = ["HERE"]


def _is_exact(name: str) -> bool:
    try:
        choose_backend("cpu", name)
    except DecodeError:
        return False
    return True


# int8 needs a processor with VNNI; the others must work everywhere (test_backends.py).
HERE = tuple(name for name in BACKENDS if _is_exact(name))
