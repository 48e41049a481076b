from __future__ import annotations

import pytest

from ddcodec.suggestions import did_you_mean


@pytest.mark.parametrize("typed", ["herdin", "Herding", "hreding"])
def test_the_nearest_name_is_asked_for(typed: str) -> None:
    assert did_you_mean(typed, ["random", "herding"]) == " (did you mean 'herding'?)"


def test_nothing_is_said_where_nothing_is_near() -> None:
    assert did_you_mean("tree", ["random", "herding"]) == did_you_mean("tree", []) == ""
