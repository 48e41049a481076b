"""A label tree as the soft labels and stored draws of an artifact: each epoch is a view.

One file is open at a time. What it says goes to its place, by (class, slot, view), in two arrays
on the disk, so that a tree of any size takes the memory of a batch; finished epochs are kept, and a
run that was interrupted goes on after them.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ddcodec.arrays import Int32s, Int64s, Progress
from ddcodec.codecs.top_k_labels import TopKLabels
from ddcodec.codecs.view_draws import NUMBERS, ViewDraws
from ddcodec.container import Box, NewSection
from ddcodec.errors import RequestError, SourceError
from ddcodec.exchange.fkd.order import SEED, Agreement
from ddcodec.exchange.fkd.reading import TreeReader
from ddcodec.exchange.fkd.store import Store
from ddcodec.exchange.fkd.tree import find_tree
from ddcodec.labels.encoder.label_set import Logits
from ddcodec.recipe.fields import Ratio
from ddcodec.recipe.head import Head
from ddcodec.recipe.view import View
from ddcodec.sources.paths import printable
from ddcodec.table.slots import MAX_VALUES, class_groups

__all__ = ["TEMPERATURE", "TreeLabels", "read_labels"]

TEMPERATURE: Ratio = (20, 1)
"""At which students of SRe2L and its kin are trained."""

# A section of draws holds whole views, where partners are in the batch; decoded in a moment.
_SECTION_DRAWS = 1 << 16


@dataclass(frozen=True, eq=False)
class TreeLabels:
    """Soft labels of every slot and view, and what is done to pictures in these views.

    Attributes:
        logits: [classes x ipc, views, K] in 1/64 nat, their mean zero.
        draws: int32 [classes, ipc, views, 11], as
            :class:`ddcodec.codecs.view_draws.ViewDraws` has them.
        digest: SHA-256 (hex) of both.
        temperature: at which students are trained.
        view: what views vary.
        size: (width, height) of a picture.
        listed: k, where a tree lists the k largest logits of each label alone; the other classes
            have no probability then. Else None.
        agreement: how many labels are highest for the class that most of their view shows.
        draws_of_epochs: permutations that the sampler drew in each epoch, where the order of the
            images was found by trying; else 0.
    """

    logits: Logits
    draws: Int32s
    digest: str
    temperature: Ratio
    view: View
    size: tuple[int, int]
    listed: int | None
    agreement: Agreement
    draws_of_epochs: int

    @property
    def views(self) -> int:
        """Views of each picture: the epochs of the tree."""
        return self.logits.shape[1]

    def sections(self, head: Head | None = None) -> list[NewSection]:
        """The sections that hold the draws."""
        classes, slots, views, _ = self.draws.shape
        codec = ViewDraws(self.size[1], self.size[0])
        each = min(classes, max(1, MAX_VALUES // (slots * NUMBERS)))
        count = max(1, min(views, _SECTION_DRAWS // (each * slots)))
        return [
            NewSection(
                "draws",
                codec.spec(),
                Box(c, min(each, classes - c), 0, slots, v, min(count, views - v)),
                codec.encode(np.ascontiguousarray(self.draws[c : c + each, :, v : v + count])),
            )
            for c in range(0, classes, each)
            for v in range(0, views, count)
        ]

    def lists(self, head: Head | None = None) -> list[NewSection]:
        """Sections of labels that are lists of the k largest logits, without a loss.

        Raises:
            RequestError: these labels are no lists.
        """
        if self.listed is None:
            raise RequestError("these labels are of all classes; a label encoder codes them")
        (count, views, width), ipc = self.logits.shape, self.draws.shape[1]
        seen, sections = max(1, min(views, MAX_VALUES // (2 * ipc * width))), []
        for start, some in class_groups(count // ipc, ipc * seen * width, MAX_VALUES // 2):
            rows = slice(start * ipc * views, (start + some) * ipc * views)
            values = self.logits.rows(rows).reshape(some, ipc, views, width)
            for view in range(0, views, seen):
                part = np.ascontiguousarray(values[:, :, view : view + seen])
                codec = TopKLabels.for_labels(part, self.listed)
                box = Box(start, some, 0, ipc, view, part.shape[2])
                sections.append(NewSection("labels", codec.spec(), box, codec.encode(part)))
        return sections


def read_labels(
    path: str | os.PathLike[str],
    *,
    classes: int,
    ipc: int,
    size: tuple[int, int],
    work: str | os.PathLike[str],
    order: Sequence[int] | Int64s | None = None,
    columns: Sequence[int] | None = None,
    views: int | None = None,
    seed: int = SEED,
    temperature: Ratio = TEMPERATURE,
    progress: Progress | None = None,
) -> TreeLabels:
    """Read a label tree of SRe2L, CDA, D4M, G-VBSM, LPLD or LPQLD.

    Args:
        path: the folder that holds ``epoch_0``, or ``batch_0.tar``.
        classes: K, those of the labels.
        ipc: pictures of each class.
        size: (width, height) of a picture, which is the size that its crops are resized to.
        work: a folder for what is read, made if absent; it takes 2 K + 44 bytes for each label.
        order: for each image as the tree counts them, which is torchvision's ``ImageFolder``
            (folders and files sorted as text), its row: class x ipc + slot. By default they are
            the same.
        columns: for each class of pictures, its class among those of the labels; by default
            pictures have all of them, in the same order.
        views: take so many first epochs; all by default.
        seed: of the sampler, where the tree does not say whose images its places are.
        temperature: of training.
        progress: called with what is done, how many epochs are, and of how many.

    Raises:
        RequestError: the order is none of so many pictures, columns are none of the labels', or
            the work is of another tree.
        MissingSourceError: a file or folder is not there.
        SourceError: a file is damaged or says what no view of these pictures can; epochs, batches
            or images are missing or there twice; or labels fit the pictures in no order.
        EncodeError: the work folder cannot be written, or another process holds it.
    """
    own = np.arange(classes) if columns is None else np.asarray(columns, np.int64)
    if not len(own) or own.min() < 0 or own.max() >= classes:
        raise RequestError(f"columns are not within the {classes:,} classes of the labels")
    images = len(own) * ipc
    rows = np.arange(images) if order is None else np.asarray(order, np.int64)
    if not np.array_equal(np.sort(rows), np.arange(images)):
        raise RequestError(f"order is not a permutation of {images:,} pictures")
    tree = find_tree(Path(path), images, views)
    reader = TreeReader(tree, rows, own, (classes, ipc), size, seed)
    shape = images, len(tree.epochs), classes
    with Store.held(Path(work), reader.job(), shape) as store:
        draws, order_of = reader.orders()
        for epoch in range(len(store.epochs), len(tree.epochs)):
            store.finish(reader.epoch(epoch, order_of(epoch), store))
            if progress is not None:
                progress("label tree", epoch + 1, len(tree.epochs))
    done = store.epochs
    listed = {one["listed"] for one in done}
    if len(listed) > 1:
        raise SourceError(f"batches of {printable(path)} list different numbers of classes")
    flips, mixes = any(one["flips"] for one in done), any(one["mixes"] for one in done)
    digests = json.dumps([one["digest"] for one in done]).encode()
    return TreeLabels(
        Logits(shape, ipc, lambda c: np.array(store.logits[c * ipc : (c + 1) * ipc])),
        store.draws.reshape(len(own), ipc, len(tree.epochs), NUMBERS),
        hashlib.sha256(digests).hexdigest(),
        temperature,
        View("stored", flip=int(flips), cutmix=int(mixes)),
        size,
        listed.pop() or None,
        sum((Agreement(*one["agreement"]) for one in done), Agreement()),
        draws,
    )
