"""``ddz decode``: from an artifact to an image folder and its labels."""

from __future__ import annotations

from pathlib import Path

import click

from ddcodec.cli.common import (
    artifact_argument,
    class_names,
    classes_option,
    device_option,
    execution_text,
    ipc_option,
    open_artifact,
    output_folder,
    prior_option,
    progress_display,
    views_option,
)
from ddcodec.cli.help import ExampleCommand

__all__ = ["command"]

EXAMPLES = (
    ("images and labels of every view", "ddz decode photos.ddz -o out"),
    ("two classes, plain images alone", "ddz decode photos.ddz --classes cat,dog --views 1 -o out"),
)


@click.command("decode", cls=ExampleCommand, examples=EXAMPLES)
@artifact_argument
@output_folder
@classes_option
@ipc_option
@views_option
@device_option
@click.option(
    "--batch-size",
    type=click.IntRange(1),
    default=64,
    show_default=True,
    metavar="B",
    help="Pictures rendered together.",
)
@prior_option
def command(
    artifact: Path,
    out: Path,
    classes: str | None,
    ipc: int | None,
    views: int | None,
    device: str,
    batch_size: int,
    prior: str | None,
) -> None:
    """Write the images of IN.ddz as lossless PNGs, one folder per class, with their labels.

    DIR also gets labels.npz and a README that explains both. An interrupted decode goes on
    when the same command is run again.
    """
    from ddcodec.exchange.folder import export_folder

    with open_artifact(artifact) as opened, progress_display() as progress:
        result = export_folder(
            opened,
            out,
            classes=class_names(classes),
            ipc=ipc,
            views=views,
            device=device,
            batch_size=batch_size,
            prior=prior,
            progress=progress,
        )
    kept = f" ({result.kept:,} were there already)" if result.kept else ""
    parts = [f"{result.images:,} pictures{kept}", "labels.npz", "README.md"]
    click.echo(f"{out}: {', '.join(parts + execution_text(result.execution))}")
