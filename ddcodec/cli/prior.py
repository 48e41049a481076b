"""``ddz prior``: the packaged prior as a folder that diffusers loads."""

from __future__ import annotations

from pathlib import Path

import click

from ddcodec.cli.help import ExampleCommand
from ddcodec.errors import DecodeError

__all__ = ["command"]

EXAMPLES = (("a folder for diffusers, and for --prior", "ddz prior tiny-prior"),)


@click.command("prior", cls=ExampleCommand, examples=EXAMPLES)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def command(folder: Path) -> None:
    """Write the packaged tiny prior to FOLDER, as diffusers lays out a pipeline.

    StableDiffusionPipeline.from_pretrained(FOLDER, low_cpu_mem_usage=False) loads it, and
    --prior FOLDER is the same prior as --prior tiny. The README.md in it is the model card.
    """
    from ddcodec.prior.packaged import PACKED, unpack

    if folder.exists() and any(folder.iterdir()):
        raise DecodeError(f"{folder} is not empty; choose another folder")
    if not folder.absolute().parent.is_dir():
        raise DecodeError(f"the folder {folder.parent} does not exist; make it, or choose another")
    unpack(PACKED, folder)
    size = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
    click.echo(f"{folder}: a diffusers pipeline, {size:,} bytes; its model card is README.md")
