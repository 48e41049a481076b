"""Command-line options made from the fields of a dataclass, so that each is typed once."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import MISSING, fields
from typing import Any, TypeVar

import click

from ddcodec.cli.completion import complete_method
from ddcodec.methods.options import Option, describe_value, options_of
from ddcodec.sources.paths import printable

__all__ = ["in_command_line_words", "in_words", "method_lines", "options_from"]

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

_NEAR = 1 << 16
_METAVARS = {
    "quality": "Q",
    "patch_size": "N",
    "teacher_bits": "BITS",
    "classes": "NAME|FILE",
    "normalisation": "NAME|M,M,M/S,S,S",
    "zca": "FILE",
    "which": "NAME",
    "factor": "N",
    "ipc": "N",
    "time_limit": "10m",
    "budget": "300KB",
    "views": "V",
    "view": "PARTS",
    "size": "N|WxH",
    "seed": "N",
    "teacher": "auto|DIR|HUB_ID|timm:NAME",
    "class_names": "FILE",
    "prior": "tiny|DIR|HUB_ID[@REV]",
    "method": "NAME",
    "work": "DIR",
    "label_temperature": "T",
    "label_quality": "KL",
    "label_bytes": "N",
    "device": "NAME",
}


_OF_IMPORTS = ("format", "normalisation", "zca", "which", "factor", "label_values", "trust_order")


def options_from(
    cls: type, names: Container[str] | None = None
) -> Callable[[Decorated], Decorated]:
    """Give a command every option of a dataclass, or some; None stands for the default."""

    def decorate(command: Decorated) -> Decorated:
        for one in reversed(options_of(cls)):
            if names is None or one.name in names:
                command = _click_option(one)(command)
        return command

    return decorate


def _click_option(one: Option) -> Callable[[Decorated], Decorated]:
    name = f"--{one.name.replace('_', '-')}"
    if one.type is bool:
        return click.option(name, is_flag=True, help=one.help)
    required = one.default is MISSING
    return click.option(
        name,
        type=_click_type(one),
        required=required,
        metavar=None if one.choices else _METAVARS.get(one.name),
        shell_complete=complete_method if one.name == "method" else None,
        help=one.help + ("" if required or one.optional else f"  [default: {_default(one)}]"),
    )


def _click_type(one: Option) -> Any:
    if one.choices:
        return click.Choice(one.choices)
    if one.type is int:  # a bound that nobody comes near only clutters the help
        high = one.high if one.high is not None and one.high <= _NEAR else None
        return click.IntRange(one.low, high)
    if one.type is float:
        return click.FloatRange(one.low, one.high)
    return str


def _default(one: Option) -> str:
    return describe_value(one.default)


def method_lines(options: Iterable[Option]) -> Iterator[tuple[str, str]]:
    """(``KEY=TYPE``, help with the default) of a method's options."""
    for one in options:
        yield f"{one.name}={one.describe_type()}", f"{one.help} [default: {_default(one)}]"


def in_words(message: str) -> str:
    """A message of the library, which speaks of ``name=value`` where a user types an option."""
    from ddcodec.encoding.options import EncodeOptions

    names = [field.name for field in fields(EncodeOptions)]
    names += ["baseline", "classes", "sample", "seeds", *_OF_IMPORTS]
    names += ["label_batch", "shard_bytes", "statistics"]  # of exports
    # A word of Python's cannot be the name of an argument.
    return printable(in_command_line_words(message, names).replace("--format ", "--from "))


def in_command_line_words(message: str, names: Iterable[str]) -> str:
    """A message of the library with its ``name=value`` as a user of the command line writes it.

    >>> in_command_line_words("use labels='hard' or size=64", ["labels", "size"])
    'use --labels hard or --size 64'
    """
    known = "|".join(sorted(names, key=len, reverse=True))
    pattern = rf"(?<![\w=-])({known})=('[^']*'|[^\s;,:)]+)?"

    def words(match: re.Match[str]) -> str:
        name = f"--{match[1].replace('_', '-')}"
        value = (match[2] or "").strip("'")
        return name if value in ("", "True") else f"{name} {value}"

    return re.sub(pattern, words, message)
