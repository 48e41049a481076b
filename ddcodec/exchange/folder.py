"""An artifact as a plain image folder: ``<class>/<slot>_<view>.png``, labels, and a README.

Every file appears whole or not at all, so a run that was stopped goes on where it was; a
manifest with the content digest keeps two artifacts from being mixed in one folder.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from ddcodec.arrays import Progress, UInt8s
from ddcodec.errors import DdcodecError, DecodeError, RequestError
from ddcodec.exchange.names import folder_names
from ddcodec.exchange.npz import npz
from ddcodec.exchange.sums import SUMS, Sums
from ddcodec.files import is_leftover, json_text, read_json, remove_leftovers, write_whole
from ddcodec.rendering.renderer import KEPT_PICTURES
from ddcodec.sources.archives.shards import SIDECAR
from ddcodec.sources.paths import printable
from ddcodec.workers import ALONE, Pool, Workers, computed, open_pool

if TYPE_CHECKING:
    from ddcodec.artifact import Artifact
    from ddcodec.artifact.rows import RowReader
    from ddcodec.rendering.renderer import Execution

__all__ = [
    "SIDECAR",
    "ExportPlan",
    "ExportResult",
    "check_labels_fit",
    "export_folder",
    "plan_export",
    "png",
]

SCHEMA = "ddcodec.folder/1"
MANIFEST = "manifest.json"
LABELS = "labels.npz"
README = "README.md"
"""What says of every export of which artifact it is; no class has a folder of this name."""
_FILES = (MANIFEST, LABELS, README, SUMS, SIDECAR)
_PNG_SHARE = 0.65  # bytes of a natural picture as PNG, of plain ones; rough
_NAMED = 100  # readable names in the page, at most
LARGEST_LABELS = 8 << 30  # bytes held in memory while writing
LARGEST_NAMES = 256 << 20  # bytes of a table of names, which is as wide as the longest
_KEPT_STORED = 64 << 20  # bytes of pictures that are decoded again as quickly as they are found
_PIXELS = 1 << 24  # rendered at once, of as many pictures as there may be
_BATCH_PIXELS = 1 << 26  # of a batch with all its views, whose files are in memory together


@dataclass(frozen=True)
class ExportResult:
    """``images`` PNGs are in ``path``, of which ``kept`` were there from an earlier run.

    ``execution`` says how the others were generated; None where none was.
    """

    path: Path
    images: int
    kept: int
    execution: Execution | None


def export_folder(
    artifact: Artifact,
    out: str | os.PathLike[str],
    *,
    classes: Sequence[str] | None = None,
    ipc: int | None = None,
    views: int | None = None,
    device: str = "cpu",
    batch_size: int = 64,
    prior: str | None = None,
    workers: Workers = ALONE,
    progress: Progress | None = None,
) -> ExportResult:
    """Write the chosen images and their labels.

    Args:
        artifact: the open artifact.
        out: the folder; made if absent, continued if it holds the same export.
        classes, ipc, views: the slice; everything by default.
        device: torch device for generated pictures.
        batch_size: images rendered at once.
        prior: where to find the prior, which may be fetched; by default the pinned one, where
            this machine has it.
        workers: who renders.
        progress: called with (what, done, total).

    Raises:
        DecodeError: the folder cannot be written; the prior is not found.
        ModelMismatchError: the prior is not the pinned one; no folder is made then.
        RequestError: an unknown class or none, more slots or views than there are, or the folder
            holds something else.
    """
    target = Path(out)
    artifact.verify("structure")  # a head may promise what the file does not hold
    data = artifact.rows(
        classes=classes,
        ipc=ipc,
        views=views,
        device=device,
        prior=artifact.fetch_prior(prior, progress),
        cache_bytes=_KEPT_STORED if artifact.head.prior is None else KEPT_PICTURES,
    )
    check_labels_fit(data)
    try:
        folders = _claim(target, artifact, data)
        names = _Names(folders, data)
        with Sums(target) as sums, open_pool(replace(workers, device=device)) as pool:
            finished = names.finished(sums)
            _write_images(names, finished, sums, data, batch_size, pool, progress)
            sums.write(LABELS, _labels(names, data))
            sums.finish([*names, LABELS])
        write_whole(target / README, _readme(artifact, data).encode())
    except DdcodecError:
        raise  # an artifact that has gone is an OSError, too
    except OSError as error:
        why = error.strerror or error
        raise DecodeError(
            f"cannot write {error.filename or target}: {why}; free space or choose "
            "another folder, and run the same command again: finished pictures are kept"
        ) from error
    return ExportResult(target, len(data) * data.views, len(finished), data.execution)


@dataclass(frozen=True)
class ExportPlan:
    """What an export would write.

    Attributes:
        images: PNGs in all, of which ``kept`` are there from an earlier run.
        picture_bytes: of the PNGs that would be written, roughly.
        label_bytes: of the labels, at most.
    """

    images: int
    kept: int
    picture_bytes: int
    label_bytes: int


def plan_export(
    artifact: Artifact,
    out: str | os.PathLike[str],
    *,
    classes: Sequence[str] | None = None,
    ipc: int | None = None,
    views: int | None = None,
) -> ExportPlan:
    """What :func:`export_folder` would write; renders nothing and writes nothing.

    Raises: as :func:`export_folder`, as far as the folder and the slice go.
    """
    artifact.verify("structure")
    target, data = Path(out), artifact.rows(classes=classes, ipc=ipc, views=views)
    check_labels_fit(data)
    folders, manifest = _manifest(artifact, data)
    _check_ours(target, manifest)
    kept = len(_Names(folders, data).finished(Sums(target)))
    images, recipe = len(data) * data.views, artifact.recipe
    plain = 3 * recipe.width * recipe.height
    return ExportPlan(images, kept, round((images - kept) * plain * _PNG_SHARE), _label_bytes(data))


def _label_bytes(data: RowReader) -> int:
    return 4 * len(data) * data.views * len(data.classes)


def check_labels_fit(data: RowReader, file: str = LABELS) -> None:
    """Refuse labels, or names of classes, that are too many to be held in memory.

    Args:
        data: rows and views that are written.
        file: what is to hold them.

    Raises:
        DecodeError: they are.
    """
    size = _label_bytes(data)
    if size > LARGEST_LABELS:
        raise DecodeError(
            f"{file} would hold {size / 1e9:.0f} GB of plain probabilities: decode fewer "
            "views or classes, or read the artifact with Artifact.rows()"
        )
    names = 4 * len(data.classes) * max(map(len, (*data.classes, *data.names)))
    if names > LARGEST_NAMES:
        raise DecodeError(
            f"{file} would hold {names / 1e6:.0f} MB of names of classes, one of which is very "
            "long: cut a subset of the classes, or read the artifact with Artifact.rows()"
        )


def _claim(target: Path, artifact: Artifact, data: RowReader) -> dict[int, str]:
    """Make the folder ours, or check that it is; returns class index -> subfolder."""
    folders, manifest = _manifest(artifact, data)
    if not _check_ours(target, manifest):
        data.prepare()  # before anything is written
        target.mkdir(parents=True, exist_ok=True)
        text = json_text(manifest, indent=1)
        write_whole(target / MANIFEST, text.encode())
    remove_leftovers(target)
    for name in folders.values():
        (target / name).mkdir(exist_ok=True)
        remove_leftovers(target / name)
    return folders


def _manifest(artifact: Artifact, data: RowReader) -> tuple[dict[int, str], dict[str, Any]]:
    """Class index -> subfolder, and what says which artifact and slice a folder holds."""
    indices = data.row_classes
    names = [data.classes[c] for c in indices]
    folders = dict(zip(indices, folder_names(names, _FILES), strict=True))
    manifest = {
        "schema": SCHEMA,
        "digest": artifact.digest,
        "classes": names,
        "folders": list(folders.values()),
        "ipc": data.ipc,
        "views": data.views,
    }
    return folders, manifest


def _check_ours(target: Path, manifest: dict[str, Any]) -> bool:
    """Whether the folder holds this very export; raises DecodeError for anything else."""
    record = target / MANIFEST
    if record.exists():
        _check_same(record, manifest)
        return True
    # A run that was killed before it had the manifest leaves a folder that is as good as empty.
    if target.exists() and not all(is_leftover(path, MANIFEST) for path in target.iterdir()):
        raise RequestError(f"{target} is not empty and not an earlier decode: choose a new folder")
    return False


def _check_same(record: Path, manifest: dict[str, Any]) -> None:
    try:
        found = read_json(record)
    except ValueError as error:
        raise DecodeError(f"{record} is damaged: choose a new folder") from error
    if found != manifest:
        other = found.get("digest") != manifest["digest"]
        what = "another artifact" if other else "another selection of this artifact"
        raise RequestError(f"{record.parent} holds {what}: choose a new folder, or remove it")


class _Names:
    """Names of the pictures' files, relative to the folder, row by row and view by view.

    Args:
        folders: class index -> subfolder.
        data: whose rows and views the files show.
    """

    def __init__(self, folders: dict[int, str], data: RowReader) -> None:
        self._folders, self._data = folders, data

    def __iter__(self) -> Iterator[str]:
        views = range(self._data.views)
        return (self.of(row, view) for row in range(len(self._data)) for view in views)

    def of(self, row: int, view: int) -> str:
        class_index, slot = self._data.rows[row]
        return f"{self._folders[class_index]}/{slot:05d}_{view:05d}.png"

    def finished(self, sums: Sums) -> set[str]:
        """Those that an earlier run has written, and that still have its bytes."""
        return {name for name in self if sums.is_finished(name)}


def _write_images(
    names: _Names,
    finished: set[str],
    sums: Sums,
    data: RowReader,
    batch_size: int,
    pool: Pool | None,
    progress: Progress | None,
) -> None:
    """Render and write what is missing."""
    recipe = data.head.recipe
    each = recipe.width * recipe.height
    size = max(1, min(batch_size, _PIXELS // each, _BATCH_PIXELS // (each * data.views)))
    batches = dict[int, list[tuple[int, int]]]()
    # Batches of rows with all their views: a picture is rendered once for all of them.
    for start in range(0, len(data), size):
        rows = range(start, min(start + size, len(data)))
        cells = [(row, view) for view in range(data.views) for row in rows]
        missing = [cell for cell in cells if names.of(*cell) not in finished]
        if missing:
            batches[start] = missing
    total = len(data) * data.views
    done = total - sum(map(len, batches.values()))
    for start, pictures in computed(pool, partial(_pngs, data, batches), [*batches]):
        for cell, content in zip(batches[start], pictures, strict=True):
            sums.write(names.of(*cell), content)
        done += len(pictures)
        if progress is not None:
            progress("pictures", done, total)


def _pngs(
    data: RowReader, batches: Mapping[int, Sequence[tuple[int, int]]], start: int
) -> list[bytes]:
    """The PNG files of a batch of (row, view)."""
    out = list[bytes]()
    for view, cells in groupby(batches[start], key=itemgetter(1)):
        out += map(png, data.images([data.rows[row] for row, _ in cells], view))
    return out


def png(image: UInt8s) -> bytes:
    """The PNG file of a picture, uint8 [h, w, 3]."""
    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(stream, "PNG")
    return stream.getvalue()


def _labels(names: _Names, data: RowReader) -> bytes:
    probabilities = np.empty((len(data), data.views, len(data.classes)), np.float32)
    for view in range(data.views):
        probabilities[:, view] = data.probabilities(data.rows[:], view)
    cells = [(row, view) for row in range(len(data)) for view in range(data.views)]
    return npz(
        {
            "labels": probabilities.reshape(-1, len(data.classes)),
            "class_names": np.array(data.classes, dtype=np.str_),
            "readable_names": np.array(data.names, dtype=np.str_),
            "files": np.array(list(names), dtype=np.str_),
            "class_index": np.array([data.rows[row][0] for row, _ in cells], np.int64),
            "slot": np.array([data.rows[row][1] for row, _ in cells], np.int64),
            "view": np.array([view for _, view in cells], np.int64),
        }
    )


def _names_text(artifact: Artifact) -> str:
    """Lines of the page that say which folder is what, where folders are not called so."""
    head = artifact.head
    if head.names is None:
        return ""
    named = [head.title(c) for c in head.row_classes if head.names[c] != head.classes[c]]
    more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
    return f"- Classes: {', '.join(named[:_NAMED])}{more}.\n"


def _readme(artifact: Artifact, data: RowReader) -> str:
    recipe = artifact.recipe
    mean, std = (
        ", ".join(f"{value / 65536:.4f}" for value in values)
        for values in (recipe.evaluation.mean, recipe.evaluation.std)
    )
    numerator, denominator = recipe.labels.temperature
    kind = (
        f"teacher probabilities at temperature {numerator / denominator:g}"
        if recipe.labels.soft
        else "the class of each image; the mixing shares where a view mixes two images"
    )
    others = "the others show it\n  cropped, mirrored or mixed, as the artifact says"
    if recipe.variations > 1:
        others = (
            f"view v shows\n  number v modulo {recipe.variations} of the images of its slot, "
            "varied as the artifact says"
        )
    shown = f"View 0 is the image itself; {others}"
    if recipe.view.stored:
        shown = "Each shows it\n  cropped, mirrored or mixed, as the artifact stores it, view 0 too"
    return f"""# A decoded distilled data set

Written by `ddz decode` from the artifact with content digest
`{artifact.digest}`.

- `<class>/<slot>_<view>.png`: {len(data)} images ({recipe.width}x{recipe.height} pixels, RGB,
  lossless) in {data.views} view(s) each. {shown}.
  A folder's name is the class name, with `%XX` for characters that are unsafe in
  file names.
- `labels.npz`: arrays by row, read with `numpy.load`, no pickle:
  `labels` float32 [rows, {len(data.classes)}] ({kind}), `class_names` (the columns, in order),
  `readable_names` (what to call them), `files`, `class_index`, `slot`, `view`.
{_names_text(artifact)}- `{SUMS}`: the SHA-256 of every picture and of the labels, as `sha256sum -c`
  reads them; `ddz decode` makes again what does not have its sum.
- `{MANIFEST}`: which artifact and slice this is; `ddz decode` resumes by it.

Students are meant to see pixels / 255, minus mean ({mean}), divided by deviation ({std}),
trained by the protocol `{printable(recipe.evaluation.protocol)}`.
"""
