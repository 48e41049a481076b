"""Options are typed by their fields: checked, read from text, and shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import pytest

from ddcodec.errors import RequestError
from ddcodec.methods import METHODS, get_method
from ddcodec.methods.options import (
    RatioOption,
    check_options,
    describe_value,
    option,
    options_of,
    parse_value,
    read_options,
    required,
)


@dataclass(frozen=True)
class Bread:
    """An options class with one option of each type."""

    flour: Literal["rye", "wheat"] = required("What it is made of.")
    loaves: int = option(2, "How many.", low=1, high=10)
    salt: float = option(0.02, "Share of salt.", low=0.0, high=1.0)
    water: RatioOption = option((2, 3), "Water to flour.", low=0, high=2)
    hours: int | None = option(None, "Hours in the oven.", low=1)
    seeds: bool = option(False, "With seeds.")

    def __post_init__(self) -> None:
        check_options(self)


def test_values_and_texts_mean_the_same() -> None:
    given = {"flour": "rye", "loaves": 3, "salt": 0.5, "water": 0.75, "hours": 2, "seeds": True}
    texts = {"flour": "rye", "loaves": "3", "salt": "1/2", "water": "3/4", "hours": "2"}
    made = read_options(Bread, given, "bread")
    assert read_options(Bread, {**texts, "seeds": "yes"}, "bread") == made
    assert made.water == (3, 4)
    assert read_options(Bread, {"flour": "rye", "hours": "auto"}, "bread").hours is None


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"flour": "oat"}, "flour='oat' is not allowed: it must be one of rye, wheat"),
        ({"loaves": 0}, "loaves=0 is not allowed: it must be an integer 1..10"),
        ({"loaves": 2.0}, "must be an integer"),
        ({"loaves": True}, "must be an integer"),
        ({"loaves": "many"}, "loaves='many'"),
        ({"salt": "1/0"}, "salt='1/0' is not allowed: it must be a number 0..1"),
        ({"salt": 1.5}, "must be a number 0..1"),
        ({"salt": float("nan")}, "must be a number 0..1"),
        ({"water": "wet"}, "must be a ratio 0..2"),
        ({"water": (1, 0)}, "must be a ratio"),
        ({"water": 3}, "must be a ratio 0..2"),
        ({"water": None}, "must be a ratio"),
        ({"hours": 0}, "must be an integer from 1, or auto"),
        ({"seeds": 1}, "must be a yes-or-no"),
        ({"yeast": 1}, "bread has no option 'yeast'; it has: flour, loaves, salt, water"),
    ],
    ids=str,
)
def test_what_is_not_allowed_says_what_is(given: dict[str, Any], says: str) -> None:
    with pytest.raises(RequestError, match=says):
        read_options(Bread, {"flour": "rye", **given}, "bread")


def test_options_show_their_type_and_default() -> None:
    shown = {one.name: (one.describe_type(), one.describe_default()) for one in options_of(Bread)}
    assert shown["loaves"] == ("integer 1..10", "2")
    assert shown["salt"] == ("number 0..1", "0.02")
    assert shown["water"] == ("ratio 0..2", "2/3")
    assert shown["hours"] == ("integer from 1", "auto")
    assert shown["seeds"] == ("yes-or-no", "no")
    assert shown["flour"][0] == "rye | wheat"


@pytest.mark.parametrize("name", METHODS)
def test_every_method_describes_itself_and_reads_its_own_words(name: str) -> None:
    method = get_method(name)
    assert method.name == name and method.summary.endswith(".")
    plain = method.from_options({})
    words = {one.name: describe_value(getattr(plain, one.name)) for one in options_of(method)}
    assert method.from_options(words) == plain
    assert all(one.help.endswith(".") for one in options_of(method))
    stored = method.from_options({}).to_map()
    assert all(isinstance(value, (int, str)) for value in stored.values())
    assert method.from_options(stored) == plain


def test_a_value_is_parsed_by_its_type() -> None:
    by_name = {one.name: one for one in options_of(Bread)}
    assert parse_value(by_name["salt"], "1/8") == 0.125
    assert parse_value(by_name["water"], "5/2") == "5/2"  # a ratio is normalised when checked
