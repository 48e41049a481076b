"""spec/vectors/heads: ddcodec and the second reader take and refuse the same heads."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ddcodec.errors import DdcodecError
from ddcodec.recipe.head import Head
from tools.conformance.reference.head import check_head
from tools.conformance.vectors import heads

VECTORS = json.loads((heads.MAKER.folder / "vectors.json").read_text())


def read(value: Any) -> Any:
    """A vector's value: a map of the one field ``hex`` stands for bytes."""
    if isinstance(value, list):
        return [read(one) for one in value]
    if isinstance(value, dict):
        if value.keys() == {"hex"}:
            return bytes.fromhex(value["hex"])
        return {key: read(one) for key, one in value.items()}
    return value


def test_the_tool_makes_the_file_that_is_there() -> None:
    assert heads.MAKER.differences() == []


@pytest.mark.parametrize("name", VECTORS["heads"])
def test_good_heads_are_read_and_written_alike(name: str) -> None:
    head = read(VECTORS["heads"][name])
    check_head(head)
    assert Head.from_map(head).to_map() == head


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: str(case["what"]))
def test_each_change_is_taken_or_refused_as_it_says(case: dict[str, Any]) -> None:
    changed = read(VECTORS["heads"][case["head"]])
    inner = changed
    for key in case["path"][:-1]:
        inner = inner[key]
    if "value" in case:
        inner[case["path"][-1]] = read(case["value"])
    else:
        del inner[case["path"][-1]]
    if "error" not in case:
        assert Head.from_map(changed).to_map() == changed
        return
    with pytest.raises(DdcodecError) as caught:
        Head.from_map(changed)
    assert caught.value.code == case["error"]


def test_the_cases_say_by_their_name_whether_they_are_good() -> None:
    for case in VECTORS["cases"]:
        assert ("error" not in case) == case["what"].endswith("within its range"), case
