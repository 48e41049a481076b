"""Tensors as JSON: written out, made of Philox words (spec/codecs.md), or as a digest."""

from __future__ import annotations

import hashlib
from functools import cache
from math import prod
from typing import Any

import numpy as np

from tools.conformance.reference.grids import Array
from tools.conformance.reference.randomness import words as philox_words

Case = dict[str, Any]
DIGITS = {"w8a8": (1, 1), "w8a15": (1, 2), "w15a15": (2, 2)}  # of weights, of activations
SHORT = 96  # results of at most so many values are written out
BIG = 3.4028234663852886e38  # the largest binary32 number
TINY = 2.0**-149  # the smallest
NAN, INF = float("nan"), float("inf")


@cache
def words(stream: int, count: int) -> Array:
    return np.array(philox_words(0, 2, stream, count), np.int64)


def tensor(spec: Case) -> Array:
    """binary32 array of an input's description."""
    shape = tuple(spec["shape"])
    count = prod(shape)
    if "bits" in spec or "repeat" in spec:
        text = spec.get("bits") or spec.get("repeat", "")
        patterns = np.frombuffer(bytes.fromhex(text), ">u4").astype(np.uint32)
        return np.resize(patterns, count).view(np.float32).reshape(shape)
    if "from" in spec:
        whole = np.arange(spec["from"], spec["from"] + count)
        return (
            np.ldexp(whole.astype(np.float64), spec["exponent"]).astype(np.float32).reshape(shape)
        )
    w = words(spec["stream"], count)
    if spec["kind"] == "pattern":
        return (w & 0xFF7FFFFF).astype(np.uint32).view(np.float32).reshape(shape)
    shift = (w >> 24) % 16 if spec["kind"] == "wide" else 0
    values: Array = np.ldexp(
        ((w & 0xFFFFFF) - 2**23).astype(np.float64), spec["exponent"] - 23 - shift
    )
    return values.astype(np.float32).reshape(shape)


def even(stream: int, shape: list[int], exponent: int = 0) -> Case:
    """Evenly spread in -2^exponent..2^exponent."""
    return {"shape": shape, "stream": stream, "kind": "even", "exponent": exponent}


def wide(stream: int, shape: list[int], exponent: int = 0) -> Case:
    """Magnitudes over 16 octaves and more."""
    return {"shape": shape, "stream": stream, "kind": "wide", "exponent": exponent}


def bits(values: Any, shape: list[int] | None = None) -> Case:
    """Values written out; every NaN as 7fc00000."""
    array = np.asarray(values, np.float32)
    patterns = np.where(np.isnan(array), np.uint32(0x7FC00000), array.view(np.uint32))
    return {
        "shape": list(array.shape) if shape is None else shape,
        "bits": patterns.astype(">u4").tobytes().hex(),
    }


def repeat(values: list[float], shape: list[int]) -> Case:
    """The values over and over."""
    return {"shape": shape, "repeat": bits(values)["bits"]}


def result(array: Array) -> Case:
    """A result: written out if it is short, and as SHA-256 of its little-endian bytes if not."""
    whole = bits(array)
    if array.size <= SHORT:
        return whole
    data = np.frombuffer(bytes.fromhex(whole["bits"]), ">u4").astype("<u4").tobytes()
    digest = hashlib.sha256(data).hexdigest()
    return {"shape": whole["shape"], "first": whole["bits"][:64], "sha256": digest}
