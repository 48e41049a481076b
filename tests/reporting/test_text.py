from __future__ import annotations

import pytest

from ddcodec.reporting.text import bytes_text, percent_text, signed_text


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


def test_percent_for_people() -> None:
    assert percent_text(0.5961) == "59.6 %"
    assert percent_text(0.5961, 0.0031) == "59.6 ± 0.3 %"


def test_a_difference_has_its_sign() -> None:
    assert signed_text(1.54) == "+1.5"
    assert signed_text(-0.2) == "\N{MINUS SIGN}0.2"
