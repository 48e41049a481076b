"""Normative tables: bytes that are part of the format, loaded once and checked by SHA-256.

``tools/make_tables.py`` regenerates them from their definitions in spec/codecs.md.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources

import numpy as np
import numpy.typing as npt

from ddcodec.errors import DecodeError

__all__ = ["NORMAL_SHA256", "load", "normal"]

NORMAL_SHA256 = "e3bed71cc10c1b6254d508311df0416d6ec8d6b8458e76c757c2cc31ecfafa27"


def load(name: str, sha256: str) -> bytes:
    """The bytes of one packaged table.

    Raises:
        DecodeError: the table is missing or its SHA-256 differs: the installation is damaged.
    """
    try:
        data = resources.files(__name__).joinpath(name).read_bytes()
    except OSError as error:
        raise DecodeError(f"table {name} cannot be read ({error}); reinstall ddcodec") from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise DecodeError(f"table {name} is damaged (SHA-256 differs); reinstall ddcodec")
    return data


@cache
def normal() -> npt.NDArray[np.int32]:
    """T_NORM, int32 [32768], read-only: upper-half normal quantiles on a 2^-16 grid.

    T_NORM[k] = round(2^16 * Phi^-1((k + 32768.5) / 65536)) (spec/codecs.md, "Normal table").
    """
    table = np.frombuffer(load("normal.bin", NORMAL_SHA256), dtype="<i4").astype(np.int32)
    table.flags.writeable = False  # shared by every caller
    return table
