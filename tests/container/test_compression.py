"""zstd frames are checked before they are decompressed."""

from __future__ import annotations

import os
import tracemalloc

import pytest
import zstandard

from ddcodec.container.compression import compress, decompress
from ddcodec.container.limits import DEFAULT_LIMITS, Limits
from ddcodec.errors import LimitExceededError, PayloadError, RequestError, UnknownCodecError


@pytest.mark.parametrize("compression", ["none", "zstd"])
@pytest.mark.parametrize(
    "raw", [b"x", bytes(100_000), bytes(range(256)) * 1200, os.urandom(70_000)]
)
def test_raw_bytes_come_back(compression: str, raw: bytes) -> None:
    stored = compress(raw, compression)
    assert decompress(stored, compression, len(raw), DEFAULT_LIMITS) == raw


def test_a_large_section_needs_no_larger_window_than_readers_allow() -> None:
    raw = bytes(DEFAULT_LIMITS.window + 1)
    stored = compress(raw, "zstd")
    assert zstandard.get_frame_parameters(stored).window_size <= DEFAULT_LIMITS.window
    assert decompress(stored, "zstd", len(raw), DEFAULT_LIMITS) == raw


def test_a_frame_must_have_the_length_of_the_index() -> None:
    with pytest.raises(PayloadError, match="declares 100 bytes, and the index says 99"):
        decompress(compress(bytes(100), "zstd"), "zstd", 99, DEFAULT_LIMITS)
    unsized = zstandard.ZstdCompressor(write_content_size=False).compress(bytes(100))
    with pytest.raises(PayloadError, match="declares no size"):
        decompress(unsized, "zstd", 100, DEFAULT_LIMITS)
    with pytest.raises(PayloadError, match="has 3 bytes"):
        decompress(b"abc", "none", 4, DEFAULT_LIMITS)


def test_a_checksum_of_the_frame_is_compared() -> None:
    frame = zstandard.ZstdCompressor(write_checksum=True).compress(bytes(100))
    assert decompress(frame, "zstd", 100, DEFAULT_LIMITS) == bytes(100)
    with pytest.raises(PayloadError, match="does not decode"):
        decompress(frame[:-1] + bytes([frame[-1] ^ 1]), "zstd", 100, DEFAULT_LIMITS)
    with pytest.raises(PayloadError, match="has 21 bytes, and the section 20"):
        decompress(frame[:-1], "zstd", 100, DEFAULT_LIMITS)


def test_windows_and_sizes_of_every_width_are_read_as_zstd_reads_them() -> None:
    """Streams have a window, of 1 KiB and more in eighths; sizes take 1, 2, 4 or 8 bytes."""
    for size, level in ((100, 1), (300, 19), (70_000, 3), (3 << 20, 3)):
        for window in (10, 13, 20):
            options = zstandard.ZstdCompressionParameters.from_level(level, window_log=window)
            raw = bytes(range(250)) * (size // 250 + 1)
            stream = zstandard.ZstdCompressor(compression_params=options).compressobj(len(raw))
            frame = stream.compress(raw) + stream.flush()
            assert decompress(frame, "zstd", len(raw), DEFAULT_LIMITS) == raw
            wanted = zstandard.get_frame_parameters(frame).window_size
            with pytest.raises(LimitExceededError, match=f"a window of {wanted} bytes"):
                decompress(frame, "zstd", len(raw), Limits(window=wanted - 1))


def test_a_bomb_takes_no_memory() -> None:
    bomb = compress(bytes(200 << 20), "zstd")
    assert len(bomb) < 100_000
    tracemalloc.start()
    with pytest.raises(PayloadError):
        decompress(bomb, "zstd", 1000, DEFAULT_LIMITS)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 20


def test_a_window_beyond_the_limit_is_refused() -> None:
    stored = compress(bytes(5000), "zstd")
    with pytest.raises(LimitExceededError, match=r"window of 5000 bytes.*limit of 4096"):
        decompress(stored, "zstd", 5000, Limits(window=4096))


def test_a_frame_with_a_dictionary_is_refused() -> None:
    frame = bytearray(compress(bytes(100), "zstd"))
    frame[4] |= 1  # a dictionary id of one byte follows
    frame.insert(5, 7)
    with pytest.raises(PayloadError, match="dictionary"):
        decompress(bytes(frame), "zstd", 100, DEFAULT_LIMITS)


def test_unknown_compressions_are_refused_on_both_sides() -> None:
    with pytest.raises(RequestError, match="use 'none' or 'zstd'"):
        compress(b"x", "brotli")
    with pytest.raises(UnknownCodecError, match="upgrade"):
        decompress(b"x", "brotli", 1, DEFAULT_LIMITS)
