"""Normative tables: bytes that are part of the format, loaded once and checked by SHA-256.

``python -m tools.conformance.vectors.tables`` makes them from their definitions in spec/codecs.md
and spec/exact.md. Every accessor returns one shared array, which is therefore read-only.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources
from typing import Any

import numpy as np

from ddcodec.arrays import Array, Int16s, Int32s
from ddcodec.errors import DecodeError

__all__ = [
    "EXP_SHA256",
    "GAUSSIAN_SHA256",
    "NORMAL_SHA256",
    "SIGMOID_SHA256",
    "exp",
    "gaussian",
    "load",
    "normal",
    "sigmoid",
]

EXP_SHA256 = "3a6721d8fb115089b27b28ecd8ee29d7b3a0b6e802d1dace93e78a4c34e7e99c"
GAUSSIAN_SHA256 = "86d98c44db60333daeaf41b8b6fc5593bc535c779b2900e0e0a3f9d28c081380"
NORMAL_SHA256 = "e3bed71cc10c1b6254d508311df0416d6ec8d6b8458e76c757c2cc31ecfafa27"
SIGMOID_SHA256 = "c9d39b82a14a02ea32fe825255d24a533f5faed1bda907f2acdbdc4de16c20fe"


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
def normal() -> Int32s:
    """T_NORM, int32 [32768]: upper-half normal quantiles on a 2^-16 grid.

    T_NORM[k] = round(2^16 * Phi^-1((k + 32768.5) / 65536)).
    Source: spec/codecs.md, "Normal table and noise".
    """
    return _integers("normal.bin", NORMAL_SHA256, np.int32)


@cache
def exp() -> Int16s:
    """T_EXP, int16 [16384]: falling powers of two, the weights of attention.

    T_EXP[u] = round(16256 * 2^(-u / 1024)) (spec/exact.md, "Tables").
    """
    return _integers("exp.bin", EXP_SHA256, np.int16)


@cache
def sigmoid() -> Int32s:
    """T_SIGMOID, int32 [32769]: the logistic function at 0, 1/2048, ..., 16 on a 2^-24 grid.

    T_SIGMOID[k] = round(2^24 / (1 + exp(-k / 2048))) (spec/exact.md, "Tables").
    """
    return _integers("sigmoid.bin", SIGMOID_SHA256, np.int32)


@cache
def gaussian() -> Int32s:
    """T_GAUSSIAN, int32 [32769]: the normal distribution's Phi at 0, 1/2048, ..., 16 likewise.

    T_GAUSSIAN[k] = round(2^24 * Phi(k / 2048)) (spec/exact.md, "Tables").
    """
    return _integers("gaussian.bin", GAUSSIAN_SHA256, np.int32)


def _integers(name: str, sha256: str, dtype: type[Any]) -> Array:
    """A packaged table of little-endian integers in this machine's byte order, read-only."""
    stored = np.frombuffer(load(name, sha256), dtype=np.dtype(dtype).newbyteorder("<"))
    table = stored.astype(dtype)
    table.flags.writeable = False
    return table
