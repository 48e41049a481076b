"""A torch Dataset over an open artifact: (image, label), view by view.

Map-style: index i is the row (class, slot) i // ipc, i % ipc of the chosen classes, and
``set_epoch`` chooses the view, so that an epoch costs what its images cost and every epoch of V
shows another stored view, of fresh pictures where slots have variations.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, get_worker_info

from ddcodec.arrays import Float32s, Row, UInt8s
from ddcodec.artifact.ahead import Ahead
from ddcodec.artifact.slicing import at_most
from ddcodec.devices import resolve_device
from ddcodec.errors import RequestError
from ddcodec.labels.reader import LabelReader
from ddcodec.labels.softmax import torch_probabilities
from ddcodec.labels.store import LabelStore
from ddcodec.recipe.synthesis import Stored
from ddcodec.rendering.renderer import KEPT_PICTURES, Execution, Renderer
from ddcodec.table.table import Table

if TYPE_CHECKING:
    from ddcodec.labels.teacher.execute import StoredTeacher

__all__ = ["DistilledDataset", "LabelForm", "Pixels", "Transform"]

Transform = Callable[[Tensor], Any]
Pixels = Literal["uint8", "float"]
LabelForm = Literal["soft", "hard"]


class DistilledDataset(Dataset[tuple[Any, Any]]):
    """Images and labels of one artifact, rendered when asked for.

    Args:
        table: the open table of an artifact.
        classes: names of the classes wanted; all by default.
        ipc, views: use only the first slots and the first views.
        device: where generated pictures are computed, and where ``batch`` puts its tensors.
        transform: applied to each image tensor.
        pixels: ``uint8`` images [3, h, w] in 0..255, or ``float``: float32 normalised by the
            recipe's mean and standard deviation.
        labels: ``soft``: float32[K] probabilities at the stored temperature over all
            ``classes`` (one-hot, or mixed one-hot, for hard labels); ``hard``: the
            class index of the row.
        prior: where to find the prior, which may be fetched; by default the pinned one, where
            this machine has it.
        cache_bytes: pictures kept in memory, in bytes. Where two epochs' fit, those of the next
            epoch are made in the background; but not in workers of a DataLoader, which are the
            background, nor in distributed training, where other processes show other rows.

    Attributes:
        rows: (class index, slot) of each item.
        classes: all class names; the columns of soft labels.
        names: what to call them: readable names, or the same.
        head: the artifact's head, with its recipe.

    Raises:
        RequestError: an unknown class or none, more slots or views than stored, or an unknown
            form of pixels or labels.
    """

    def __init__(
        self,
        table: Table,
        *,
        classes: Sequence[str] | None = None,
        ipc: int | None = None,
        views: int | None = None,
        device: str = "cpu",
        transform: Transform | None = None,
        pixels: Pixels = "uint8",
        labels: LabelForm = "soft",
        prior: str | None = None,
        cache_bytes: int = KEPT_PICTURES,
    ) -> None:
        self.head, recipe = table.head, table.head.recipe
        _check_choice("pixels", pixels, get_args(Pixels))
        _check_choice("labels", labels, get_args(LabelForm))
        self.ipc = at_most("ipc", ipc, recipe.ipc)
        self.views = at_most("views", views, recipe.views)
        indices = self.head.row_classes if classes is None else self.head.class_indices(classes)
        self.rows: list[Row] = [(c, s) for c in indices for s in range(self.ipc)]
        self.classes = self.head.classes
        self.names = self.head.readable
        self.device = str(resolve_device(device))
        self.transform = transform
        self.pixels = pixels
        self.labels = labels
        self.cache_bytes = cache_bytes
        self._prior = prior
        self._table = table
        self._open()
        # Shared memory, so that persistent workers see the epoch their parent sets.
        self._epoch: Tensor = torch.zeros((), dtype=torch.int64)
        self._epoch.share_memory_()  # type: ignore[no-untyped-call]

    def _open(self) -> None:
        """What each process opens for itself."""
        self._renderer: Renderer | None = None
        self._ahead: Ahead | None = None
        self._opened_in = 0
        self._reader = LabelReader(self._table)
        self._teachers: dict[int, StoredTeacher] = {}

    def set_epoch(self, epoch: int) -> None:
        """Choose the view shown from now on: ``epoch % views``."""
        self._epoch.fill_(epoch)

    @property
    def view(self) -> int:
        """The view shown at present."""
        return int(self._epoch) % self.views

    @property
    def execution(self) -> Execution | None:
        """How images were generated in this process; None as long as none was."""
        return None if self._renderer is None else self._renderer.execution

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        if not -len(self) <= index < len(self):
            raise IndexError(f"row {index} of {len(self)}")
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[tuple[Any, Any]]:
        """A whole batch at once, as torch's DataLoader asks for it where it can."""
        rows = [self.rows[i] for i in indices]
        pictures = self._rendered(rows)
        images = self._tensors(pictures)
        shown = [image if self.transform is None else self.transform(image) for image in images]
        if self.labels == "hard":
            return list(zip(shown, (c for c, _ in rows), strict=True))
        labels = self._probabilities(rows, pictures)
        return list(zip(shown, labels, strict=True))

    def batch(self, indices: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Images [n, 3, h, w] and labels ([n, K] float32 or [n] int64), on ``device``.

        The quick way for training loops without a DataLoader; no transform is applied.
        """
        rows = [self.rows[i] for i in indices]
        pictures = self._rendered(rows)
        images = self._tensors(pictures).to(self.device)
        if self.labels == "hard":
            return images, torch.tensor([c for c, _ in rows], device=self.device)
        return images, self._probabilities(rows, pictures, self.device)

    def images(self, indices: Sequence[int]) -> Tensor:
        """[n, 3, h, w], as ``pixels`` asks: the images alone, at the present view, on the CPU."""
        return self._tensors(self._rendered([self.rows[i] for i in indices]))

    def pictures(self, indices: Sequence[int]) -> UInt8s:
        """uint8[n, h, w, 3]: what the present view is a view of, neither cropped nor mixed."""
        return self._opened().pictures([self.rows[i] for i in indices], self.view)

    def probabilities(self, indices: Sequence[int]) -> Float32s:
        """float32[n, K]: the labels alone, at the present view.

        Renders no image, but where a stored teacher has to see it.
        """
        return self._probabilities([self.rows[i] for i in indices]).numpy()

    def prepare(self) -> None:
        """Open the prior of generated pictures now; see :meth:`Renderer.prepare`."""
        self._opened().prepare()

    def _opened(self) -> Renderer:
        if self._ahead is not None and self._opened_in != os.getpid():
            self._open()  # a forked worker has none of its parent's threads, but their locks
        if self._renderer is None:
            self._opened_in = os.getpid()
            self._renderer = Renderer(
                self._table, prior=self._prior, device=self.device, cache_bytes=self.cache_bytes
            )
            if self._works_ahead():
                self._ahead = Ahead(self._renderer, self.rows)
        return self._renderer

    def _works_ahead(self) -> bool:
        recipe = self.head.recipe
        if isinstance(recipe.synthesis, Stored) or min(self.views, recipe.variations) == 1:
            return False
        epoch = len(self.rows) * 3 * recipe.width * recipe.height
        alone = not (torch.distributed.is_available() and torch.distributed.is_initialized())
        return 2 * epoch <= self.cache_bytes and alone and get_worker_info() is None

    def _rendered(self, rows: Sequence[Row]) -> UInt8s:
        """uint8[n, height, width, 3]: the rows at the present view."""
        images = self._opened().images(rows, self.view)
        if self._ahead is not None:
            self._ahead.make((self.view + 1) % self.views)
        return images

    def _tensors(self, pictures: UInt8s) -> Tensor:
        """[n, 3, height, width], as ``pixels`` asks."""
        images = torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2)))
        if self.pixels == "uint8":
            return images
        evaluation = self.head.recipe.evaluation
        mean = torch.tensor(evaluation.mean, dtype=torch.float32).view(1, 3, 1, 1) / 65536
        std = torch.tensor(evaluation.std, dtype=torch.float32).view(1, 3, 1, 1) / 65536
        return (images.to(torch.float32) / 255 - mean) / std

    def _probabilities(
        self,
        rows: Sequence[Row],
        pictures: UInt8s | None = None,
        device: str = "cpu",
    ) -> Tensor:
        """float32[n, K]: label probabilities of the rows at the present view.

        ``pictures`` are the rows' own, if they have been rendered.
        """
        head = self.head
        if head.recipe.labels.kind == "hard":
            hard = np.zeros((len(rows), len(self.classes)), np.float32)
            return torch.from_numpy(self._hard_probabilities(rows, hard)).to(device)
        out = torch.zeros(len(rows), len(self.classes), device=device)
        by_origin: dict[tuple[int, int], list[int]] = {}
        for n, (c, _) in enumerate(rows):
            by_origin.setdefault(head.origin(c), []).append(n)
        for (start, count), members in by_origin.items():
            if head.recipe.labels.kind == "teacher":
                pictures = self._rendered(rows) if pictures is None else pictures
                logits = self._teacher(start).logits(pictures[members])
            else:
                logits = self._reader.logits([rows[n] for n in members], self.view)
            there = torch.from_numpy(logits).to(device)
            soft = torch_probabilities(there, head.recipe.labels.temperature)
            out[torch.tensor(members, device=device), start : start + count] = soft
        return out

    def _teacher(self, origin: int) -> StoredTeacher:
        """The stored teacher of the classes that start there."""
        if origin not in self._teachers:
            from ddcodec.labels.teacher.execute import StoredTeacher

            codec, weights = LabelStore(self._table).teacher(origin)
            self._teachers[origin] = StoredTeacher(codec, weights, device=self.device)
        return self._teachers[origin]

    def _hard_probabilities(self, rows: Sequence[Row], out: Float32s) -> Float32s:
        mix = self._opened().mixing(rows, self.view)
        for n, (c, s) in enumerate(rows):
            share = 1.0 if mix is None else float(mix.share[n])
            out[n, self._table.hard_label(c, s, self.view)] += share
            if mix is not None:
                out[n, mix.partners[n][0]] += 1 - share
        return out

    def __getstate__(self) -> dict[str, Any]:
        # A worker renders for itself: the prior, caches and teachers stay behind.
        left = ("_renderer", "_ahead", "_reader", "_teachers")
        return {key: value for key, value in self.__dict__.items() if key not in left}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._open()


def _check_choice(name: str, value: object, known: tuple[str, ...]) -> None:
    if value not in known:
        raise RequestError(f"{name}={value!r} is none of {', '.join(map(repr, known))}")
