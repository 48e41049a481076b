"""Hostile files cost little: memory, time and the length of a message are bounded."""

from __future__ import annotations

import tracemalloc

import msgpack
import pytest

from ddcodec.container import Reader
from ddcodec.errors import FormatError, LimitExceededError
from tools.conformance.vectors import files

MIB = 1 << 20


@pytest.mark.parametrize("empty", [b"\x80", b"\x90"])
def test_a_header_of_empty_maps_takes_little_memory(empty: bytes) -> None:
    count = 4 * MIB - 5
    data = files.assemble(b"\xdd" + count.to_bytes(4, "big") + empty * count)
    tracemalloc.start()
    with pytest.raises(LimitExceededError, match="maps and lists"):
        Reader.from_bytes(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # A decoder may reserve 8 bytes for each entry a list claims; 64 more would be 300 MiB.
    assert peak < 64 * MIB


def test_the_total_is_limited_before_anything_is_read() -> None:
    items = [files.ONE._replace(box=(0, 0, slot, 1, 0, 0)) for slot in range(257)]
    zstd = [item._replace(codec=files.ZLABELS) for item in items]
    data = files.index_changed(*zstd, raw=[256 * MIB] * 257)
    with pytest.raises(LimitExceededError, match=r"take 68987912192 bytes.*Limits\(total_raw="):
        Reader.from_bytes(data)


@pytest.mark.parametrize(
    "head",
    [
        b"\x82" + (long := msgpack.packb("k" * 100_000)) + b"\x01" + long + b"\x02",
        b"\x82" + msgpack.packb("z" * 100_000) + b"\x01" + long + b"\x02",
        b"\x81" + msgpack.packb(b"k" * 100_000) + b"\x01",
    ],
)
def test_messages_stay_short(head: bytes) -> None:
    with pytest.raises(FormatError) as caught:
        Reader.from_bytes(files.with_head(head))
    assert len(str(caught.value)) < 300


def test_messages_about_the_index_stay_short() -> None:
    name = "n" * 100_000
    for item in (
        files.ONE._replace(kind=name),
        files.ONE._replace(codec={**files.LABELS, "name": name}),
        files.ONE._replace(codec={**files.LABELS, "compression": name}),
        files.ONE._replace(codec={**files.LABELS, "version": name}),
    ):
        with pytest.raises(FormatError) as caught:
            Reader.from_bytes(files.file_of(item))
        assert len(str(caught.value)) < 300
    with pytest.raises(FormatError) as caught:
        Reader.from_bytes(files.changed(lambda h: h.update({name: 1, "z" + name: 2})))
    assert len(str(caught.value)) < 300
