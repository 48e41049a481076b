"""``ddz teacher``: train a teacher to keep, share, or give to ``ddz encode --teacher``."""

from __future__ import annotations

from pathlib import Path

import click

from ddcodec.cli.common import device_option, output_folder, parse_size, progress_display, warn
from ddcodec.cli.help import ExampleCommand
from ddcodec.errors import RequestError
from ddcodec.units import duration_text

__all__ = ["command"]

EXAMPLES = (
    ("for photographs", "ddz teacher photos/train -o teacher"),
    ("for digits", "ddz teacher digits/train --no-flip -o teacher"),
)


@click.command("teacher", cls=ExampleCommand, examples=EXAMPLES)
@click.argument("src", type=click.Path(path_type=Path))
@output_folder
@click.option(
    "--arch",
    default="convnet3",
    show_default=True,
    metavar="NAME",
    help="Architecture: convnet3, convnet4, convnet5, resnet18 or resnet18-half.",
)
@click.option(
    "--size",
    metavar="N",
    help="Side of a picture in pixels; by default that of SRC, but 64 where it is 128 or more.",
)
@click.option(
    "--steps",
    type=click.IntRange(1),
    metavar="N",
    help="Optimiser steps; by default about 12 epochs, more of a small set.",
)
@click.option(
    "--flip/--no-flip",
    default=True,
    show_default=True,
    help="Train on mirrored pictures, too, which is wrong for digits and text.",
)
@click.option(
    "--seed",
    default=0,
    show_default=True,
    metavar="N",
    help="Everything random follows from it.",
)
@device_option
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
    choice, or one to share. Training ends early once it recognises no more of the pictures that
    are held out. One that was interrupted goes on when the same command is run again.
    """
    if out.exists():
        raise RequestError(f"{out} exists already: choose another -o, or remove it")
    from dataclasses import replace

    from ddcodec.classifiers.store import CHECKPOINT, save_teacher, teacher_key
    from ddcodec.classifiers.teacher_training import (
        default_settings,
        seconds_to_train,
        train_teacher,
        training_size,
    )
    from ddcodec.devices import resolve_device
    from ddcodec.files import locked
    from ddcodec.sources.folder import scan
    from ddcodec.sources.pictures import LoadReport
    from ddcodec.sources.source import load_images

    where = resolve_device(device)
    source = scan(src)
    asked = parse_size(size)
    pixels = (asked, asked) if isinstance(asked, int) else asked
    pixels = pixels or training_size(source.native_size())
    settings = default_settings(
        len(source), min(pixels), classes=len(source.classes), arch=arch, flip=flip, seed=seed
    )
    settings = replace(settings, steps=steps or settings.steps)
    seconds = seconds_to_train(settings, len(source.classes), min(pixels), where)
    report, training = LoadReport(), out.with_name(f"{out.name}.training")
    with progress_display() as progress, locked(training, remove=True):
        progress(
            f"{settings.steps:,} steps on {len(source):,} pictures of {pixels[0]}x{pixels[1]} px: "
            f"at most about {duration_text(seconds)} on {where}",
            1,
            1,
        )
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
            device=where,
            checkpoint=training / CHECKPOINT,
            key=teacher_key(source.fingerprint, pixels, source.classes, settings),
        )
        save_teacher(teacher, out)
        (training / CHECKPOINT).unlink(missing_ok=True)
        warn([*source.warnings, *report.describe()])
    click.echo(f"{out}: {arch} for {len(source.classes)} classes of {pixels[0]}x{pixels[1]} px")
    if teacher.held_out is not None:
        click.echo(f"it is {teacher.held_out.describe()}")
    click.echo(f"digest {teacher.digest}")
