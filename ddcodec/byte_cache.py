"""Caches of values used last, bounded by bytes, each for itself or many together."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

from cachetools import LRUCache

__all__ = ["ByteCache", "BytePool"]

Key = TypeVar("Key")
Value = TypeVar("Value")


class BytePool:
    """Bytes that caches share: what none of them used for the longest time makes room.

    A single value larger than the limit is kept alone. Safe to share between threads.

    Args:
        limit: bytes of all caches together.

    >>> pool = BytePool(4)
    >>> names, numbers = ByteCache(pool, len), ByteCache(pool, len)
    >>> names.put(1, b"abc"), numbers.put(1, b"12")
    (None, None)
    >>> names.peek(1), numbers.peek(1), pool.used
    (None, b'12', 2)
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept = self._empty(limit)
        self._numbers = itertools.count()
        self._lock = threading.Lock()

    @staticmethod
    def _empty(limit: int) -> LRUCache[Hashable, tuple[Any, int]]:
        return LRUCache(limit, getsizeof=lambda entry: entry[1])

    @property
    def used(self) -> int:
        """Bytes that are kept now."""
        with self._lock:
            return int(self._kept.currsize)

    def number(self) -> int:
        """A number that no other cache of the pool has."""
        return next(self._numbers)

    def peek(self, key: Hashable) -> Any:
        """The value of a key, or None where it is not kept."""
        with self._lock:
            found = self._kept.get(key)
        return None if found is None else found[0]

    def put(self, key: Hashable, value: Any, size: int) -> None:
        """Keep a value of so many bytes."""
        with self._lock:
            if size > self._limit or self._kept.maxsize > self._limit:
                self._kept = self._empty(max(size, self._limit))
            self._kept[key] = value, size


class ByteCache(Generic[Key, Value]):
    """What was used last, up to so many bytes; safe to share between threads.

    Args:
        limit: bytes; or a pool, whose bytes this cache shares with others.
        size: of a value in bytes.

    >>> cache = ByteCache(10, len)
    >>> cache.get("a", lambda: b"abc"), cache.get("a", lambda: b"never made")
    (b'abc', b'abc')
    """

    def __init__(self, limit: int | BytePool, size: Callable[[Value], int]) -> None:
        self._pool = limit if isinstance(limit, BytePool) else BytePool(limit)
        self._number = self._pool.number()
        self._size = size

    def get(self, key: Key, make: Callable[[], Value]) -> Value:
        """The value of a key, made if it is not kept; two threads at once may both make it."""
        found = self.peek(key)
        if found is not None:
            return found
        value = make()
        self.put(key, value)
        return value

    def peek(self, key: Key) -> Value | None:
        """The value of a key, or None where it is not kept."""
        found: Value | None = self._pool.peek((self._number, key))
        return found

    def put(self, key: Key, value: Value) -> None:
        """Keep a value, in place of what was not used for the longest time."""
        self._pool.put((self._number, key), value, self._size(value))
