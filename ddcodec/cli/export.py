"""``ddz export``: an artifact in the layout of another project."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from ddcodec.cli.common import (
    artifact_argument,
    class_names,
    classes_option,
    device_option,
    dump_json,
    execution_text,
    ipc_option,
    json_option,
    open_artifact,
    output_folder,
    prior_option,
    progress_display,
)
from ddcodec.cli.help import ExampleCommand
from ddcodec.cli.screen import say
from ddcodec.errors import RequestError
from ddcodec.exchange.exporting.formats import EXPORT_FORMATS
from ddcodec.exchange.exporting.statistics import STATISTICS
from ddcodec.hub import size_text

__all__ = ["command"]

EXAMPLES = (
    ("tensors that MTT's code loads", "ddz export photos.ddz --to mtt -o tensors"),
    ("tar shards with every view", "ddz export photos.ddz --to webdataset --views all -o shards"),
    ("for datasets.load_dataset", "ddz export photos.ddz --to huggingface -o hub"),
)
_WRITTEN_FILES = 6  # named one by one


class ExportCommand(ExampleCommand):
    """The command, whose help ends with the formats and examples."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Formats"):
            formatter.write_dl(
                [(format.name, format.summary) for format in EXPORT_FORMATS.values()]
            )
        super().format_epilog(ctx, formatter)


def _complete_kind(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    formats = EXPORT_FORMATS.values()
    found = (format for format in formats if format.name.startswith(incomplete))
    return [CompletionItem(format.name, help=format.summary) for format in found]


def _views(ctx: click.Context, param: click.Parameter, value: str | None) -> Any:
    """None, a number from 1, or ``all``."""
    if value is None or value == "all":
        return value
    if not value.isdecimal() or int(value) < 1:
        raise click.BadParameter(f"{value!r} is neither a number from 1 nor all")
    return int(value)


def _bytes(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    from ddcodec.encoding.amounts import parse_bytes

    try:
        return None if value is None else parse_bytes(value)
    except RequestError as error:
        raise click.BadParameter(error.message) from error


@click.command("export", cls=ExportCommand, examples=EXAMPLES)
@artifact_argument
@click.option(
    "--to",
    required=True,
    metavar="FORMAT",
    shell_complete=_complete_kind,
    help="The layout to write, one of the formats below.",
)
@output_folder
@classes_option
@ipc_option
@click.option(
    "--views",
    callback=_views,
    metavar="V|all",
    help="How many views of each image to write: 1 is the image itself, and what is written by "
    "default; of fkd, all views are.",
)
@click.option(
    "--statistics",
    type=click.Choice(STATISTICS),
    help="By which mean and standard deviation tensors are normalised; auto, the default, is what "
    "the project's own code applies to its test pictures.",
)
@click.option(
    "--shard-bytes",
    callback=_bytes,
    metavar="256MB",
    help="Most bytes of a shard; by default 256MB of webdataset, 500MB of huggingface.",
)
@click.option(
    "--label-batch",
    type=click.IntRange(1),
    metavar="B",
    help="Labels per file of fkd, which is the batch size to train with; 128 by default.",
)
@device_option
@prior_option
@click.option(
    "--force", is_flag=True, help="Replace DIR if it holds an earlier export; nothing else is."
)
@json_option
def command(
    artifact: Path | str,
    out: Path,
    classes: str | None,
    force: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Write IN.ddz in the layout of another project, as the new folder DIR.

    DIR appears whole or not at all. The source of truth stays IN.ddz: ddz.json in DIR names its
    digest, the classes in their order, the normalisation, and what the labels are.

    Options that have no part in a format are refused. `ddz decode` writes the same as --to folder,
    and goes on after an interruption.
    """
    from ddcodec.exchange.exporting.export import export

    with open_artifact(artifact) as opened, progress_display() as progress:
        made = export(
            opened,
            out,
            classes=class_names(classes),
            force=force,
            progress=progress,
            **given,
        )
    if as_json:
        values = {"path": made.path, "format": made.format, "digest": made.digest}
        dump_json("ddcodec.export/1", {**values, "images": made.images, "files": made.files})
        return
    parts = [f"{made.images:,} picture{'' if made.images == 1 else 's'}", size_text(made.size)]
    say(f"{out}: {', '.join(parts + execution_text(made.execution))}")
    if len(made.files) <= _WRITTEN_FILES:
        for name, size in made.files.items():
            say(f"  {size:>13,} {name}")
    say(f"of the artifact with content digest {made.digest}")
