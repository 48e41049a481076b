"""``ddz card``: the card of an artifact for the hub."""

from __future__ import annotations

from pathlib import Path

import click

from ddcodec.cli.common import artifact_argument, force_option, new_file, open_artifact
from ddcodec.cli.completion import complete_licence
from ddcodec.cli.help import ExampleCommand
from ddcodec.cli.screen import say

__all__ = ["command", "report_option"]

EXAMPLES = (
    ("to look at", "ddz card photos.ddz --license cc-by-4.0"),
    (
        "with accuracies, as a file",
        "ddz card photos.ddz --report report.json --repo owner/photos -o README.md",
    ),
)
report_option = click.option(
    "--report",
    metavar="JSON",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The JSON beside a report's page, whose accuracies of this artifact the card tells.",
)


@click.command("card", cls=ExampleCommand, examples=EXAMPLES)
@artifact_argument
@click.option(
    "--license",
    "licence",
    metavar="ID",
    shell_complete=complete_licence,
    help="The licence, by the hub's id, such as cc-by-4.0.",
)
@click.option(
    "--repo",
    metavar="OWNER/NAME",
    help="The data set of the hub that will hold IN.ddz, for the lines that load it.",
)
@report_option
@click.option(
    "-o",
    "--out",
    metavar="README.md",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to write; by default the card goes to stdout.",
)
@force_option
def command(
    artifact: Path | str,
    licence: str | None,
    repo: str | None,
    report: Path | None,
    out: Path | None,
    force: bool,
) -> None:
    """Write a dataset card of IN.ddz: Markdown, with the YAML that the hub reads.

    It says what the classes are, where the bytes go, how to load the file, and what of it is exact.
    `ddz push` writes one by itself, with a preview.
    """
    if out is not None:
        new_file(out, force)
    from ddcodec.files import write_text
    from ddcodec.publishing.card import card

    with open_artifact(artifact) as opened:
        text = card(opened, license=licence, repository=repo, report=report)
    if out is None:
        click.echo(text, nl=False)
        return
    write_text(out, text)
    say(f"{out}: {len(text.encode()):,} bytes")
