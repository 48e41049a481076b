"""Decoding in one call: an artifact, or its file, into a folder of images."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ddcodec.artifact import Artifact, as_artifact
from ddcodec.container import FileSource
from ddcodec.exchange.folder import ExportResult, export_folder
from ddcodec.progress import ProgressOption, displayed
from ddcodec.workers import Workers

__all__ = ["decode"]


def decode(
    artifact: Artifact | FileSource,
    out: str | os.PathLike[str],
    *,
    classes: Sequence[str] | None = None,
    ipc: int | None = None,
    views: int | None = 1,
    device: str = "auto",
    batch_size: int = 64,
    prior: str | None = None,
    workers: int = 1,
    ray: str | None = None,
    progress: ProgressOption = None,
) -> ExportResult:
    """Write the images of an artifact as lossless PNGs, one folder per class, and their labels.

    One that was interrupted goes on when it is called again.

    Args:
        artifact: open, or its file.
        out: the folder; made if absent, continued if it holds the same images.
        classes, ipc: the classes, and the first images of each; all by default.
        views: so many views of each image: 1 is the image itself, None is all of them.
        device: torch device of generated pictures.
        batch_size: images rendered at once.
        prior: where to find the prior, which may be fetched; by default the pinned one, where
            this machine has it.
        workers: processes that render.
        ray: address of a Ray cluster that does so in their place, as of an encode.
        progress: a function of (what, done, total), or whether to show bars; by default they are
            shown on a terminal and in a notebook.

    Raises:
        DecodeError: the folder holds something else, or cannot be written; the prior is not found.
        ModelMismatchError: the prior is not the pinned one; no folder is made then.
        RequestError: an unknown class or none, or more images or views than there are.

    >>> ddcodec.decode("shapes.ddz", "out", ipc=2).images
    6
    """
    with as_artifact(artifact) as opened, displayed(progress) as tell:
        return export_folder(
            opened,
            out,
            classes=classes,
            ipc=ipc,
            views=views,
            device=device,
            batch_size=batch_size,
            prior=prior,
            workers=Workers(workers, ray),
            progress=tell,
        )
