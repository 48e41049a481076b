"""``ddz verify``: is the file what was written."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import click

from ddcodec.artifact import LEVELS, Level
from ddcodec.cli.common import (
    artifact_argument,
    dump_json,
    json_option,
    open_artifact,
    progress_display,
)

__all__ = ["command"]


@click.command("verify")
@artifact_argument
@click.option(
    "--level",
    type=click.Choice(LEVELS),
    default="digest",
    show_default=True,
    help="How deep: header, stored bytes, decoded sections, or rendered pixels.",
)
@click.option("--prior", metavar="DIR|HUB_ID", help="Where to find the prior (level pixels).")
@click.option("--device", default="cpu", show_default=True, help="Torch device (level pixels).")
@json_option
def command(artifact: Path, level: str, prior: str | None, device: str, as_json: bool) -> None:
    """Check IN.ddz; each level includes the ones before it.

    \b
    structure  the header, the index, and that every row can be decoded
    crc        the checksum of every stored section
    digest     every decoded section against the content digest
    pixels     every picture, rendered, against its stored digest (needs the prior)
    """
    with open_artifact(artifact) as opened, progress_display() as progress:
        pictures = opened.verify(cast(Level, level), prior=prior, device=device, progress=progress)
        sections, size, digest = len(opened.sections), opened.file_len, opened.digest
    if as_json:
        values = {"path": artifact, "level": level, "ok": True, "sections": sections}
        dump_json(
            "ddcodec.verify/1",
            {**values, "bytes": size, "pictures": pictures, "digest": digest},
        )
        return
    compared = f", {pictures} pictures" if pictures else ""
    click.echo(f"ok: {artifact} at level {level}: {sections} sections, {size:,} bytes{compared}")
