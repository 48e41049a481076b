"""Canonical msgpack: each value has exactly one encoding (spec/ddz.md, section 4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgpack

from ddcodec.container.limits import DEFAULT_LIMITS, Limits
from ddcodec.errors import (
    EncodeError,
    HeaderError,
    LimitExceededError,
    NonCanonicalError,
    shown,
)

__all__ = ["pack_canonical", "unpack_canonical"]

_SCALARS = frozenset({type(None), bool, int, str, bytes})
_ALLOWED = _SCALARS | {list, dict}


def pack_canonical(obj: Any, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """Encode nil, booleans, integers, strings, bytes, sequences and string-keyed mappings.

    Keys are sorted by their UTF-8 bytes; tuples become lists, any mapping a map.

    Raises:
        EncodeError: a float, another type, a key that is no string, an integer beyond 64 bits,
            a lone surrogate, or nesting deeper than ``limits.depth``.
    """
    try:
        packed: bytes = msgpack.packb(_plain(obj, limits.depth), use_bin_type=True)
    except (OverflowError, ValueError) as error:
        raise EncodeError(f"a header value has no msgpack encoding: {error}") from error
    return packed


def _plain(obj: Any, depth: int) -> Any:
    """The same value of plain, sorted containers; ``depth`` is what may still be nested."""
    if type(obj) in _SCALARS:
        return obj
    if depth == 0:
        raise EncodeError("header values are nested too deep; use fewer levels")
    if isinstance(obj, Mapping):
        for key in obj:
            if type(key) is not str:
                raise EncodeError(f"header maps take strings as keys, not {shown(key)}")
        # Code points and UTF-8 bytes sort alike, so no key needs encoding here.
        return {key: _plain(obj[key], depth - 1) for key in sorted(obj)}
    if isinstance(obj, (list, tuple)):
        return [_plain(value, depth - 1) for value in obj]
    hint = "; write a ratio [numerator, denominator]" if isinstance(obj, float) else ""
    raise EncodeError(f"header values cannot be {type(obj).__name__} ({shown(obj)}){hint}")


def unpack_canonical(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Any:
    """Decode ``data`` and refuse it unless it is the one canonical encoding of its value.

    Raises:
        HeaderError: not msgpack at all: cut short, trailing bytes, bad UTF-8, a reserved byte.
        NonCanonicalError: a float, an extension type, a key that is no string, duplicate or
            unsorted keys, or a value in more bytes than it needs.
        LimitExceededError: nested deeper than ``limits.depth``, or more maps and lists than
            ``limits.nodes``.
    """
    nodes = _Nodes(limits.nodes)
    try:
        value = msgpack.unpackb(
            data,
            raw=False,
            strict_map_key=False,  # the hook sees every key and says more
            list_hook=nodes.take_list,
            object_pairs_hook=nodes.take_map,
            ext_hook=_refuse_extension,
        )
    except msgpack.StackError as error:
        raise _too_deep(limits) from error
    except ValueError as error:
        if isinstance(error, HeaderError | NonCanonicalError | LimitExceededError):
            raise
        reason = str(error) or type(error).__name__
        raise HeaderError(f"the header is not msgpack ({reason}); the file is damaged") from error
    _check_types((value,))
    _check_depth(value, limits.depth, limits)
    if msgpack.packb(value, use_bin_type=True) != data:
        raise NonCanonicalError(
            "the header is not canonical msgpack: an integer, a string or a length takes more"
            " bytes than it needs; rewrite the file with ddcodec"
        )
    return value


class _Nodes:
    """Checks every list and map as it is completed, so that a bad one stops the decoder early."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._count = 0

    def _add(self) -> None:
        self._count += 1
        if self._count > self._limit:
            raise LimitExceededError(
                f"the header has more than {self._limit} maps and lists;"
                " if you trust the file, pass Limits(nodes=...)"
            )

    def take_list(self, items: list[Any]) -> list[Any]:
        self._add()
        _check_types(items)
        return items

    def take_map(self, pairs: list[tuple[Any, Any]]) -> dict[str, Any]:
        self._add()
        last: str | None = None
        for key, _ in pairs:
            if type(key) is not str:
                raise NonCanonicalError(
                    f"a header map has {shown(key)} as a key, which is no string"
                )
            if last is not None and key <= last:
                raise _bad_key(key, pairs)
            last = key
        _check_types([value for _, value in pairs])
        return dict(pairs)


def _bad_key(key: str, pairs: list[tuple[Any, Any]]) -> NonCanonicalError:
    times = sum(other == key for other, _ in pairs)
    if times > 1:
        return NonCanonicalError(f"a header map has the key {shown(key)} {times} times")
    return NonCanonicalError(f"a header map has its keys out of order at {shown(key)}")


def _check_types(values: Any) -> None:
    wrong = set(map(type, values)) - _ALLOWED
    if float in wrong:
        raise NonCanonicalError("the header has a float; ratios of integers are the only fractions")
    if wrong:
        _refuse_extension(-1, b"")


def _refuse_extension(code: int, data: bytes) -> None:
    raise NonCanonicalError(f"the header has a msgpack extension (type {code}); none is allowed")


def _check_depth(value: Any, left: int, limits: Limits) -> None:
    if not isinstance(value, (list, dict)):
        return
    if left == 0:
        raise _too_deep(limits)
    for child in value.values() if isinstance(value, dict) else value:
        if isinstance(child, (list, dict)):
            _check_depth(child, left - 1, limits)


def _too_deep(limits: Limits) -> LimitExceededError:
    return LimitExceededError(
        f"the header is nested deeper than {limits.depth} levels;"
        " if you trust the file, pass Limits(depth=...)"
    )
