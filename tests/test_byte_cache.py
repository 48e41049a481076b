"""The cache of what was used last, bounded by bytes."""

from __future__ import annotations

import threading

from ddcodec.byte_cache import ByteCache, BytePool


def test_a_cache_forgets_what_was_used_least_recently() -> None:
    cache: ByteCache[str, bytes] = ByteCache(4, len)
    for name in ("aa", "bb"):
        cache.put(name, name.encode())
    assert cache.get("aa", lambda: b"made again") == b"aa"
    cache.put("cc", b"cc")
    assert [cache.peek(name) for name in ("aa", "bb", "cc")] == [b"aa", None, b"cc"]


def test_a_value_larger_than_the_cache_is_kept_alone() -> None:
    cache: ByteCache[str, bytes] = ByteCache(4, len)
    cache.put("a", b"a")
    cache.put("large", b"larger than four")
    assert (cache.peek("a"), cache.peek("large")) == (None, b"larger than four")
    cache.put("b", b"b")
    assert (cache.peek("b"), cache.peek("large")) == (b"b", None)


def test_threads_share_a_cache_that_turns_over() -> None:
    cache: ByteCache[int, bytes] = ByteCache(40, len)
    wrong: list[object] = []

    def read() -> None:
        for i in range(2_000):
            found = cache.get(i % 9, lambda i=i: bytes([i % 9]) * 10)  # type: ignore[misc]
            if found != bytes([i % 9]) * 10:
                wrong.append(found)

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_caches_of_a_pool_keep_no_more_than_it_has() -> None:
    pool = BytePool(100)
    one: ByteCache[int, bytes] = ByteCache(pool, len)
    other: ByteCache[int, bytes] = ByteCache(pool, len)
    for i in range(50):
        one.put(i, bytes(30))
        other.put(i, bytes(10))
        assert pool.used <= 100
    assert (one.peek(49), other.peek(49)) == (bytes(30), bytes(10))
    assert (one.peek(46), other.peek(46)) == (None, None)


def test_what_one_cache_reads_is_what_another_forgets_last() -> None:
    pool = BytePool(3)
    one: ByteCache[str, bytes] = ByteCache(pool, len)
    other: ByteCache[str, bytes] = ByteCache(pool, len)
    one.put("a", b"a")
    other.put("a", b"b")
    one.put("c", b"c")
    assert one.peek("a") == b"a"
    other.put("d", b"d")
    assert (one.peek("a"), other.peek("a")) == (b"a", None)
