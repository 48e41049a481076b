"""Files of a label tree: which batches it has, of which epochs, and whose images where it says.

Source: SRe2L (``epoch_{e}/batch_{b}.tar``), LPLD (and ``sampler_indices_epoch.json``), LPQLD
(``batch_{n}.tar``, all in one folder, and ``sampler_indices_batch.json``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ddcodec.arrays import Int64s
from ddcodec.errors import MissingSourceError, SourceError
from ddcodec.files import read_json
from ddcodec.sources.paths import printable

__all__ = ["LabelTree", "find_tree"]

_EPOCH, _BATCH = re.compile(r"epoch_(\d{1,7})"), re.compile(r"batch_(\d{1,9})\.tar")
_OF_EPOCHS, _OF_BATCHES = "sampler_indices_epoch.json", "sampler_indices_batch.json"
_MOST_JSON = 1 << 30


@dataclass(frozen=True)
class LabelTree:
    """The batches of a tree.

    Attributes:
        path: the folder.
        epochs: for each epoch, its batches' files in order.
        images: for each epoch, the numbers of the images that it shows, in order; None where the
            tree does not say.
    """

    path: Path
    epochs: tuple[tuple[Path, ...], ...]
    images: tuple[Int64s, ...] | None


def find_tree(path: Path, images: int, views: int | None = None) -> LabelTree:
    """The tree in a folder.

    Args:
        path: the folder.
        images: how many pictures it should label.
        views: take so many first epochs; all by default.

    Raises:
        MissingSourceError: there is no such folder.
        SourceError: it is no label tree, one of a form that cannot be taken in, or it has holes.
    """
    name = printable(path)
    if not path.is_dir():
        raise MissingSourceError(f"{name} is no folder; a label tree is one")
    epochs = _numbered(path, _EPOCH)
    if epochs:
        epochs = {number: one for number, one in epochs.items() if views is None or number < views}
        _check_complete([*epochs], name, "epoch_{}", views)
        batches = []
        for folder in epochs.values():
            files = _numbered(folder, _BATCH)
            if not files:
                raise SourceError(f"{printable(folder)} holds no batch_0.tar; the tree has a hole")
            _check_complete([*files], printable(folder), "batch_{}.tar")
            batches.append(tuple(files.values()))
        order = _order(path / _OF_EPOCHS, len(epochs))
        return LabelTree(path, tuple(batches), order)
    files = _numbered(path, _BATCH)
    if not files:
        _refuse_other(path, name)
    _check_complete([*files], name, "batch_{}.tar")
    tree = _flat(path, tuple(files.values()), images, views)
    _check_complete([*range(len(tree.epochs))], name, "epoch {}", views)
    return tree


def _numbered(folder: Path, names: re.Pattern[str]) -> dict[int, Path]:
    """Entries whose names have a number, by it."""
    found = ((names.fullmatch(one.name), one) for one in folder.iterdir())
    return dict(sorted((int(match[1]), one) for match, one in found if match))


def _check_complete(numbers: list[int], where: str, form: str, count: int | None = None) -> None:
    wanted = max([*numbers, -1]) + 1 if count is None else count
    missing = sorted({*range(wanted)} - {*numbers})
    if missing:
        few = ", ".join(form.format(n) for n in missing[:3])
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise SourceError(
            f"{where} lacks {few}{more}: labels of the views in between would be missing. Get the "
            "rest of the tree, or take fewer views than stand before the hole"
        )


def _flat(path: Path, files: tuple[Path, ...], images: int, views: int | None) -> LabelTree:
    """Batches in one folder, counted over all epochs; their images say where an epoch ends."""
    listed = _order(path / _OF_BATCHES, len(files))
    if listed is None:
        raise SourceError(
            f"{printable(path)} has batches without epochs, and no {_OF_BATCHES} that says whose "
            "images they are; get that file, too"
        )
    epochs: list[tuple[Path, ...]] = []
    orders: list[Int64s] = []
    start = count = 0
    for number, here in enumerate(listed):
        if len(epochs) == views:
            break
        count += len(here)
        if count < images:
            continue
        if count > images:
            break
        epochs.append(files[start : number + 1])
        orders.append(np.concatenate(listed[start : number + 1]))
        start, count = number + 1, 0
    if count:
        raise SourceError(
            f"batches {start} to {len(files) - 1} of {printable(path)} label {count:,} images, and "
            f"an epoch has {images:,}: a tree that was pruned batch by batch leaves images without "
            "a label in some epochs, and a table has one for every view. Write it without pruning"
        )
    return LabelTree(path, tuple(epochs), tuple(orders))


def _order(path: Path, count: int) -> tuple[Int64s, ...] | None:
    """The lists of images of so many epochs or batches; None where there is no such file."""
    name = printable(path)
    if not path.exists():
        return None
    if path.stat().st_size > _MOST_JSON:
        raise SourceError(f"{name} has more than 1 GiB; it is no list of images")
    try:
        found: Any = read_json(path)
    except (OSError, ValueError) as error:
        raise SourceError(f"{name} is no JSON; get it again") from error
    lists = []
    for number in range(count):
        here = found.get(str(number)) if isinstance(found, Mapping) else None
        if not isinstance(here, list) or not all(type(one) is int for one in here):
            raise SourceError(f"{name} does not say which images number {number} holds")
        lists.append(np.array(here, np.int64))
    return tuple(lists)


def _refuse_other(path: Path, name: str) -> None:
    """Say what a folder is that is no such tree."""
    own = next(iter([*path.glob("n????????/*.tar"), *path.glob("*/n????????/*.tar")]), None)
    if own is not None:
        raise SourceError(
            f"{name} looks like labels of the first FKD, one file for each image of ImageNet: they "
            "label a data set that is not distilled, crop by crop, and store probabilities of a "
            "few classes; such labels are not taken in"
        )
    raise SourceError(f"{name} holds neither epoch_0 nor batch_0.tar: it is no label tree")
