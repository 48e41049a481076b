"""Every public way to read a ``.ddz`` file: what must end well, or in one of our errors."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import ddcodec
from ddcodec.artifact import Artifact
from ddcodec.artifact.summary import describe_labels, stored_teachers
from ddcodec.cli.inspect import as_lines, as_values
from ddcodec.errors import DdcodecError
from ddcodec.recipe.synthesis import Stored

__all__ = ["WAYS", "walk"]

# Pictures of more pixels are as much as was asked for; nobody waits for them here.
_PIXELS = 1 << 18


def walk(path: Path, folder: Path) -> dict[str, str]:
    """What each way ends in: ``ok``, or the code of an error.

    Args:
        path: the file.
        folder: an empty one, for what is written.

    Raises:
        Exception: any that is not one of ddcodec's; a note says which way it was.
    """
    found = {}
    try:
        ddcodec.open(path).close()
    except DdcodecError as error:  # then there is no way at all
        return {"open": error.code}
    for name, way in WAYS.items():
        try:
            with ddcodec.open(path) as artifact:
                way(artifact, folder)
            found[name] = "ok"
        except DdcodecError as error:
            found[name] = error.code
        except Exception as error:
            error.add_note(f"by way of {name}")
            raise
    return found


def _inspect(artifact: Artifact, folder: Path) -> None:
    json.dumps(as_values(artifact), default=repr)
    for line in as_lines(artifact):
        line.encode("utf-8", "surrogatepass")
    repr(artifact)


def _sizes(artifact: Artifact, folder: Path) -> None:
    artifact.sizes().to_map()
    artifact.support().describe()


def _summary(artifact: Artifact, folder: Path) -> None:
    list(describe_labels(artifact.table))
    for teacher in stored_teachers(artifact.table):
        teacher.to_map()


def _structure(artifact: Artifact, folder: Path) -> None:
    artifact.verify("structure")


def _stored_bytes(artifact: Artifact, folder: Path) -> None:
    artifact.verify("crc")


def _digest(artifact: Artifact, folder: Path) -> None:
    artifact.verify("digest")


def _pixels(artifact: Artifact, folder: Path) -> None:
    if _small(artifact):
        artifact.verify("pixels", sample=2)


def _labels(artifact: Artifact, folder: Path) -> None:
    head, recipe = artifact.head, artifact.recipe
    for c in {head.row_classes[0], head.row_classes[-1]}:
        for view in {0, recipe.views - 1}:
            if recipe.labels.kind == "soft":
                artifact.labels.logits([(c, 0), (c, recipe.ipc - 1)], view)
            elif recipe.labels.kind == "hard":
                artifact.table.hard_label(c, recipe.ipc - 1, view)


def _pictures(artifact: Artifact, folder: Path) -> None:
    if _small(artifact):
        rows = artifact.head.all_rows
        for view in {0, artifact.recipe.views - 1}:
            artifact.renderer().images([rows[0], rows[-1]], view)


def _items(artifact: Artifact, folder: Path) -> None:
    if _small(artifact):
        data = artifact.dataset()
        data[0], data[len(data) - 1]
        data.set_epoch(artifact.recipe.views - 1)
        data.probabilities([0])
        repr(data)


def _subset(artifact: Artifact, folder: Path) -> None:
    first = artifact.classes[0]
    artifact.subset(folder / "first.ddz", classes=[first], ipc=1, support=False, force=True)


def _merge(artifact: Artifact, folder: Path) -> None:
    parts = [folder / "left.ddz", folder / "right.ddz"]
    names = artifact.classes
    if len(names) > 1:
        artifact.subset(parts[0], classes=names[:1], force=True)
        artifact.subset(parts[1], classes=names[1:], force=True)
        ddcodec.merge(parts, folder / "merged.ddz", force=True)


def _decode(artifact: Artifact, folder: Path) -> None:
    if _small(artifact):
        out = folder / artifact.digest / str(len(list(folder.iterdir())))
        ddcodec.decode(artifact, out, classes=artifact.classes[:1], ipc=1, progress=False)


def _export(artifact: Artifact, folder: Path) -> None:
    if _small(artifact):
        place = folder / f"exports-{len(list(folder.iterdir()))}"
        for kind in ("numpy", "mtt", "webdataset"):
            ddcodec.export(
                artifact,
                place / kind,
                to=kind,
                classes=artifact.classes[:1],
                ipc=1,
                device="cpu",
                progress=False,
            )


def _sheet(artifact: Artifact, folder: Path) -> None:
    from ddcodec.reporting.collect import sheet_of

    if _small(artifact):
        json.dumps(sheet_of(artifact).to_map(), default=repr)


def _small(artifact: Artifact) -> bool:
    """Whether pictures take a moment: those that are generated take a prior, and more."""
    width, height = artifact.recipe.size
    return isinstance(artifact.recipe.synthesis, Stored) and width * height <= _PIXELS


Way = Callable[[Artifact, Path], None]

WAYS: Final[Mapping[str, Way]] = {
    "inspect": _inspect,
    "sizes": _sizes,
    "summary": _summary,
    "structure": _structure,
    "crc": _stored_bytes,
    "digest": _digest,
    "pixels": _pixels,
    "labels": _labels,
    "pictures": _pictures,
    "items": _items,
    "subset": _subset,
    "merge": _merge,
    "decode": _decode,
    "export": _export,
    "sheet": _sheet,
}
