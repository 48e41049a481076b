"""A command whose help ends with examples to copy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

__all__ = ["ExampleCommand"]


class ExampleCommand(click.Command):
    """A click command with ``examples``: (what it is for, the line to type) for each."""

    def __init__(
        self, *arguments: Any, examples: Sequence[tuple[str, str]], **attributes: Any
    ) -> None:
        super().__init__(*arguments, **attributes)
        self.examples = tuple(examples)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The examples, whose lines are never wrapped."""
        with formatter.section("Examples"):
            for purpose, line in self.examples:
                formatter.write(f"  # {purpose}\n  {line}\n")
