"""Lines on stdout and stderr, in which files cannot hide codes, and warnings as such lines."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

import click

from ddcodec.sources.paths import printable

__all__ = ["say", "shown_warnings", "warn"]


def say(line: str = "", *, err: bool = False, bold: bool = False) -> None:
    """Print one line, with escapes for what a terminal would obey.

    Names of classes come from files of strangers: a line break in one must not begin a line of its
    own, and a control code must not reach the terminal.
    """
    text = printable(line)
    click.echo(click.style(text, bold=True) if bold else text, err=err)


def warn(lines: Sequence[str]) -> None:
    """Warnings on stderr, one line each."""
    for line in lines:
        say(f"warning: {line}", err=True)


@contextmanager
def shown_warnings() -> Iterator[None]:
    """Warnings of the library as :func:`warn` says them, not as Python does."""

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        warn([str(message)])

    with warnings.catch_warnings():
        warnings.filterwarnings("always", category=UserWarning, module=r"ddcodec\.")
        warnings.showwarning = show
        yield
