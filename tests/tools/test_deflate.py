"""Streams put together by hand inflate to what they are of."""

from __future__ import annotations

import zlib

from hypothesis import given
from hypothesis import strategies as st

from tools.conformance.vectors.deflate import deflated_by_hand, zeros_by_hand


@given(st.binary(max_size=200), st.binary(max_size=50))
def test_a_library_inflates_them(data: bytes, dictionary: bytes) -> None:
    whole = data + data[::-1] + data + dictionary
    decoder = zlib.decompressobj(-15, zdict=dictionary)
    assert decoder.decompress(deflated_by_hand(whole, dictionary)) == whole
    assert decoder.eof and not decoder.unused_data


def test_zeros_are_many() -> None:
    assert zlib.decompress(zeros_by_hand(3), -15) == bytes(1 + 3 * 258)
