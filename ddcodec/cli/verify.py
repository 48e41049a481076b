"""``ddz verify``: check that a file is what was written."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import click

from ddcodec.artifact import LEVELS, Level
from ddcodec.cli.common import (
    artifact_argument,
    device_option,
    dump_json,
    execution_text,
    json_option,
    open_artifact,
    prior_option,
    progress_display,
)
from ddcodec.cli.help import ExampleCommand
from ddcodec.cli.screen import say

__all__ = ["command"]

EXAMPLES = (
    ("every stored byte", "ddz verify photos.ddz"),
    ("twenty pictures, generated again", "ddz verify photos.ddz --level pixels --sample 20"),
)


@click.command("verify", cls=ExampleCommand, examples=EXAMPLES)
@artifact_argument
@click.option(
    "--level",
    type=click.Choice(LEVELS),
    default="digest",
    show_default=True,
    help="How deep: header, stored bytes, content, or rendered pixels.",
)
@prior_option
@device_option
@click.option(
    "--sample",
    type=click.IntRange(1),
    metavar="N",
    help="Only N pictures, spread over classes and slots (level pixels).",
)
@json_option
def command(
    artifact: Path | str,
    level: str,
    prior: str | None,
    device: str,
    sample: int | None,
    as_json: bool,
) -> None:
    """Check IN.ddz; each level includes the ones before it.

    \b
    structure  the header, the index, and that every row is there exactly once
    crc        the checksum of every stored section
    digest     the content digest, and that every section can be decoded here
    pixels     every picture, rendered, against its digest (needs the prior)
    """
    if sample is not None and level != "pixels":
        raise click.UsageError("--sample is of pictures: it needs --level pixels")
    with open_artifact(artifact) as opened, progress_display() as progress:
        if level == "pixels":
            prior = opened.fetch_prior(prior, progress)
        renderer = opened.renderer(prior=prior, device=device)
        compared = opened.verify(
            cast(Level, level), sample=sample, renderer=renderer, progress=progress
        )
        execution = renderer.execution
        pictures = len(opened.classes) * opened.recipe.ipc
        values = {
            "path": opened.place,
            "level": level,
            "ok": True,
            "sections": len(opened.sections),
            "stored": opened.file_len,
            "pictures": compared,
            "profile": execution.profile if execution else None,
            "backend": execution.backend if execution else None,
            "digest": opened.digest,
        }
    if as_json:
        dump_json("ddcodec.verify/1", values)
        return
    parts = [f"{values['sections']} sections", f"{values['stored']:,} bytes"]
    if compared:
        parts.append(
            f"{compared} pictures" if sample is None else f"{compared} of {pictures} pictures"
        )
    parts += execution_text(execution)
    say(f"ok: {values['path']} at level {level}: {', '.join(parts)}")
