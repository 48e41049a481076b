"""Each value has one encoding, and every other is refused with its reason."""

from __future__ import annotations

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddcodec.container import Limits, pack_canonical, unpack_canonical
from ddcodec.errors import EncodeError, FormatError, LimitExceededError, NonCanonicalError
from tools.conformance.reference.canonical import Decoder, encode
from tools.conformance.reference.refusal import Refused, require

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
    | st.binary(max_size=300)
)
KEYS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(
    SCALARS,
    lambda child: st.lists(child, max_size=20) | st.dictionaries(KEYS, child, max_size=20),
    max_leaves=30,
)
DEEP = Limits(depth=100)


@given(VALUES)
def test_values_survive_and_pack_again_to_the_same_bytes(value: object) -> None:
    packed = pack_canonical(value, DEEP)
    assert unpack_canonical(packed, DEEP) == value
    assert pack_canonical(unpack_canonical(packed, DEEP), DEEP) == packed


@given(VALUES)
def test_the_second_reader_encodes_alike(value: object) -> None:
    assert encode(value) == pack_canonical(value, DEEP)


@given(st.binary(max_size=12))
def test_bytes_are_refused_or_are_the_one_encoding(data: bytes) -> None:
    try:
        value = unpack_canonical(data)
    except FormatError:
        with pytest.raises(Refused):
            decode_with_second_reader(data)
    else:
        assert pack_canonical(value) == data
        assert decode_with_second_reader(data) == value


@pytest.mark.parametrize("opening", [b"\x91", b"\x81\xa0"])
def test_a_key_that_is_nested_too_deep_for_python_is_refused(opening: bytes) -> None:
    # msgpack gives up at 1,024 levels, Python's own repr before that.
    with pytest.raises((NonCanonicalError, LimitExceededError)):
        unpack_canonical(b"\x81" + opening * 1000 + b"\x01\x01")


def decode_with_second_reader(data: bytes) -> object:
    decoder = Decoder(data)
    value = decoder.value()
    require(decoder.at == len(data), "header", "trailing bytes")
    return value


def test_keys_are_sorted_and_tuples_become_lists() -> None:
    assert unpack_canonical(pack_canonical({"b": (1, 2), "a": None})) == {"a": None, "b": [1, 2]}
    assert pack_canonical({"b": 1, "a": 2}) == pack_canonical({"a": 2, "b": 1})


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (0.5, r"cannot be float \(0.5\); write a ratio"),
        ({"step": {1, 2}}, "cannot be set"),
        ({1: 2}, "take strings as keys, not 1"),
        (2**64, "no msgpack encoding"),
        (-(2**63) - 1, "no msgpack encoding"),
        ("\ud800", "no msgpack encoding"),
        ([[[[[[[[[]]]]]]]]], "nested too deep"),
    ],
)
def test_what_a_header_cannot_hold_is_named(value: object, message: str) -> None:
    with pytest.raises(EncodeError, match=message):
        pack_canonical(value)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x82\xa4step\x01\xa4step\x02", "the key 'step' 2 times"),
        (b"\x82\xa1b\x01\xa1a\x02", "out of order at 'a'"),
        (b"\x81\xc4\x01a\x02", "b'a' as a key"),
        (b"\x81\x90\x02", r"\[\] as a key"),
        (msgpack.packb(1.0), "has a float"),
        (b"\xd4\x05\x00", r"extension \(type 5\)"),
        (b"\xcc\x07", "more bytes than it needs"),
    ],
)
def test_other_encodings_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(NonCanonicalError, match=message):
        unpack_canonical(data)


def test_nesting_and_the_number_of_containers_are_limited() -> None:
    assert unpack_canonical(b"\x91" * 7 + b"\x90") == [[[[[[[[]]]]]]]]
    with pytest.raises(LimitExceededError, match=r"deeper than 8 levels.*Limits\(depth"):
        unpack_canonical(b"\x91" * 8 + b"\x90")
    with pytest.raises(LimitExceededError, match=r"more than 65536 maps and lists"):
        unpack_canonical(b"\xdd\x00\x01\x00\x00" + b"\x80" * 65536)
    with pytest.raises(LimitExceededError, match="deeper"):
        unpack_canonical(b"\x91" * 100_000)
