"""``ddz methods``: the methods that fill artifacts, and the options of each."""

from __future__ import annotations

import click

from ddcodec.cli.common import dump_json, json_option
from ddcodec.cli.completion import complete_method
from ddcodec.cli.help import ExampleCommand
from ddcodec.cli.options import method_lines
from ddcodec.cli.screen import warn
from ddcodec.errors import RequestError
from ddcodec.methods import get_method, hidden_methods, method_names, package_of
from ddcodec.methods.base import Method
from ddcodec.methods.options import options_of

__all__ = ["command"]

EXAMPLES = (
    ("all of them", "ddz methods"),
    ("the options of one", "ddz methods d3m"),
)


@click.command("methods", cls=ExampleCommand, examples=EXAMPLES)
@click.argument("name", required=False, shell_complete=complete_method)
@json_option
def command(name: str | None, as_json: bool) -> None:
    """List the methods, or show the options of the method NAME.

    Methods that installed packages bring are among them, each with its package.

    Options are given as `ddz encode --method NAME --option KEY=VALUE`, and in Python as
    options={"KEY": value}.
    """
    found = {name: get_method(name)} if name else _usable()
    if as_json:
        methods = {
            key: {
                "summary": method.summary,
                "package": package_of(key),
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
    formatter.write_dl([(key, _summary(key, method)) for key, method in found.items()])
    if name:
        formatter.write_paragraph()
        lines = list(method_lines(options_of(found[name])))
        formatter.write_dl(lines or [("no options", "It has none of its own.")])
    click.echo(formatter.getvalue(), nl=False)


def _usable() -> dict[str, type[Method]]:
    """All methods but those of broken packages, each of which is a warning."""
    found, broken = dict[str, type[Method]](), list[str]()
    for name in method_names():
        try:
            found[name] = get_method(name)
        except RequestError as error:
            broken.append(error.message)
    warn([*broken, *hidden_methods()])
    return found


def _summary(name: str, method: type[Method]) -> str:
    package = package_of(name)
    return method.summary if package is None else f"{method.summary} [{package}]"
