from __future__ import annotations

from ddcodec.reporting.text import percent_text, signed_text


def test_percent_for_people() -> None:
    assert percent_text(0.5961) == "59.6 %"
    assert percent_text(0.5961, 0.0031) == "59.6 ± 0.3 %"


def test_a_difference_has_its_sign() -> None:
    assert signed_text(1.54) == "+1.5"
    assert signed_text(-0.2) == "\N{MINUS SIGN}0.2"
