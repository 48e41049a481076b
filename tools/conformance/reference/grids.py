"""Tables, rounding, grids of activations and integer weights (spec/exact.md, sections 2 to 4).

    python -m tools.conformance.reference.grids TABLES

Checks the tables in a folder against the SHA-256 values of the specification.

How numpy is used. ``+ - * /`` of two float32 (float64) arrays is one binary32 (binary64) operation
per element, and ``rint`` rounds ties to even. Sums are taken of int64 only, so their order cannot
matter. ``astype`` from int64 or float64 to float32 rounds once.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, ParamSpec, TypeVar

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
F32, F64 = np.float32, np.float64

TABLES = Path(__file__).resolve().parents[3] / "ddcodec" / "tables"
DIGESTS = {
    "exp.bin": "3a6721d8fb115089b27b28ecd8ee29d7b3a0b6e802d1dace93e78a4c34e7e99c",
    "sigmoid.bin": "c9d39b82a14a02ea32fe825255d24a533f5faed1bda907f2acdbdc4de16c20fe",
    "gaussian.bin": "86d98c44db60333daeaf41b8b6fc5593bc535c779b2900e0e0a3f9d28c081380",
}


class Unsupported(ValueError):
    """The operation has no exact form."""


def require(condition: bool, what: str) -> None:
    if not condition:
        raise Unsupported(what)


def quiet(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Infinities and NaN are results like any other here, not occasions for a warning."""
    return np.errstate(all="ignore")(function)


def rn(values: Any) -> Array:
    """Round once to binary32."""
    return np.asarray(values).astype(F32)


def power(exponents: Array) -> Array:
    """2^e in binary32; every exponent used here gives a normal number."""
    return np.ldexp(np.ones(exponents.shape), exponents).astype(F32)


def table(name: str) -> Array:
    """The integers of a table, checked against its SHA-256."""
    data = (TABLES / name).read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    if digest != DIGESTS[name]:
        raise ValueError(f"{name} has SHA-256 {digest}, not {DIGESTS[name]}")
    return np.frombuffer(data, "<i2" if name == "exp.bin" else "<i4").astype(np.int64)


# Grids


class Grid(NamedTuple):
    """Integers and the scale of each block (reduced axes of size 1; NaN if not finite)."""

    q: Array
    scale: Array


def largest(x: Array, axes: Sequence[int]) -> tuple[Array, Array]:
    """amax of each block, and whether all of a block is finite."""
    amax = np.abs(x).max(tuple(axes), keepdims=True)
    finite = np.isfinite(amax)  # max passes NaN on
    return np.where(finite, amax, F32(0)), finite


def block_exponent(amax: Array) -> Array:
    """E, so that amax < 2^E; from the 8 exponent bits."""
    biased = amax.view(np.uint32).astype(np.int64) >> 23
    exponent: Array = np.maximum(biased - 126, -59)
    return exponent


@quiet
def quantise_a15(x: Array, axes: Sequence[int]) -> Grid:
    amax, finite = largest(x, axes)
    e = block_exponent(amax)
    q = np.rint(x * power(14 - e))
    q = np.where(finite, np.clip(q, F32(-16384), F32(16384)), F32(0))
    return Grid(q.astype(np.int64), np.where(finite, power(e - 14), F32(np.nan)))


@quiet
def quantise_a8(x: Array, axes: Sequence[int]) -> Grid:
    amax, finite = largest(x, axes)
    a = np.maximum(amax, F32(2.0**-59))
    inverse = F32(127) / a
    q = np.clip(np.rint(x * inverse), F32(-127), F32(127))
    q = np.where(finite, q, F32(0))
    return Grid(q.astype(np.int64), np.where(finite, a / F32(127), F32(np.nan)))


def quantise(x: Array, axes: Sequence[int], digits: int) -> Grid:
    return quantise_a8(x, axes) if digits == 1 else quantise_a15(x, axes)


def split(q: Array) -> tuple[Array, Array]:
    """Digits h and l of 15-bit integers, q = 256 h + l."""
    h = (q + 128) >> 8
    return h, q - 256 * h


class Weight(NamedTuple):
    """Integers of the weight's shape, a scale for each output channel, and 1 or 2 digits."""

    q: Array
    scale: Array
    digits: int


@quiet
def quantise_weight(weight: Array, digits: int) -> Weight:
    n = 127 if digits == 1 else 16383
    w = weight.astype(F64).reshape(len(weight), -1)
    amax = np.abs(w).max(1)
    require(bool(np.isfinite(amax).all()), "a weight is not finite")
    small = amax < 2.0**-100
    scale = np.where(small, F32(1), rn(amax / F64(n)))
    q = np.clip(np.rint(w / scale.astype(F64)[:, None]), -n, n)
    q = np.where(small[:, None], 0.0, q).astype(np.int64)
    return Weight(q.reshape(weight.shape), scale, digits)


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    wrong = 0
    for name, wanted in DIGESTS.items():
        path = Path(arguments[0]) / name
        found = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "missing"
        print(f"{name}: {'as specified' if found == wanted else found}")
        wrong += found != wanted
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
