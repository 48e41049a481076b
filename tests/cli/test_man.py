"""The manual page of the whole command line."""

from __future__ import annotations

import re
import shutil
import subprocess

import click
import pytest

from ddcodec.cli.app import COMMANDS, cli
from ddcodec.cli.man import _escaped
from tests.cli.conftest import Ddz


def test_every_command_and_option_is_in_the_page(ddz: Ddz) -> None:
    page = ddz("man").out.replace("\\-", "-")
    context = click.Context(cli)
    for name in COMMANDS:
        found = cli.get_command(context, name)
        assert found is not None and f'.SS "ddz {name}' in page
        section = page.partition(f'.SS "ddz {name}')[2].partition("\n.SS ")[0]
        for param in found.params:
            for option in param.opts if isinstance(param, click.Option) else ():
                assert re.search(rf"^\.B .*{option}\b", section, flags=re.M), (name, option)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (".begins with a dot", "\\&.begins with a dot"),
        ("'begins with a quote", "\\&'begins with a quote"),
        ('a\\b --c "d"', "a\\eb \\-\\-c \\(dqd\\(dq"),
    ],
)
def test_text_is_no_command_of_roff(text: str, said: str) -> None:
    assert _escaped(text) == said


@pytest.mark.skipif(shutil.which("groff") is None, reason="needs groff")
def test_roff_has_nothing_to_complain_of(ddz: Ddz) -> None:
    words = ["groff", "-man", "-Tutf8", "-ww", "-z"]
    done = subprocess.run(words, input=ddz("man").out, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
