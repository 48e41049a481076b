"""``ddz merge``: artifacts of disjoint classes as one."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import click

from ddcodec.cli.common import ArtifactPlace, force_option, new_file, open_artifact, output_file
from ddcodec.cli.help import ExampleCommand
from ddcodec.cli.screen import say

__all__ = ["command"]

EXAMPLES = (("two halves of the classes", "ddz merge first.ddz second.ddz -o all.ddz"),)


@click.command("merge", cls=ExampleCommand, examples=EXAMPLES)
@click.argument(
    "artifacts",
    metavar="A.ddz B.ddz ...",
    nargs=-1,
    required=True,
    type=ArtifactPlace(),
)
@output_file
@force_option
def command(artifacts: tuple[Path | str, ...], out: Path, force: bool) -> None:
    """Unite artifacts that have no class in common and share one recipe.

    Slices of one artifact unite to the rows they were cut from. Artifacts of different class lists
    are put side by side; their labels go on ranging over their own classes.
    """
    from ddcodec.artifact import merge

    if len(artifacts) < 2:
        raise click.UsageError("merge needs at least two artifacts")
    new_file(out, force)
    with ExitStack() as stack:
        opened = [stack.enter_context(open_artifact(path)) for path in artifacts]
        digest = merge(opened, out, force=force)
    say(f"{out}: {out.stat().st_size:,} bytes")
    say(f"content digest {digest}")
