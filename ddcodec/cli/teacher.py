"""``ddz teacher``: train a teacher to keep, share, or give to ``ddz encode --teacher``."""

from __future__ import annotations

from pathlib import Path

import click

from ddcodec.cli.common import (
    announce,
    device_option,
    output_folder,
    parse_size,
    progress_display,
    source_argument,
)
from ddcodec.cli.help import ExampleCommand
from ddcodec.cli.screen import say
from ddcodec.errors import RequestError

__all__ = ["command"]

EXAMPLES = (
    ("for photographs", "ddz teacher photos/train -o teacher"),
    ("for digits", "ddz teacher digits/train --no-flip -o teacher"),
)


@click.command("teacher", cls=ExampleCommand, examples=EXAMPLES)
@source_argument
@output_folder
@click.option(
    "--arch",
    default="convnet3",
    show_default=True,
    metavar="NAME",
    help="Architecture: convnet3, convnet4, convnet5, resnet18 or resnet18-half.",
)
@click.option(
    "--size",
    metavar="N",
    help="Side of a picture in pixels; by default that of SRC, but 64 where it is 128 or more.",
)
@click.option(
    "--steps",
    type=click.IntRange(1),
    metavar="N",
    help="Optimiser steps; by default about 12 epochs, more of a small set.",
)
@click.option(
    "--flip/--no-flip",
    default=True,
    show_default=True,
    help="Train on mirrored pictures, too, which is wrong for digits and text.",
)
@click.option(
    "--seed",
    default=0,
    show_default=True,
    metavar="N",
    help="Everything random follows from it.",
)
@device_option
def command(
    src: str,
    out: Path,
    arch: str,
    size: str | None,
    steps: int | None,
    flip: bool,
    seed: int,
    device: str,
) -> None:
    """Train a teacher on the pictures of SRC, as of an encode, and write it to the new folder DIR.

    `ddz encode --teacher auto` does the same by itself; this is for a teacher of your own
    choice, or one to share. Training ends early once it recognises no more of the pictures that
    are held out. One that was interrupted goes on when the same command is run again.
    """
    if out.exists():
        raise RequestError(f"{out} exists already: choose another -o, or remove it")
    from ddcodec.encoding.teacher import teacher
    from ddcodec.sources.opening import open_source

    source = open_source(src)
    announce(source)
    with progress_display() as progress:
        made = teacher(
            source,
            out,
            arch=arch,
            size=parse_size(size),
            steps=steps,
            flip=flip,
            seed=seed,
            device=device,
            progress=progress,
        )
    say(f"{out}: {arch} for {len(made.classes)} classes of {made.size[0]}x{made.size[1]} px")
    if made.held_out is not None:
        say(f"it is {made.held_out.describe()}")
    say(f"digest {made.digest}")
