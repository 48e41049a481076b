"""``ddz man``: the manual page, made of what ``--help`` says."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click

from ddcodec.cli.help import ExampleCommand

__all__ = ["command"]

EXAMPLES = (("have it where `man ddz` finds it", "ddz man > ~/.local/share/man/man1/ddz.1"),)

_ENVIRONMENT = (
    ("DDCODEC_CACHE", "The folder of the cache: teachers, priors, integer weights."),
    ("DDCODEC_BACKEND", "Forces a back end of exact profiles: triton, int8, float32 or float64."),
    ("DDCODEC_DEBUG", "1 shows the traceback of an error."),
    ("HF_HUB_CACHE", "Where priors and teachers of the hub are kept."),
    ("HF_HUB_OFFLINE", "1 fetches nothing from the hub."),
)


@click.command("man", cls=ExampleCommand, examples=EXAMPLES)
@click.pass_context
def command(ctx: click.Context) -> None:
    """Print the manual page of ddz, in the form that `man` shows.

    It has every command with its options, as `ddz COMMAND --help` has them.
    """
    text = "\n".join(_page(ctx.find_root()))
    click.echo(f"{text}\n", nl=False)


def _page(root: click.Context) -> Iterator[str]:
    """Lines of the page, in roff."""
    group = root.command
    assert isinstance(group, click.Group)
    summary, *about = _paragraphs(group)
    yield '.TH DDZ 1 "" ddcodec "User Commands"'
    yield from (".SH NAME", f"ddz \\- {_escaped(summary.rstrip('.'))}")
    yield from (".SH SYNOPSIS", ".B ddz", "COMMAND [OPTIONS] ...", ".SH DESCRIPTION")
    yield from _joined(about)
    yield ".SH COMMANDS"
    for name in group.list_commands(root):
        found = group.get_command(root, name)
        assert found is not None
        yield from _section(found, click.Context(found, info_name=name, parent=root))
    yield ".SH ENVIRONMENT"
    for name, text in _ENVIRONMENT:
        yield from (".TP", f".B {name}", _escaped(text))


def _section(found: click.Command, ctx: click.Context) -> Iterator[str]:
    """A command: its usage, what it does, its options, and examples."""
    usage = " ".join(found.collect_usage_pieces(ctx))
    yield f'.SS "{_escaped(f"{ctx.command_path} {usage}")}"'
    yield from _joined(_paragraphs(found))
    for param in found.get_params(ctx):
        record = param.get_help_record(ctx) if isinstance(param, click.Option) else None
        if record is not None:
            yield from (".TP", f".B {_escaped(record[0])}", _escaped(record[1]))
    if isinstance(found, ExampleCommand):
        for what, line in found.examples:
            yield from (".PP", f"{_escaped(what)}:", ".br", f".B {_escaped(line)}")


def _paragraphs(found: click.Command) -> list[str]:
    text = inspect.cleandoc(found.help or "").replace("\b\n", "")
    return [" ".join(part.split()) for part in text.split("\n\n")]


def _joined(paragraphs: list[str]) -> Iterator[str]:
    for text in paragraphs:
        yield from (".PP", _escaped(text))


def _escaped(text: str) -> str:
    """Text in which roff sees no command, and that keeps its hyphens when it is copied."""
    plain = text.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq")
    return f"\\&{plain}" if plain.startswith((".", "'")) else plain
