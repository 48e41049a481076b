"""Headers are deflated, and inflate to what they were within their limit."""

from __future__ import annotations

import hashlib
import zlib
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddcodec.container import Limits, NewSection, Reader, write_container
from ddcodec.container.deflate import DICTIONARY_SHA256, deflate, inflate
from ddcodec.errors import HeaderError, LimitExceededError


@given(st.binary(max_size=2000))
def test_what_is_deflated_inflates(header: bytes) -> None:
    assert inflate(deflate(header), Limits(header=2000)) == header


@given(st.binary(max_size=60))
def test_bytes_of_anybody_end_in_a_header_or_an_error(stored: bytes) -> None:
    with suppress(HeaderError, LimitExceededError):
        assert len(inflate(stored, Limits(header=50))) <= 50


def test_the_limit_is_of_what_comes_out() -> None:
    stored = deflate(bytes(1000))
    assert inflate(stored, Limits(header=1000)) == bytes(1000)
    with pytest.raises(LimitExceededError, match="limit of 999 bytes"):
        inflate(stored, Limits(header=999))


def test_the_dictionary_is_the_one_of_the_specification() -> None:
    spec = Path("spec/ddz.md").read_text()
    data = Path("ddcodec/container/header_dictionary.bin").read_bytes()
    assert hashlib.sha256(data).hexdigest() == DICTIONARY_SHA256
    assert DICTIONARY_SHA256 in spec and f"the {len(data):,} bytes of" in spec


def test_files_say_that_their_header_is_deflated(
    tmp_path: Path, sections: list[NewSection]
) -> None:
    head = {"classes": ["cat", "dog"], "rows": [[0, 2]]}
    write_container(tmp_path / "a.ddz", head=head, sections=sections)
    data = (tmp_path / "a.ddz").read_bytes()
    assert data[12:16] == b"\1\0\0\0"
    opened = Reader(tmp_path / "a.ddz")
    assert opened.head == head
    stored = data[32 : 32 + opened.header_len]
    header = inflate(stored, Limits())
    assert 2 * len(stored) < len(header)
    # A reader takes the header as it is, too.
    size = 32 + len(header) + len(data) - 32 - len(stored)
    prelude = data[:12] + bytes(4) + len(header).to_bytes(4, "little")
    prelude += zlib.crc32(header).to_bytes(4, "little") + size.to_bytes(8, "little")
    plain = Reader.from_bytes(prelude + header + data[32 + len(stored) :])
    assert (plain.head, plain.digest) == (opened.head, opened.digest)
    plain.verify("digest")
