"""A cache of values used last, bounded by bytes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from cachetools import LRUCache

__all__ = ["ByteCache"]

Key = TypeVar("Key")
Value = TypeVar("Value")


class ByteCache(Generic[Key, Value]):
    """What was used last, up to so many bytes; safe to share between threads.

    A single value larger than the limit is kept alone.

    Args:
        limit: bytes.
        size: of a value in bytes.

    >>> cache = ByteCache(10, len)
    >>> cache.get("a", lambda: b"abc"), cache.get("a", lambda: b"never made")
    (b'abc', b'abc')
    """

    def __init__(self, limit: int, size: Callable[[Value], int]) -> None:
        self._limit = limit
        self._size = size
        self._kept: LRUCache[Key, Value] = LRUCache(limit, getsizeof=size)
        self._lock = threading.Lock()

    def get(self, key: Key, make: Callable[[], Value]) -> Value:
        """The value of a key, made if it is not kept; two threads at once may both make it."""
        with self._lock:
            if key in self._kept:
                return self._kept[key]
        value = make()
        self.put(key, value)
        return value

    def peek(self, key: Key) -> Value | None:
        """The value of a key, or None where it is not kept."""
        with self._lock:
            return self._kept.get(key)

    def put(self, key: Key, value: Value) -> None:
        """Keep a value, in place of what was not used for the longest time."""
        with self._lock:
            if self._size(value) > self._limit:
                self._kept.clear()
                self._kept = LRUCache(self._size(value), getsizeof=self._size)
            elif self._kept.maxsize > self._limit:
                self._kept = LRUCache(self._limit, getsizeof=self._size)
            self._kept[key] = value
