"""``ddz methods``: the methods that fill artifacts, and the options of each."""

from __future__ import annotations

import click

from ddcodec.cli.common import dump_json, json_option
from ddcodec.cli.help import ExampleCommand
from ddcodec.cli.options import method_lines
from ddcodec.methods import METHODS, get_method
from ddcodec.methods.options import options_of

__all__ = ["command"]

EXAMPLES = (
    ("all of them", "ddz methods"),
    ("the options of one", "ddz methods d3m"),
)


@click.command("methods", cls=ExampleCommand, examples=EXAMPLES)
@click.argument("name", required=False)
@json_option
def command(name: str | None, as_json: bool) -> None:
    """List the methods, or show the options of the method NAME.

    Options are given as `ddz encode --method NAME --option KEY=VALUE`, and in Python as
    options={"KEY": value}.
    """
    found = {key: get_method(key) for key in ([name] if name else METHODS)}
    if as_json:
        methods = {
            key: {
                "summary": method.summary,
                "options": {
                    one.name: {
                        "type": one.describe_type(),
                        "default": one.describe_default(),
                        "help": one.help,
                    }
                    for one in options_of(method)
                },
            }
            for key, method in found.items()
        }
        dump_json("ddcodec.methods/1", {"methods": methods})
        return
    formatter = click.HelpFormatter(
        width=min(100, click.get_current_context().terminal_width or 80)
    )
    formatter.write_dl([(key, method.summary) for key, method in found.items()])
    if name:
        formatter.write_paragraph()
        lines = list(method_lines(options_of(found[name])))
        formatter.write_dl(lines or [("no options", "It has none of its own.")])
    click.echo(formatter.getvalue(), nl=False)
