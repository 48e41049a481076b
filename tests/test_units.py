"""Amounts as people say them."""

from __future__ import annotations

import pytest

from ddcodec.units import bytes_text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (812, "812 B"),
        (999, "999 B"),
        (1_000, "1.00 kB"),
        (31_400, "31.4 kB"),
        (999_600, "1.00 MB"),
        (1_540_000, "1.54 MB"),
        (307_000, "307 kB"),
    ],
)
def test_bytes_for_people(count: int, text: str) -> None:
    assert bytes_text(count) == text
