"""Raw bytes as numbers and nested lists, as every codec of the specification needs them."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from math import isfinite, prod
from typing import Any

from tools.conformance.reference.refusal import require

Shape = Sequence[int]


def unpack(code: str, raw: bytes) -> list[Any]:
    return list(struct.unpack(f"<{len(raw) // struct.calcsize(code)}{code}", raw))


def join_planes(raw: bytes) -> bytes:
    """Low byte plane, high byte plane -> 16-bit words."""
    half = len(raw) // 2
    return bytes(byte for pair in zip(raw[:half], raw[half:], strict=True) for byte in pair)


def nest(flat: Sequence[Any], shape: Shape) -> Any:
    """A flat sequence in C order as nested lists."""
    if len(shape) == 1:
        return list(flat)
    step = prod(shape[1:])
    return [nest(flat[i * step : (i + 1) * step], shape[1:]) for i in range(shape[0])]


def need(raw: bytes, size: int) -> None:
    require(len(raw) == size, "payload", f"{len(raw)} raw bytes instead of {size}")


def finite(values: list[float]) -> list[float]:
    require(all(isfinite(value) for value in values), "payload", "a number is not finite")
    return values


def zigzag(raw: bytes) -> list[int]:
    return [w // 2 if w % 2 == 0 else -(w + 1) // 2 for w in unpack("H", join_planes(raw))]


def show(value: Any) -> Any:
    """Floats as hexadecimal, so that every bit shows."""
    if isinstance(value, float):
        return value.hex()
    if isinstance(value, dict):
        return {key: show(item) for key, item in value.items()}
    return [show(item) for item in value] if isinstance(value, list) else value
