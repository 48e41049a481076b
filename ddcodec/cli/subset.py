"""``ddz subset``: a slice of an artifact as a new artifact."""

from __future__ import annotations

from pathlib import Path

import click

from ddcodec.cli.common import (
    artifact_argument,
    class_names,
    classes_option,
    force_option,
    ipc_option,
    new_file,
    open_artifact,
    output_file,
    views_option,
)
from ddcodec.cli.help import ExampleCommand
from ddcodec.cli.screen import say

__all__ = ["command"]

EXAMPLES = (
    ("two classes", "ddz subset photos.ddz --classes cat,dog -o pets.ddz"),
    ("five images of each class", "ddz subset photos.ddz --ipc 5 -o few.ddz"),
)


@click.command("subset", cls=ExampleCommand, examples=EXAMPLES)
@artifact_argument
@output_file
@classes_option
@ipc_option
@views_option
@click.option(
    "--support/--no-support",
    default=True,
    show_default=True,
    help="Keep pictures of other classes that views mix in; without them such views are dropped, "
    "which leaves the plain images.",
)
@force_option
def command(
    artifact: Path | str,
    out: Path,
    classes: str | None,
    ipc: int | None,
    views: int | None,
    support: bool,
    force: bool,
) -> None:
    """Cut classes, the first images of each class, or the first views out of IN.ddz.

    Nothing is encoded again: the images and labels that stay are the same bytes, and classes
    keep their indices. So a lossy mosaic is kept whole if any picture of it stays, and pictures
    that views mix in are kept as support: what both take is said.
    """
    new_file(out, force)
    with open_artifact(artifact) as opened:
        names = class_names(classes)
        made = opened.subset(out, classes=names, ipc=ipc, views=views, support=support, force=force)
        with made:
            say(f"{out}: {made.file_len:,} of {opened.file_len:,} bytes")
            if made.recipe.views < min(views or opened.recipe.views, opened.recipe.views):
                say("  views that mix in pictures of other classes were dropped: view 0 is left")
            for line in made.support().describe():
                say(f"  of which support: {line}")
            say(f"content digest {made.digest}")
