"""Texts of classes: every text comes back, slices keep what remains, damage is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddcodec.codecs.prompt_text import MAX_TEXT_BYTES, PromptText
from ddcodec.errors import EncodeError, PayloadError

PLAIN = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=40)
CODEC = PromptText()


@given(st.lists(PLAIN, min_size=1, max_size=8))
def test_every_text_comes_back(texts: list[str]) -> None:
    assert CODEC.decode(CODEC.encode(texts), (len(texts),)) == tuple(texts)


@given(st.lists(PLAIN, min_size=2, max_size=8), st.data())
def test_a_slice_keeps_the_texts_of_its_classes(texts: list[str], data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(texts) - 1))
    part = slice(first, data.draw(st.integers(first + 1, len(texts))))
    raw = CODEC.slice_raw(CODEC.encode(texts), part, slice(None), (len(texts),))
    assert CODEC.decode(raw, (len(texts[part]),)) == tuple(texts[part])


def test_class_names_cost_two_bytes_a_class_before_compression() -> None:
    assert CODEC.encode([""] * 1000) == bytes(2000)


@pytest.mark.parametrize("text", ["two\nlines", "\x7f", "x" * (MAX_TEXT_BYTES + 1)])
def test_texts_that_no_prompt_has_are_refused(text: str) -> None:
    with pytest.raises(EncodeError, match="one line"):
        CODEC.encode([text])


def test_no_class_is_refused() -> None:
    with pytest.raises(EncodeError, match="at least one"):
        CODEC.encode([])


@pytest.mark.parametrize(
    ("raw", "why"),
    [(b"\1", "too few"), (b"\1\0ab", "lengths"), (b"\1\0\xff", "UTF-8"), (b"\1\0\t", "control")],
)
def test_damage_is_refused(raw: bytes, why: str) -> None:
    with pytest.raises(PayloadError, match=why):
        CODEC.decode(raw, (1,))
