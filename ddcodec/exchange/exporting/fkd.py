"""A tree of FKD labels with the images beside it, as SRe2L reads them (format ``fkd``).

A view becomes an epoch: view 0, the image itself unless views are stored, is epoch 0. Order of the
images, names and fields are those of VILA-Lab/SRe2L, SRe2L/relabel/generate_soft_label.py and
utils_fkd.py. The order, which they store nowhere, stands in ``sampler_indices_epoch.json``, as LPLD
has it (he-y/soft-label-pruning-for-dataset-distillation).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ddcodec.arrays import Bools, Float16s, Float32s, Int16s, Row, UInt8s
from ddcodec.codecs.label_model import UNITS_PER_NAT
from ddcodec.errors import RequestError
from ddcodec.exchange.exporting.format import ExportFormat
from ddcodec.exchange.exporting.options import ViewCount
from ddcodec.exchange.exporting.selection import Selection
from ddcodec.exchange.exporting.tensors import check_has_logits, check_is_whole
from ddcodec.exchange.folder import png
from ddcodec.recipe.head import Recipe
from ddcodec.table.draws import draw_rows

if TYPE_CHECKING:
    from torch.utils.data import RandomSampler

__all__ = ["Fkd", "halves_of"]

LABELS, IMAGES, ORDER = "labels", "images", "sampler_indices_epoch.json"
SEED = 42
"""Of the generator that shuffles the images (SRe2L's ``fkd_seed``)."""
LABEL_BATCH = 128
_ROWS = 64
_CANNOT = {
    "variations": "it shows one picture per slot, these views take turns at several",
    "pad": "its crops lie within the picture, these reach beyond it",
    "cutmix": "it mixes a whole batch by one box, these have a box and a partner each",
    "vflip": "it mirrors left to right only",
    "rotate": "it turns nothing",
    "brightness": "it leaves brightness and contrast alone",
    "gamma": "it leaves gamma alone",
}


class Fkd(ExportFormat):
    """``labels/epoch_E/batch_B.tar`` and ``images/new000/class000_id000.png``.

    A batch is ``[coords, flip, mix_index, mix_lam, mix_bbox, logits]``: float32 [B, 4] of (top,
    left, height, width) as shares of the picture, bool [B], None three times (nothing is mixed),
    float16 [B, K]. Multiples of 1/64 are exact in float16 up to 32 nats.
    """

    name = "fkd"
    summary = "FKD label tree of SRe2L, an epoch per view, with the images beside it"
    takes = ("views", "label_batch")
    order = f"{ORDER}: for each epoch the images in order, numbered class-major"
    labels = "labels/: logits of every view, float16, at temperature 1"

    @property
    def views(self) -> ViewCount:
        return self.options.views or "all"

    def count(self, selection: Selection) -> int:
        return len(selection.data)

    def check(self, selection: Selection) -> None:
        check_has_logits(self.name, selection.artifact.head)
        check_is_whole(self.name, selection)
        reasons = [_CANNOT[name] for name in _unsaid(selection.artifact.recipe)]
        if (selection.views > 1 or selection.artifact.recipe.view.stored) and reasons:
            raise RequestError(
                f"fkd cannot say the views of this artifact: {'; '.join(reasons)}. Choose views=1, "
                "which is the images themselves, or encode with view='resized-crop+flip'"
            )

    def write(self, selection: Selection, folder: Path) -> dict[str, Any]:
        self._write_images(selection, folder / IMAGES)
        rounded = self._write_labels(selection, folder)
        return {
            "files": {"labels": LABELS, "images": IMAGES, "order": ORDER},
            "label_batch": self._batch(selection),
            "fkd_seed": SEED,
            "logits_rounded": rounded,
        }

    def _batch(self, selection: Selection) -> int:
        return min(self.options.label_batch or LABEL_BATCH, len(selection.data))

    def _write_images(self, selection: Selection, folder: Path) -> None:
        # As wide as the largest number, so that sorting folders and files sorts the rows.
        wide, long = (max(3, len(str(n - 1))) for n in (selection.class_count, selection.data.ipc))
        for (c, slot), image in _pictures(selection):
            place = folder / f"new{c:0{wide}d}" / f"class{c:0{wide}d}_id{slot:0{long}d}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(png(image))

    def _write_labels(self, selection: Selection, folder: Path) -> int:
        """Write the tree and the order; returns how many logits float16 has rounded."""
        import torch

        rounded, step = 0, self._batch(selection)
        orders = _orders(len(selection.data))
        with (folder / ORDER).open("w", encoding="ascii") as said:
            for epoch in range(selection.views):
                order = next(orders)
                said.write(f'{", " if epoch else "{"}"{epoch}": {json.dumps(order)}')
                coords, flips = _draws(selection, epoch)
                logits, changed = halves_of(_logits(selection, epoch))
                rounded += changed
                place = folder / LABELS / f"epoch_{epoch}"
                place.mkdir(parents=True)
                for batch, start in enumerate(range(0, len(order), step)):
                    rows = order[start : start + step]
                    drawn = [torch.from_numpy(array[rows]) for array in (coords, flips)]
                    parts = [*drawn, None, None, None, torch.from_numpy(logits[rows])]
                    torch.save(parts, place / f"batch_{batch}.tar")
                selection.tell("epochs of labels", epoch + 1, selection.views)
            said.write("}\n")
        return rounded


def _pictures(selection: Selection) -> Iterator[tuple[Row, UInt8s]]:
    """Each row and its picture, uint8 [h, w, 3]: view 0 shows that, unless views are stored."""
    data = selection.data
    if not data.head.recipe.view.stored:
        for batch in selection.batches("none", views=1):
            yield from zip(batch.rows, batch.images[:, 0], strict=True)
        return
    for start in range(0, len(data), _ROWS):
        rows = data.rows[start : start + _ROWS]
        yield from zip(rows, data.pictures(rows), strict=True)


def _unsaid(recipe: Recipe) -> Iterator[str]:
    """What the views of a recipe do that FKD has no words for."""
    view = recipe.view
    if recipe.variations > 1:
        yield "variations"
    if view.kind == "pad-crop":
        yield "pad"
    if view.cutmix:
        yield "cutmix"
    if view.vflip:
        yield "vflip"
    yield from (name for name in ("rotate", "brightness", "gamma") if getattr(view, name)[-1])


def _orders(count: int) -> Iterator[list[int]]:
    """For one epoch after the other, the images as SRe2L's loader shuffles them."""
    import torch

    generator = torch.Generator()
    generator.manual_seed(SEED)
    sampler: RandomSampler = torch.utils.data.RandomSampler(range(count), generator=generator)
    while True:
        yield list(sampler)


def _draws(selection: Selection, view: int) -> tuple[Float32s, Bools]:
    """Of each row, (top, left, height, width) as shares of the picture, and whether it is mirrored.

    Returns:
        float32 [rows, 4] and bool [rows].
    """
    width, height = selection.size
    drawn, _ = draw_rows(selection.artifact.table, selection.data.rows[:], view)
    boxes = np.stack([drawn.top, drawn.left, drawn.rows, drawn.columns], axis=1)
    shares = boxes / np.array([height, width, height, width])
    return shares.astype(np.float32), drawn.flip.astype(bool)


def _logits(selection: Selection, view: int) -> Int16s:
    """int16 [rows, K] in 1/64 nat: of a view of all rows."""
    data = selection.data
    starts = range(0, len(data), _ROWS)
    return np.concatenate([data.logits(data.rows[s : s + _ROWS], view) for s in starts])


def halves_of(logits: Int16s) -> tuple[Float16s, int]:
    """Logits in nats as float16, and how many of them that has changed."""
    halves = (logits.astype(np.float32) / UNITS_PER_NAT).astype(np.float16)
    changed = halves.astype(np.float32) * UNITS_PER_NAT != logits
    return halves, int(np.count_nonzero(changed))
