"""Options as fields of a dataclass: typed once, and from there checked, read from text and shown.

A field's annotation is its type: ``int``, ``float``, ``str``, ``bool``, a ``Literal`` of choices,
``RatioOption`` (a fraction such as 5/2), and any of them ``| None``, written ``auto``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, field, fields
from fractions import Fraction
from typing import (
    Annotated,
    Any,
    Literal,
    NamedTuple,
    TypeVar,
    get_args,
    get_origin,
    get_type_hints,
)

from ddcodec.errors import RequestError, shown
from ddcodec.recipe.fields import Ratio

__all__ = [
    "AUTO",
    "Option",
    "RatioOption",
    "check_options",
    "describe_value",
    "option",
    "options_of",
    "parse_value",
    "ratio_of",
    "read_options",
    "required",
]

Made = TypeVar("Made")

RatioOption = Annotated[Ratio | int | float | str, "ratio"]
"""A fraction, given as a number, as text such as 5/2, or as (numerator, denominator)."""

AUTO = "auto"
_RATIO_BOUND = 1 << 31


class Option(NamedTuple):
    """One option.

    Attributes:
        name: of the field.
        type: its type without ``None``.
        optional: whether None is allowed.
        default: MISSING for one that must be given.
        help: one sentence for people.
        low, high: bounds of a number, if any; both are allowed.
        role: what the option decides, for whoever makes a difference.
    """

    name: str
    type: Any
    optional: bool
    default: Any
    help: str
    low: Any
    high: Any
    role: str

    @property
    def choices(self) -> tuple[str, ...]:
        """What may be chosen; empty where anything of the type may."""
        return get_args(self.type) if get_origin(self.type) is Literal else ()

    def describe_type(self) -> str:
        """The type and bounds for people, such as ``integer 1..100``."""
        if self.choices:
            return " | ".join(self.choices)
        name = {int: "integer", float: "number", Ratio: "ratio", bool: "yes-or-no", str: "text"}
        text = name.get(self.type, "text")
        if self.low is not None and self.high is not None:
            text += f" {self.low:g}..{_bound(self.high)}"
        elif self.low is not None:
            text += f" from {self.low:g}"
        return text

    def describe_default(self) -> str:
        """The default as a user would write it."""
        return describe_value(self.default)


def option(
    default: Any, help: str, *, low: Any = None, high: Any = None, role: str = "content"
) -> Any:
    """A dataclass field that is an option.

    Args:
        default: its value where nothing is given.
        help: one sentence for people.
        low, high: bounds of a number; both are allowed.
        role: what the option decides.
    """
    return field(default=default, metadata=_metadata(help, low, high, role))


def required(help: str, *, role: str = "content") -> Any:
    """A dataclass field that is an option without a default."""
    return field(metadata=_metadata(help, None, None, role))


def _metadata(help: str, low: Any, high: Any, role: str) -> dict[str, Any]:
    return {"help": help, "low": low, "high": high, "role": role}


def options_of(cls: type) -> tuple[Option, ...]:
    """The options of a dataclass, in their order."""
    hints = get_type_hints(cls, include_extras=True)
    return tuple(_option(f, hints[f.name]) for f in fields(cls) if "help" in f.metadata)


def _option(one: Field[Any], hint: Any) -> Option:
    optional = type(None) in get_args(hint)
    if optional and get_origin(hint) is not Literal:
        rest = tuple(a for a in get_args(hint) if a is not type(None))
        hint = rest[0] if len(rest) == 1 else hint
    if get_origin(hint) is Annotated:
        hint = Ratio  # however it was given
    m = one.metadata
    default = one.default_factory() if one.default_factory is not MISSING else one.default
    return Option(one.name, hint, optional, default, m["help"], m["low"], m["high"], m["role"])


def check_options(made: Any) -> None:
    """Check every option of a dataclass instance; numbers that are fractions are normalised.

    Raises:
        RequestError: naming the option, its value and what it may be.
    """
    for one in options_of(type(made)):
        value = getattr(made, one.name)
        checked = _checked(one, value)
        if checked is not value:
            object.__setattr__(made, one.name, checked)


def read_options(cls: type[Made], given: Mapping[str, Any], what: str) -> Made:
    """A dataclass of options from values or their texts.

    Args:
        cls: the dataclass; it checks its options when constructed.
        given: option name -> value, or text as a command line has it.
        what: whose options they are, for messages.

    Raises:
        RequestError: an option that is unknown, or a value that is none of its.
    """
    known = {one.name: one for one in options_of(cls)}
    values = {}
    for key, value in given.items():
        if key not in known:
            has = ", ".join(known) or "none"
            raise RequestError(f"{what} has no option {key!r}; it has: {has}")
        values[key] = parse_value(known[key], value) if isinstance(value, str) else value
    return cls(**values)


def parse_value(one: Option, text: str) -> Any:
    """The value that a text stands for; ``auto`` is None where the option may be None.

    Raises:
        RequestError: it stands for none.
    """
    if one.optional and text == AUTO:
        return None
    try:
        if one.type is int:
            return int(text)
        if one.type is float:
            return float(Fraction(text))
        if one.type is bool:
            return {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}[
                text.lower()
            ]
    except (ValueError, ZeroDivisionError, KeyError) as error:
        raise _refused(one, text) from error
    return text


def describe_value(value: Any) -> str:
    """A value as a user would write it: ``5/2``, ``64x48``, ``auto``."""
    if value is None:
        return AUTO
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return "/".join(map(str, value)) if value[1] != 1 else str(value[0])
    return f"{value:g}" if isinstance(value, float) else str(value)


def ratio_of(value: Any) -> Ratio:
    """A number, its text or a pair of integers as a fraction in lowest terms.

    Raises:
        ValueError: it stands for none, or for one of numbers beyond 31 bits.

    >>> ratio_of("5/2"), ratio_of(7.5), ratio_of((4, 2))
    ((5, 2), (15, 2), (2, 1))
    """
    try:
        found = Fraction(*value) if isinstance(value, tuple) else Fraction(str(value))
    except (TypeError, ZeroDivisionError, OverflowError) as error:
        raise ValueError(f"{value!r} is no fraction") from error
    if not (0 <= found.numerator < _RATIO_BOUND and found.denominator < _RATIO_BOUND):
        raise ValueError(f"{value!r} has a part beyond 31 bits")
    return found.numerator, found.denominator


def _checked(one: Option, value: Any) -> Any:
    if value is None:
        if not one.optional:
            raise _refused(one, value)
        return None
    if one.type == Ratio:
        try:
            ratio = ratio_of(value)
        except ValueError as error:
            raise _refused(one, value) from error
        if not _within(one, Fraction(*ratio)):
            raise _refused(one, value)
        return ratio
    if one.choices:
        if value not in one.choices:
            raise _refused(one, value)
    elif one.type is float:
        if type(value) not in (int, float) or not _within(one, value):
            raise _refused(one, value)
        return float(value)
    elif one.type in (int, bool, str) and (type(value) is not one.type or not _within(one, value)):
        raise _refused(one, value)
    return value


def _within(one: Option, value: Any) -> bool:
    low = one.low is None or value >= one.low
    return bool(low and (one.high is None or value <= one.high))


def _refused(one: Option, value: Any) -> RequestError:
    may = one.describe_type() + (", or auto" if one.optional else "")
    return RequestError(f"{one.name}={shown(value)} is not allowed: it must be {_article(may)}")


def _article(text: str) -> str:
    if " | " in text:
        return "one of " + ", ".join(text.split(" | "))
    return ("an " if text[0] in "aeiou" else "a ") + text


def _bound(value: Any) -> str:
    if isinstance(value, int) and value >= 1 << 16 and value & (value + 1) == 0:
        return f"2^{value.bit_length()}-1"
    if isinstance(value, int) and value >= 1 << 16 and value & (value - 1) == 0:
        return f"2^{value.bit_length() - 1}"
    return f"{value:g}"
