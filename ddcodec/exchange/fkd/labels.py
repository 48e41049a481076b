"""A label tree as the soft labels and stored draws of an artifact: each epoch is a view.

One file is open at a time. What it says goes to its place, by (class, slot, view), in two arrays
on the disk, so that a tree of any size takes the memory of a batch; finished epochs are kept, and a
run that was interrupted goes on after them.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from ddcodec.arrays import Float64s, Int16s, Int32s, Int64s, Progress
from ddcodec.codecs.label_model import UNITS_PER_NAT
from ddcodec.codecs.view_draws import NUMBERS, ViewDraws
from ddcodec.container import Box, NewSection
from ddcodec.errors import EncodeError, RequestError, SourceError
from ddcodec.exchange.fkd.batch import Batch, batch_of
from ddcodec.exchange.fkd.order import SEED, Agreement, Sampler, agreement, check_agreement
from ddcodec.exchange.fkd.saved import load_saved
from ddcodec.exchange.fkd.tree import LabelTree, find_tree
from ddcodec.exchange.top_k import from_top_k
from ddcodec.files import locked, read_json, write_whole
from ddcodec.labels.encoder.label_set import Logits
from ddcodec.recipe.fields import Ratio
from ddcodec.recipe.head import Head
from ddcodec.recipe.view import View
from ddcodec.sources.paths import printable
from ddcodec.table.slots import MAX_VALUES

__all__ = ["TEMPERATURE", "TreeLabels", "read_labels"]

TEMPERATURE: Ratio = (20, 1)
"""At which students of SRe2L and its kin are trained."""

_SCHEMA = "ddcodec.fkd/1"
_RECORD, _LOGITS, _DRAWS = "read.json", "logits.i16", "draws.i32"
_MOST_NATS = 511
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
    with _Reading(tree, rows, own, (classes, ipc), size, seed).held(Path(work)) as reading:
        return reading.read(temperature, progress)


class _Reading:
    """One tree on its way into the work folder."""

    def __init__(
        self,
        tree: LabelTree,
        rows: Int64s,
        columns: Int64s,
        table: tuple[int, int],
        size: tuple[int, int],
        seed: int,
    ) -> None:
        self._tree, self._rows, self._size, self._seed = tree, rows, size, seed
        self._classes, self._ipc = table
        self._views, self._images = len(tree.epochs), len(rows)
        self._classes_of = columns[rows // self._ipc]

    @contextmanager
    def held(self, work: Path) -> Iterator[_Reading]:
        """With the work folder, which no other process may use meanwhile."""
        try:
            with locked(work):
                self._work = work
                self._record = self._claimed()
                shape = self._images, self._views
                self._logits = self._mapped(_LOGITS, np.int16, (*shape, self._classes))
                self._draws = self._mapped(_DRAWS, np.int32, (*shape, NUMBERS))
                yield self
        except OSError as error:
            if isinstance(error, SourceError):
                raise
            raise EncodeError(
                f"cannot write into {printable(work)}: {error.strerror}; free some space and run "
                "it again, finished epochs are kept"
            ) from error

    def read(self, temperature: Ratio, progress: Progress | None) -> TreeLabels:
        draws, orders = self._orders()
        done: list[dict[str, Any]] = self._record["epochs"]
        for epoch in range(len(done), self._views):
            done.append(self._epoch(epoch, orders(epoch)))
            self._logits.flush()
            self._draws.flush()
            write_whole(self._work / _RECORD, json.dumps(self._record).encode())
            if progress is not None:
                progress("label tree", epoch + 1, self._views)
        listed = {one["listed"] for one in done}
        if len(listed) > 1:
            raise SourceError(
                f"the batches of {printable(self._tree.path)} list different numbers of classes"
            )
        k = listed.pop()
        digests = json.dumps([one["digest"] for one in done]).encode()
        shape = self._images, self._views, self._classes
        table = self._draws.reshape(-1, self._ipc, self._views, NUMBERS)
        flips, mixes = any(one["flips"] for one in done), any(one["mixes"] for one in done)
        return TreeLabels(
            Logits(shape, self._ipc, self._of_class),
            table,
            hashlib.sha256(digests).hexdigest(),
            temperature,
            View("stored", flip=int(flips), cutmix=int(mixes)),
            self._size,
            k or None,
            sum((Agreement(*one["agreement"]) for one in done), Agreement()),
            draws,
        )

    def _of_class(self, c: int) -> Int16s:
        return np.array(self._logits[c * self._ipc : (c + 1) * self._ipc])

    def _orders(self) -> tuple[int, Callable[[int], Int64s | None]]:
        """Permutations that the sampler draws (0 if not asked), and the images of an epoch.

        An epoch's images are None where its batches say them.
        """
        known = self._tree.images
        if known is not None:
            return 0, known.__getitem__
        if self._batch(self._tree.epochs[0][0]).images is not None:
            return 0, lambda _: None
        draws = self._draws_of_epochs()
        drawn = Sampler(self._images, self._seed, draws).epochs()
        seen: list[Int64s] = []

        def of(epoch: int) -> Int64s:
            seen[:] = seen[-1:]  # epochs are asked for in turn
            while self._drawn <= epoch:
                seen[:] = [next(drawn)]
                self._drawn += 1
            return seen[0]

        self._drawn = 0
        return draws, of

    def _draws_of_epochs(self) -> int:
        """1 or 2: by how many permutations in each epoch the labels fit their images better."""
        last = min(1, self._views - 1)
        orders, fits = {}, {}
        for draws in (2, 1):
            sampler = Sampler(self._images, self._seed, draws)
            orders[draws], fits[draws] = next(islice(sampler.epochs(), last, None)), Agreement()
        start = 0
        for path in self._tree.epochs[last]:
            batch = self._batch(path)
            for draws, order in orders.items():
                images = order[start : start + len(batch)]
                if len(images) == len(batch):
                    fits[draws] += agreement(batch, self._classes_of[images], self._size)
            start += len(batch)
        best = max(fits, key=lambda draws: fits[draws].share)
        others = ", ".join(f"{100 * one.share:.1f} %" for one in fits.values())
        how = (
            f"in the best order that a sampler with seed {self._seed} shows them in epoch {last} "
            f"(two permutations in each epoch and one: {others})"
        )
        check_agreement(fits[best], self._classes, how)
        return best

    def _batch(self, path: Path) -> Batch:
        return batch_of(load_saved(path), printable(path), self._size, self._classes)

    def _epoch(self, epoch: int, order: Int64s | None) -> dict[str, Any]:
        """Write an epoch's labels and draws to their places, and say what it is."""
        name = f"epoch {epoch} of {printable(self._tree.path)}"
        seen, start = np.zeros(self._images, np.int64), 0
        digest, fit = hashlib.sha256(), Agreement()
        flips = mixes = False
        listed = set[int]()
        for path in self._tree.epochs[epoch]:
            batch = self._batch(path)
            images = batch.images
            if images is None:
                if order is None or start + len(batch) > len(order):
                    raise SourceError(
                        f"{name} has more labels than {self._images:,}, one for each picture: "
                        "it is a tree of other pictures"
                    )
                images = order[start : start + len(batch)]
            start += len(batch)
            self._check_images(images, seen, name)
            rows = self._rows[images]
            fit += agreement(batch, self._classes_of[images], self._size)
            values, numbers = self._units(batch), self._numbers(batch, rows)
            self._logits[rows, epoch], self._draws[rows, epoch] = values, numbers
            for one in (rows, values, numbers):
                digest.update(np.ascontiguousarray(one).data)
            flips, mixes = flips or bool(batch.flips.any()), mixes or bool(numbers[:, 7:].any())
            listed.add(0 if batch.listed is None else batch.listed.shape[1])
        if start != self._images:
            raise SourceError(
                f"{name} has {start:,} labels for {self._images:,} pictures: batches are missing, "
                "or it is a tree of other pictures"
            )
        check_agreement(fit, self._classes, f"in {name}")
        return {
            "digest": digest.hexdigest(),
            "agreement": list(fit),
            "flips": flips,
            "mixes": mixes,
            "listed": max(listed),
        }

    def _check_images(self, images: Int64s, seen: Int64s, name: str) -> None:
        if len(images) and (images.min() < 0 or images.max() >= self._images):
            raise SourceError(
                f"{name} labels image {images.max():,}, and there are {self._images:,} pictures: "
                "it is a tree of other pictures"
            )
        np.add.at(seen, images, 1)
        if (seen > 1).any():
            raise SourceError(
                f"{name} labels image {int(np.argmax(seen > 1)):,} twice; a view has one label"
            )

    def _units(self, batch: Batch) -> Int16s:
        """int16 [B, K]: logits in 1/64 nat, their mean zero, or lists with the rest far below."""
        nats: Float64s = batch.logits.astype(np.float64)
        if batch.listed is not None:
            nats = nats - nats.max(axis=1, keepdims=True)
            nats -= np.log(np.exp(nats).sum(axis=1, keepdims=True))
            return from_top_k(batch.listed, nats, self._classes, rest="dropped")
        nats = nats - nats.mean(axis=1, keepdims=True)
        return np.rint(np.clip(nats, -_MOST_NATS, _MOST_NATS) * UNITS_PER_NAT).astype(np.int16)

    def _numbers(self, batch: Batch, rows: Int64s) -> Int32s:
        """int32 [B, 11]: the draws."""
        out = np.zeros((len(batch), NUMBERS), np.int32)
        out[:, :4], out[:, 4] = batch.crops, batch.flips
        first, last, start, end = batch.box
        if batch.partners is not None and last > first and end > start:
            partners = rows[batch.partners]
            out[:, 5] = partners // self._ipc - rows // self._ipc
            out[:, 6] = partners % self._ipc - rows % self._ipc
            out[:, 7:] = batch.box
        return out

    def _claimed(self) -> dict[str, Any]:
        """What the work folder says is done of this very job; of another it is refused."""
        job = {
            "tree": self._fingerprint(),
            "table": [self._classes, self._ipc, self._views],
            "size": list(self._size),
            "rows": hashlib.sha256(np.stack([self._rows, self._classes_of]).tobytes()).hexdigest(),
            "seed": self._seed,
        }
        path = self._work / _RECORD
        fresh: dict[str, Any] = {"schema": _SCHEMA, "job": job, "epochs": []}
        if not path.exists():
            return fresh
        try:
            found = read_json(path)
        except ValueError:
            return fresh
        if found.get("schema") != _SCHEMA or found.get("job") != job:
            raise RequestError(
                f"{printable(self._work)} holds the labels of another tree or of other pictures: "
                "choose another work folder, or remove this one"
            )
        if not all((self._work / name).exists() for name in (_LOGITS, _DRAWS)):
            return fresh
        return found

    def _fingerprint(self) -> str:
        """SHA-256 (hex) of the names, sizes and times of all batches."""
        digest = hashlib.sha256(str(self._tree.path.resolve()).encode())
        for path in (one for epoch in self._tree.epochs for one in epoch):
            status = path.stat()
            digest.update(f"{path.name} {status.st_size} {status.st_mtime_ns}\n".encode())
        return digest.hexdigest()

    def _mapped(self, name: str, dtype: type[np.generic], shape: tuple[int, ...]) -> Any:
        """An array on the disk; one of another size is made anew."""
        path = self._work / name
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        fits = path.exists() and path.stat().st_size == size
        if not fits:
            self._record["epochs"] = []
        return np.memmap(path, dtype, "r+" if fits else "w+", shape=shape)
