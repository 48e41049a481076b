"""Pickles of NumPy arrays, read without running anything that is in them.

CIFAR is distributed so. Of all names that a pickle may ask for, those of arrays are known, and any
other ends the reading. Instructions that take memory which the file does not have are refused.
"""

from __future__ import annotations

import io
import pickle
import pickletools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy._core.multiarray import _reconstruct

from ddcodec.errors import SourceError
from ddcodec.sources.paths import printable
from ddcodec.sources.picture_file import MAX_FILE_BYTES, PictureFile

__all__ = ["load_arrays_pickle"]


def _latin_bytes(text: str, encoding: str) -> bytes:
    """Bytes as Python 3 spells them in pickles of protocol 2."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"text in {encoding}")
    return text.encode("latin1")


_ALLOWED: Mapping[str, Callable[..., Any]] = {
    "numpy ndarray": np.ndarray,
    "numpy dtype": np.dtype,
    "numpy.core.multiarray _reconstruct": _reconstruct,
    "numpy._core.multiarray _reconstruct": _reconstruct,
    "_codecs encode": _latin_bytes,
}
_PUTS = frozenset({"PUT", "BINPUT", "LONG_BINPUT"})
_REFUSED = frozenset(
    {"INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4", "PERSID", "BINPERSID"}
)


def load_arrays_pickle(file: PictureFile) -> Any:
    """What a pickle of NumPy arrays, dicts, lists, tuples, text, bytes and numbers holds.

    Text of Python 2 is given as bytes.

    Raises:
        SourceError: it is too large, damaged, cannot be read, or holds other objects.
    """
    name = printable(file)
    try:
        if file.stat().st_size > MAX_FILE_BYTES:
            raise SourceError(f"{name} is larger than a batch of CIFAR can be: it is another file")
        with file.open("rb") as stream:
            data = stream.read()
    except OSError as error:
        raise SourceError(f"cannot read {name} ({error}): check the file") from error
    try:
        _look_through(data)
        return _Restricted(io.BytesIO(data), encoding="bytes").load()
    except _ForbiddenError as error:
        raise SourceError(
            f"{name} holds Python objects beyond arrays, text and numbers ({error}), and reading "
            "those may run any code: it was not read. Give the files as they are distributed"
        ) from error
    except Exception as error:  # the library raises whatever it stumbles upon
        why = " ".join(str(error).split())[:120] or type(error).__name__
        raise SourceError(f"{name} is truncated or damaged ({why}): get it again") from error


class _ForbiddenError(Exception):
    pass


class _Restricted(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ALLOWED[f"{module} {name}"]
        except KeyError:
            raise _ForbiddenError(f"{module}.{name}") from None


def _look_through(data: bytes) -> None:
    """Refuse instructions for other objects, and those that take memory which the file has not."""
    for count, (code, argument, _) in enumerate(pickletools.genops(data)):
        if code.name in _REFUSED:
            raise _ForbiddenError(code.name)
        # The reader makes a list as long as the largest number of a memo.
        if code.name in _PUTS and (argument is None or int(argument) > count):
            raise ValueError("a memo that is out of order")
