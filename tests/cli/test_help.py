"""Every command's help has examples that a user can type."""

from __future__ import annotations

import shlex

import click
import pytest

from ddcodec.cli.app import COMMANDS, cli
from ddcodec.cli.help import ExampleCommand
from ddcodec.encoding.options import EncodeOptions
from ddcodec.methods import METHODS
from ddcodec.methods.options import options_of


@pytest.mark.parametrize("name", COMMANDS)
def test_help_ends_with_examples_of_options_that_exist(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert isinstance(command, ExampleCommand)
    assert command.examples
    known = {
        option
        for parameter in command.params
        for option in (*parameter.opts, *parameter.secondary_opts)
    }
    for _, line in command.examples:
        words = shlex.split(line.partition(" | ")[0])
        assert words[:2] == ["ddz", name]
        assert {word for word in words if word.startswith("-")} <= known
        assert f"\n  {line}\n" in command.get_help(click.Context(command)) + "\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_help_fits_a_terminal_and_explains_every_option(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    text = command.get_help(click.Context(command, info_name=name, terminal_width=80))
    assert max(map(len, text.splitlines())) <= 80
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name
            assert parameter.help.rstrip("]")[0].isupper(), parameter.help


def test_the_option_method_names_every_method() -> None:
    [method] = [one for one in options_of(EncodeOptions) if one.name == "method"]
    assert [name for name in METHODS if name not in method.help] == []
