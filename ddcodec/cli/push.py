"""``ddz push``: an artifact on the hub."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ddcodec.cli.card import report_option
from ddcodec.cli.common import about, dump_json, json_option, prior_option, progress_display
from ddcodec.cli.completion import complete_licence
from ddcodec.cli.help import ExampleCommand
from ddcodec.cli.screen import say

__all__ = ["command"]

EXAMPLES = (
    ("what would be sent", "ddz push photos.ddz owner/photos --license cc-by-4.0 --dry-run"),
    ("for your eyes only", "ddz push photos.ddz owner/photos --license cc-by-4.0 --private"),
)


@click.command("push", cls=ExampleCommand, examples=EXAMPLES)
@click.argument(
    "artifact", metavar="IN.ddz", type=click.Path(path_type=Path, exists=True, dir_okay=False)
)
@click.argument("repository", metavar="OWNER/NAME")
@click.option(
    "--license",
    required=True,
    metavar="ID",
    shell_complete=complete_licence,
    help="The licence, by the hub's id, such as cc-by-4.0.",
)
@click.option("--private", is_flag=True, help="Make the data set for its owner's eyes only.")
@click.option(
    "--update",
    is_flag=True,
    help="Put the files into a repository that holds others; those of the same names are replaced.",
)
@click.option(
    "--preview",
    type=click.IntRange(0),
    default=2,
    show_default=True,
    metavar="N",
    help="Images per class that the hub's viewer shows, as a Parquet file; 0 for none.",
)
@report_option
@prior_option
@click.option("--dry-run", is_flag=True, help="Only say which files would be sent; ask nobody.")
@json_option
def command(artifact: Path, repository: str, as_json: bool, **given: Any) -> None:
    """Put IN.ddz on the Hugging Face hub, as the data set OWNER/NAME.

    It is verified first. The file, a card and a preview are one commit: of two pushes at once, one
    is refused. What the hub then has is compared with what was sent. Log in first, with `hf auth
    login`.
    """
    from ddcodec.publishing.push import push

    with about(artifact), progress_display() as progress:
        made = push(artifact, repository, progress=progress, **given)
    if as_json:
        values = {"dry_run": given["dry_run"], **vars(made)}
        dump_json("ddcodec.push/1", values)
        return
    say(f"{made.repository}: {'would hold' if given['dry_run'] else made.commit}")
    for name, size in made.files.items():
        say(f"  {size:>13,} {name}")
    if given["dry_run"]:
        say("nothing was sent (--dry-run)")
        return
    say(made.url)
    say(f'next: ddcodec.open("{made.address}")')
