"""A teacher trained on a folder of pictures, to keep or to share."""

from __future__ import annotations

import os
import warnings
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ddcodec.devices import computed_with, resolve_device
from ddcodec.errors import RequestError
from ddcodec.extras import needed_for
from ddcodec.methods.work import WorkFolder
from ddcodec.progress import ProgressOption, displayed, steps_of
from ddcodec.sources.opening import AnySource, open_source
from ddcodec.sources.pictures import LoadReport
from ddcodec.sources.source import load_images
from ddcodec.units import duration_text
from ddcodec.version import __version__

if TYPE_CHECKING:
    from ddcodec.classifiers.teacher import Teacher

__all__ = ["teacher"]


def teacher(
    src: AnySource,
    out: str | os.PathLike[str] | None = None,
    *,
    arch: str = "convnet3",
    size: int | tuple[int, int] | None = None,
    steps: int | None = None,
    flip: bool = True,
    seed: int = 0,
    device: str = "auto",
    progress: ProgressOption = None,
) -> Teacher:
    """Train a teacher on pictures, for any number of encodes: ``encode(teacher=...)``.

    What of the pictures was converted, skipped or ignored is said as warnings.

    Args:
        src: the pictures, as :func:`ddcodec.open_source` takes them; of several splits that for
            training.
        out: a new folder to save it in; without one it is only returned.
        arch: ``convnet3``, ``convnet4``, ``convnet5``, ``resnet18`` or ``resnet18-half``.
        size: side, or (width, height), of its pictures in pixels; by default that of the source,
            but 64 where it is 128 or more.
        steps: optimiser steps; by default about 12 epochs, more of a small set.
        flip: train on mirrored pictures, too, which is wrong for digits and text.
        seed: everything random follows from it.
        device: torch device; ``auto`` is a GPU of CUDA where there is one, else the CPU.
        progress: a function of (what, done, total), or whether to show bars; by default they are
            shown on a terminal and in a notebook.

    Raises:
        SourceError: the pictures are not usable as they are.
        RequestError: ``out`` exists, the training makes no sense, or one that was interrupted was
            another.
        EncodeError: ``out`` cannot be written.

    >>> made = ddcodec.teacher("photos", steps=2)
    >>> made.classes, made.size
    (('blob', 'cross', 'stripes'), (16, 16))
    """
    with needed_for("training a teacher"):
        from ddcodec.classifiers.store import save_teacher
        from ddcodec.classifiers.teacher_training import (
            default_settings,
            seconds_to_train,
            train_teacher,
            training_size,
            untrained,
        )

    if out is not None and Path(out).exists():
        raise RequestError(f"{out} exists already: choose another folder, or remove it")
    where = resolve_device(device)
    source, report = open_source(src), LoadReport()
    pixels = (size, size) if isinstance(size, int) else size
    pixels = pixels or training_size(source.native_size())
    settings = default_settings(
        len(source), min(pixels), classes=len(source.classes), arch=arch, flip=flip, seed=seed
    )
    settings = replace(settings, steps=steps or settings.steps)
    untrained(settings, source.classes, pixels)  # an unknown architecture is an error now
    with ExitStack() as stack:
        tell, work = stack.enter_context(displayed(progress)), WorkFolder()
        if out is not None:
            training = Path(out).with_name(f"{Path(out).name}.training")
            job = {
                "tool": __version__,
                "source": source.fingerprint,
                "size": list(pixels),
                "classes": list(source.classes),
                **asdict(settings),
                **computed_with(where),
            }
            work = stack.enter_context(WorkFolder.held(training, job))
        if tell is not None:
            seconds = seconds_to_train(settings, len(source.classes), min(pixels), where)
            tell(
                f"{settings.steps:,} steps on {len(source):,} pictures of {pixels[0]}x{pixels[1]} "
                f"px: at most about {duration_text(seconds)} on {where}",
                1,
                1,
            )
        images, labels = load_images(
            source, pixels, progress=steps_of(tell, "pictures"), on_error="skip", report=report
        )
        made = train_teacher(
            images,
            labels,
            source.classes,
            settings,
            steps_of(tell, "teacher"),
            device=where,
            checkpoint=work.checkpoint("teacher"),
        )
        if out is not None:
            save_teacher(made, out)
            work.remove()
    for line in (*source.warnings, *report.describe()):
        warnings.warn(line, stacklevel=2)
    return made
