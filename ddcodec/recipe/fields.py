"""The one reader of fields: every number, text and list of a header is checked here, by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ddcodec.errors import HeaderError, UnsupportedFeatureError, shown

__all__ = [
    "MAX_SIDE",
    "Ratio",
    "check_integer",
    "check_integers",
    "check_kind",
    "check_ratio",
    "check_text",
    "read_kind",
    "read_map",
    "read_tuple",
]

Ratio = tuple[int, int]
"""A fraction as (numerator, denominator)."""

MAX_SIDE = 8192
"""Longest side of any picture, in pixels."""

_U31 = (1 << 31) - 1


def read_map(
    value: Any, where: str, fields: Sequence[str], optional: Sequence[str] = ()
) -> Mapping[str, Any]:
    """A map with exactly these fields; a feature to come has a minor version of its own.

    Args:
        value: what stands in the file.
        where: its name in messages, such as ``recipe.view``.
        fields: all that it must hold.
        optional: what it may hold besides.

    Raises:
        HeaderError: no map, or a field that is missing or unknown.
    """
    if not isinstance(value, Mapping):
        raise HeaderError(f"{where} is not a map; the file is damaged")
    for key in fields:
        if key not in value:
            raise HeaderError(f"{where} lacks the field {key!r}; the file is damaged")
    for key in value:
        if key not in fields and key not in optional:
            raise HeaderError(f"{where} has an unknown field {shown(key)}")
    return value


def read_kind(value: Any, where: str) -> str:
    """The field ``kind`` of a map: it is read before the others, which depend on it."""
    if not isinstance(value, Mapping):
        raise HeaderError(f"{where} is not a map; the file is damaged")
    if not isinstance(value.get("kind"), str):
        raise HeaderError(f"{where} lacks the field 'kind', a text; the file is damaged")
    kind: str = value["kind"]
    return kind


def read_tuple(value: Any, where: str) -> tuple[Any, ...]:
    """A list as a tuple."""
    if not isinstance(value, list):
        raise HeaderError(f"{where} is {shown(value)}, expected a list; the file is damaged")
    return tuple(value)


def check_integer(where: str, value: Any, low: int, high: int) -> None:
    """Raise HeaderError unless ``value`` is an integer (a bool is none) within low..high."""
    if type(value) is not int or not low <= value <= high:
        raise HeaderError(f"{where} is {shown(value)}, expected an integer {low}..{high}")


def check_integers(where: str, values: Any, count: int, low: int, high: int) -> None:
    """Raise HeaderError unless ``values`` is a tuple of ``count`` integers within low..high."""
    ok = isinstance(values, tuple) and len(values) == count
    if not ok or not all(type(v) is int and low <= v <= high for v in values):
        raise HeaderError(
            f"{where} is {shown(values)}, expected {count} integers within {low}..{high}"
        )


def check_ratio(where: str, value: Any) -> None:
    """Raise HeaderError unless ``value`` is a fraction of two integers below 2^31."""
    check_integers(where, value, 2, 0, _U31)
    if value[1] == 0:
        raise HeaderError(f"{where} has denominator 0")


def check_text(where: str, value: Any) -> None:
    """Raise HeaderError unless ``value`` is a text."""
    if not isinstance(value, str):
        raise HeaderError(f"{where} is {shown(value)}, expected a text")


def check_kind(where: str, value: Any, known: Sequence[str]) -> None:
    """Raise HeaderError unless ``value`` is a text, UnsupportedFeatureError if it is unknown."""
    check_text(where, value)
    if value not in known:
        raise UnsupportedFeatureError(
            f"{where} {shown(value)} is unknown to this version; install a newer ddcodec"
        )
