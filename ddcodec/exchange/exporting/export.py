"""Exporting in one call: an artifact, or its file, into the layout of another project."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ddcodec.artifact import Artifact, as_artifact
from ddcodec.container import FileSource
from ddcodec.errors import DdcodecError, DecodeError, RequestError
from ddcodec.exchange.exporting.format import ExportFormat
from ddcodec.exchange.exporting.formats import get_export_format
from ddcodec.exchange.exporting.options import ExportOptions, ViewCount
from ddcodec.exchange.exporting.selection import Selection
from ddcodec.exchange.exporting.sidecar import is_export, sidecar
from ddcodec.exchange.folder import SIDECAR
from ddcodec.extras import needed_for
from ddcodec.files import whole_folder, write_whole
from ddcodec.methods.work import WorkFolder
from ddcodec.progress import ProgressOption, displayed
from ddcodec.rendering.renderer import KEPT_PICTURES

if TYPE_CHECKING:
    from ddcodec.rendering.renderer import Execution

__all__ = ["Exported", "export"]

_KEPT_STORED = 64 << 20  # bytes of pictures that are decoded again as quickly as they are found


@dataclass(frozen=True)
class Exported:
    """What an export has written.

    Attributes:
        path: the folder.
        format: the layout.
        digest: content digest of the artifact, in hex.
        images: pictures that are there, of all views.
        files: path relative to the folder -> bytes, sorted.
        execution: how pictures were generated; None where none was.
    """

    path: Path
    format: str
    digest: str
    images: int
    files: dict[str, int]
    execution: Execution | None

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(self.files.values())


def export(
    artifact: Artifact | FileSource,
    out: str | os.PathLike[str],
    *,
    to: str,
    classes: Sequence[str] | None = None,
    ipc: int | None = None,
    views: ViewCount | None = None,
    statistics: str | None = None,
    shard_bytes: int | None = None,
    label_batch: int | None = None,
    device: str = "auto",
    prior: str | None = None,
    force: bool = False,
    progress: ProgressOption = None,
) -> Exported:
    """Write an artifact in the layout of another project, as a new folder.

    The folder appears whole or not at all. ``ddz.json`` in it names the artifact's digest, the
    classes in their order, the normalisation, and what the labels are. Pictures of a prior are kept
    beside it, in ``OUT.work``, until it is whole: an export that was interrupted goes on.

    Args:
        artifact: open, or its file.
        out: the folder to write.
        to: the layout: ``folder``, ``webdataset``, ``huggingface``, ``croissant``, ``numpy``,
            ``mtt``, ``datm``, ``dd-ranking``, ``contest`` or ``fkd``.
        classes, ipc: the classes, and the first images of each; all by default.
        views: so many views of each image, or ``"all"``: 1 is the image itself, and the default;
            of ``fkd``, whose epochs they are, all is.
        statistics: what tensors are normalised by: ``artifact``, ``cifar``, ``cifar100`` or
            ``imagenet``; ``auto``, the default, is what the project's own code applies to its test
            pictures.
        shard_bytes: most bytes of a shard.
        label_batch: labels per file of ``fkd``, which is the batch size to train with.
        device: torch device of generated pictures.
        prior: where to find the prior, which may be fetched; by default the pinned one, where
            this machine has it.
        force: replace an earlier export.
        progress: a function of (what, done, total), or whether to show bars; by default they are
            shown on a terminal and in a notebook.

    Raises:
        RequestError: an unknown format or class, an option that has no part in the format, an
            artifact that does not fit the layout, or a folder that exists.
        MissingDependencyError: a package that writes the layout is not installed.
        DecodeError: the folder cannot be written; the prior is not found.
        ModelMismatchError: the prior is not the pinned one.

    >>> made = ddcodec.export("shapes.ddz", "tensors", to="mtt")
    >>> made.images, sorted(made.files)
    (12, ['ddz.json', 'images_best.pt', 'labels_best.pt'])
    """
    format = get_export_format(to)(ExportOptions(views, statistics, shard_bytes, label_batch))
    if classes is not None:
        format.refuse_unless_taken("classes")
    target = Path(out)
    _check_target(target, force)
    wanted = needed_for(f"an export to {to}")
    with wanted, as_artifact(artifact) as opened, displayed(progress) as tell:
        opened.verify("structure")  # a head may promise what the file does not hold
        chosen = None if format.views == "all" else format.views

        def selected(prior: str | None = None) -> Selection:
            data = opened.rows(
                classes=classes,
                ipc=ipc,
                views=chosen,
                device=device,
                prior=prior,
                cache_bytes=_KEPT_STORED if opened.head.prior is None else KEPT_PICTURES,
            )
            return Selection(opened, data, prior, tell)

        format.check(selected())  # before a prior is fetched
        selection = selected(opened.fetch_prior(prior, tell))
        selection.data.prepare()
        files = _write(format, selection, target, force)
        images, execution = format.count(selection), selection.data.execution
    return Exported(target, format.name, opened.digest, images, files, execution)


def _check_target(target: Path, force: bool) -> None:
    if not os.path.lexists(target):
        return
    if not target.is_dir() or target.is_symlink():
        raise RequestError(f"{target} is no folder: choose another name")
    if not force:
        raise RequestError(f"{target} exists; choose another name, or pass force=True")
    if any(target.iterdir()) and not is_export(target):
        raise RequestError(
            f"{target} holds something else than an export, which is not replaced: choose another "
            "name"
        )


def _write(format: ExportFormat, selection: Selection, target: Path, force: bool) -> dict[str, int]:
    """Write the folder; returns its files and their bytes."""
    try:
        with _working(format, selection, target) as working:
            with whole_folder(target, replace=force) as folder:
                more = format.write(working, folder)
                write_whole(folder / SIDECAR, sidecar(format, working, more))
                files = {
                    path.relative_to(folder).as_posix(): path.stat().st_size
                    for path in sorted(folder.rglob("*"))
                    if path.is_file()
                }
            if working.work is not None:
                working.work.remove()
    except DdcodecError:
        raise  # an artifact that has gone is an OSError, too
    except OSError as error:
        why = error.strerror or error
        raise DecodeError(
            f"cannot write {error.filename or target}: {why}; free space or choose another folder"
        ) from error
    return files


def _takes_long(artifact: Artifact) -> bool:
    """Whether pictures are generated; stored ones are read again faster than pieces are kept."""
    return artifact.head.prior is not None


@contextmanager
def _working(format: ExportFormat, selection: Selection, target: Path) -> Iterator[Selection]:
    """The selection, with a work folder where its pictures take long."""
    if not _takes_long(selection.artifact):
        yield selection
        return
    data = selection.data
    job = {
        "export": selection.artifact.digest,
        "format": format.name,
        "classes": list(data.row_classes),
        "ipc": data.ipc,
        "views": data.views,
    }
    with WorkFolder.held(target.with_name(f"{target.name}.work"), job) as work:
        yield replace(selection, work=work)
