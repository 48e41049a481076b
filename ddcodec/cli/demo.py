"""``ddz demo``: the whole path on a real data set that needs no download."""

from __future__ import annotations

import shlex
import sys
import time
from pathlib import Path

import click

from ddcodec.cli.help import ExampleCommand
from ddcodec.cli.screen import say
from ddcodec.errors import DdcodecError

__all__ = ["command", "commands"]

# Fewer than the default steps: digits are simple, and the demo has minutes.
_QUICKER = {"d3m": ("--option", "steps=100")}

EXAMPLES = (("everything, into the folder demo", "ddz demo"),)


@click.command("demo", cls=ExampleCommand, examples=EXAMPLES)
@click.option(
    "-o",
    "--out",
    default="demo",
    show_default=True,
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder that everything goes to.",
)
def command(out: Path) -> None:
    """Encode, inspect, verify, decode and report on scikit-learn's handwritten digits.

    Takes three to four minutes on two cores. Every command is shown before it runs, as you would
    type it. What an earlier demo finished in DIR is kept; remove DIR to start over.
    """
    from ddcodec.sources.digits import write_digits

    began = time.monotonic()
    digits = write_digits(out / "digits")
    say(f"{digits}: 1,797 handwritten digits as an image folder, 32x32 pixels")
    for words in commands(out):
        _run(words)
    say()
    say(f"done in {time.monotonic() - began:.0f} s; open {out / 'report.html'}")


def commands(out: Path) -> list[list[str]]:
    """The command lines of the demo, less those whose artifact is there already."""
    digits = out / "digits"
    made = {name: out / f"digits-{name}.ddz" for name in ("rded", "d3m")}
    lines: list[list[str]] = []
    for name, path in made.items():
        if not path.exists():
            # Digits must not be mirrored, so the views leave the flip out.
            words = ["encode", str(digits), "--method", name, "--ipc", "10"]
            words += ["--view", "crop+cutmix", *_QUICKER.get(name, ())]
            lines.append([*words, "-o", str(path)])
    d3m = str(made["d3m"])
    lines.append(["inspect", d3m])
    lines.append(["verify", d3m, "--level", "pixels", "--sample", "20"])
    lines.append(["decode", d3m, "--views", "1", "-o", str(out / "decoded")])
    words = ["report", *map(str, made.values()), "--test", str(digits / "test")]
    words += ["--seeds", "1", "--epochs", "40", "--force"]
    lines.append([*words, "-o", str(out / "report.html")])
    return lines


def _run(words: list[str]) -> None:
    """One command in this process, which spares loading torch each time."""
    from ddcodec.cli.app import cli

    say()
    say(f"$ {shlex.join(['ddz', *words])}")
    sys.stdout.flush()
    try:
        cli.main(words, prog_name="ddz", standalone_mode=False)
    except DdcodecError as error:
        error.add_note("Remove the demo's folder to start over.")
        raise
