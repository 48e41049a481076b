"""The epochs of a label tree: whose labels they are, and what is kept of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from ddcodec.arrays import Float64s, Int16s, Int32s, Int64s
from ddcodec.codecs.label_model import UNITS_PER_NAT
from ddcodec.codecs.view_draws import NUMBERS
from ddcodec.errors import SourceError
from ddcodec.exchange.fkd.batch import Batch, batch_of
from ddcodec.exchange.fkd.order import Agreement, Sampler, agreement, check_agreement
from ddcodec.exchange.fkd.store import Store
from ddcodec.exchange.fkd.tree import LabelTree
from ddcodec.exchange.pickles import load_pickle
from ddcodec.exchange.top_k import from_top_k
from ddcodec.sources.paths import printable

__all__ = ["TreeReader"]

_MOST_NATS = 511
# A batch of 1,024 labels over 1,000 classes has two million bytes; none has as many as this.
_MOST_BYTES = 1 << 30


class TreeReader:
    """Reads the epochs of a tree into a store.

    Args:
        tree: its files.
        rows: int64 [images], the row, class x ipc + slot, of each image as the tree counts them.
        columns: int64 [classes of pictures], the class of each among those of the labels.
        table: (K, ipc).
        size: (width, height) of a picture.
        seed: of the sampler.
    """

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
        self._images = len(rows)
        self._classes_of = columns[rows // self._ipc]

    def job(self) -> dict[str, Any]:
        """Everything that determines what is read, as plain JSON values."""
        rows = np.stack([self._rows, self._classes_of]).astype(np.int64)
        return {
            "tree": self._fingerprint(),
            "table": [self._classes, self._ipc, len(self._tree.epochs)],
            "size": list(self._size),
            "rows": hashlib.sha256(rows.tobytes()).hexdigest(),
            "seed": self._seed,
        }

    def _fingerprint(self) -> str:
        """SHA-256 (hex) of the names, sizes and times of all batches."""
        digest = hashlib.sha256(str(self._tree.path.resolve()).encode())
        for path in (one for epoch in self._tree.epochs for one in epoch):
            status = path.stat()
            digest.update(f"{path.name} {status.st_size} {status.st_mtime_ns}\n".encode())
        return digest.hexdigest()

    def orders(self) -> tuple[int, Callable[[int], Int64s | None]]:
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
        made = -1

        def of(epoch: int) -> Int64s:
            """Of epochs that are asked for in turn, each once."""
            nonlocal made
            order = next(islice(drawn, epoch - made - 1, None))
            made = epoch
            return order

        return draws, of

    def _draws_of_epochs(self) -> int:
        """1 or 2: by how many permutations in each epoch the labels fit their images better."""
        last = min(1, len(self._tree.epochs) - 1)
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
        return batch_of(load_pickle(path, _MOST_BYTES), printable(path), self._size, self._classes)

    def epoch(self, epoch: int, order: Int64s | None, store: Store) -> dict[str, Any]:
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
            store.logits[rows, epoch], store.draws[rows, epoch] = values, numbers
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
