"""``ddz teacher``: train a teacher to keep, share, or give to ``ddz encode --teacher``."""

from __future__ import annotations

from pathlib import Path

import click

from ddcodec.cli.common import output_folder, progress_display, warn
from ddcodec.cli.encode import parse_size
from ddcodec.errors import EncodeError

__all__ = ["command"]


@click.command("teacher")
@click.argument("src", type=click.Path(path_type=Path))
@output_folder
@click.option("--arch", default="convnet3", show_default=True, help="Architecture.")
@click.option("--size", metavar="N", help="Side in pixels; that of SRC by default.")
@click.option("--steps", type=click.IntRange(1), metavar="N", help="Optimiser steps.")
@click.option("--flip/--no-flip", default=True, show_default=True, help="Mirrored pictures.")
@click.option("--seed", default=0, show_default=True)
@click.option("--device", default="cpu", show_default=True, help="Torch device.")
def command(
    src: Path,
    out: Path,
    arch: str,
    size: str | None,
    steps: int | None,
    flip: bool,
    seed: int,
    device: str,
) -> None:
    """Train a teacher on the image folder SRC and write it to the new folder DIR.

    `ddz encode --teacher auto` does the same by itself; this is for a teacher of your own
    choice, or one to share.
    """
    if out.exists():
        raise EncodeError(f"{out} exists already: choose another -o, or remove it")
    from dataclasses import replace

    from ddcodec.classifiers.store import save_teacher
    from ddcodec.classifiers.teacher import default_settings, train_teacher
    from ddcodec.source import LoadReport, load_images, native_size, scan

    source = scan(src)
    pixels = parse_size(size) or native_size(source)
    settings = default_settings(len(source), min(pixels), arch=arch, flip=flip, seed=seed)
    settings = replace(settings, steps=steps or settings.steps)
    report = LoadReport()
    with progress_display() as progress:
        images, labels = load_images(
            source,
            pixels,
            progress=lambda done, total: progress("pictures", done, total),
            on_error="skip",
            report=report,
        )
        teacher = train_teacher(
            images,
            labels,
            source.classes,
            settings,
            lambda done, total: progress("teacher", done, total),
            device=device,
        )
    save_teacher(teacher, out)
    warn([*source.warnings, *report.lines()])
    click.echo(f"{out}: {arch} for {len(source.classes)} classes of {pixels[0]}x{pixels[1]} px")
    click.echo(f"digest {teacher.digest}")
