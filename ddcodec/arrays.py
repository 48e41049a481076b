"""Names of array types, rows of the table and progress callbacks, each with one meaning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Array",
    "Bools",
    "Float16s",
    "Float32s",
    "Float64s",
    "Floats",
    "Indices",
    "Int8s",
    "Int16s",
    "Int32s",
    "Int64s",
    "Integers",
    "Progress",
    "Row",
    "Rows",
    "StepProgress",
    "UInt8s",
    "UInt16s",
    "UInt32s",
    "UInt64s",
]

Array: TypeAlias = NDArray[Any]
Bools: TypeAlias = NDArray[np.bool_]
Float16s: TypeAlias = NDArray[np.float16]
Float32s: TypeAlias = NDArray[np.float32]
Float64s: TypeAlias = NDArray[np.float64]
Floats: TypeAlias = NDArray[np.floating]
Indices: TypeAlias = NDArray[np.intp]
Int8s: TypeAlias = NDArray[np.int8]
Int16s: TypeAlias = NDArray[np.int16]
Int32s: TypeAlias = NDArray[np.int32]
Int64s: TypeAlias = NDArray[np.int64]
Integers: TypeAlias = NDArray[np.integer]
UInt8s: TypeAlias = NDArray[np.uint8]
UInt16s: TypeAlias = NDArray[np.uint16]
UInt32s: TypeAlias = NDArray[np.uint32]
UInt64s: TypeAlias = NDArray[np.uint64]

Row: TypeAlias = tuple[int, int]
"""(class index, slot)."""

Rows: TypeAlias = NDArray[np.intp]
"""Rows as an array [n, 2] of (class index, slot)."""

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with what is being done, how many are done, and of how many."""

StepProgress: TypeAlias = Callable[[int, int], None]
"""The same of one kind of work: called with how many are done, and of how many."""
