"""A torch Dataset over an open artifact: (image, label), view by view.

Map-style: index i is the row (class, slot) i // ipc, i % ipc of the chosen classes. Each time an
item is asked for it shows its next stored view, as random augmentation would, so that an epoch
costs what its images cost and every epoch shows another view, with its own label, and of fresh
pictures where slots have variations.
"""

from __future__ import annotations

import copy
import operator
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args, overload

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, default_collate, get_worker_info

from ddcodec.arrays import Float32s, Int16s, Row, UInt8s
from ddcodec.artifact.ahead import Ahead
from ddcodec.artifact.probabilities import hard_probabilities
from ddcodec.artifact.slicing import at_most
from ddcodec.artifact.view_clock import ViewClock
from ddcodec.byte_cache import ByteCache
from ddcodec.classifiers.training import Statistics
from ddcodec.devices import resolve_device
from ddcodec.errors import RequestError, shown
from ddcodec.labels.reader import LabelReader
from ddcodec.labels.softmax import torch_probabilities
from ddcodec.labels.store import LabelStore
from ddcodec.recipe.rows import RowGrid
from ddcodec.recipe.synthesis import Stored
from ddcodec.rendering.renderer import KEPT_PICTURES, Execution, Renderer
from ddcodec.table.table import Table

if TYPE_CHECKING:
    from ddcodec.labels.teacher.execute import StoredTeacher

__all__ = ["DistilledDataset", "LabelForm", "Pixels", "Transform"]

Transform = Callable[[Tensor], Any]
Pixels = Literal["uint8", "float"]
LabelForm = Literal["soft", "hard"]
Key = TypeVar("Key")


class DistilledDataset(Dataset[tuple[Any, Any]]):
    """Images and labels of one artifact, rendered when asked for.

    ``data[i]`` is an (image, label). Each item counts how often it was asked for, in whichever
    process, and shows its next view every time; :meth:`set_epoch` makes all items show one view.
    ``data[a:b]`` is a dataset of these items, and ``data[[i, j, ...]]`` a batch of them.

    Args:
        table: the open table of an artifact.
        classes: names of the classes wanted; all by default.
        ipc, views: use only the first slots and the first views.
        device: where generated pictures are computed, and where ``batch`` puts its tensors.
        transform: applied to each image tensor.
        pixels: ``float``: images are float32[3, h, w], normalised by the recipe's mean and
            standard deviation; ``uint8``: in 0..255, as transforms of images often want them.
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
        ipc, views: images per class, and views that each item shows in turn.

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
        pixels: Pixels = "float",
        labels: LabelForm = "soft",
        prior: str | None = None,
        cache_bytes: int = KEPT_PICTURES,
    ) -> None:
        table.check()  # a head may promise more rows than the file holds
        self.head, recipe = table.head, table.head.recipe
        _check_choice("pixels", pixels, get_args(Pixels))
        _check_choice("labels", labels, get_args(LabelForm))
        self.ipc = at_most("ipc", ipc, recipe.ipc)
        self.views = at_most("views", views, recipe.views)
        indices = self.head.row_classes if classes is None else self.head.class_indices(classes)
        self.rows: Sequence[Row] = RowGrid(indices, self.ipc)
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
        self._clock = ViewClock(len(self.rows), self.views)

    def _open(self) -> None:
        """What each process opens for itself."""
        self._renderer: Renderer | None = None
        self._ahead: Ahead | None = None
        self._opened_in = 0
        self._reader = LabelReader(self._table)
        self._teachers: ByteCache[int, StoredTeacher] = ByteCache(
            self._table.kept, lambda teacher: teacher.nbytes
        )

    def set_epoch(self, epoch: int) -> None:
        """Make every item show view ``epoch % views`` from now on, in workers too."""
        self._clock.set_epoch(epoch)

    @property
    def view(self) -> int | None:
        """The view that :meth:`set_epoch` has chosen; None where items count for themselves."""
        return self._clock.view

    @property
    def class_to_idx(self) -> dict[str, int]:
        """Class name -> its index, which is its column of soft labels."""
        return {name: index for index, name in enumerate(self.classes)}

    @property
    def row_classes(self) -> Sequence[int]:
        """The classes of the items' rows, each once, in the order they first occur."""
        if isinstance(self.rows, RowGrid):
            return self.rows.classes
        return list(dict.fromkeys(c for c, _ in self.rows))

    @property
    def targets(self) -> list[int]:
        """The class index of each item's row."""
        return [c for c, _ in self.rows]

    @property
    def temperature(self) -> float:
        """At which a student is to be trained on these labels; 1 for hard ones."""
        return self.head.recipe.labels.at if self.labels == "soft" else 1.0

    @property
    def execution(self) -> Execution | None:
        """How images were generated in this process; None as long as none was."""
        return None if self._renderer is None else self._renderer.execution

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, index: int) -> tuple[Any, Any]: ...
    @overload
    def __getitem__(self, index: slice) -> DistilledDataset: ...
    @overload
    def __getitem__(self, index: Sequence[int]) -> tuple[Any, Any]: ...
    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self.select(range(len(self))[index])
        if hasattr(index, "__index__") and getattr(index, "ndim", 0) == 0:
            return self.__getitems__([index])[0]
        # A sampler of batches asks for all of one; torch collates no empty one.
        items = self.__getitems__(index)
        return default_collate(items) if items else self.batch([])

    def __getitems__(self, indices: Sequence[int]) -> list[tuple[Any, Any]]:
        """A whole batch at once, as torch's DataLoader asks for it where it can."""
        places = self._places(indices)
        rows, views = [self.rows[i] for i in places], self._clock.tick(places)
        pictures = self._rendered(rows, views)
        images = self._tensors(pictures)
        made = [image if self.transform is None else self.transform(image) for image in images]
        if self.labels == "hard":
            return list(zip(made, (c for c, _ in rows), strict=True))
        labels = self._probabilities(rows, views, pictures)
        return list(zip(made, labels, strict=True))

    def select(self, indices: Sequence[int]) -> DistilledDataset:
        """A dataset of these items alone, which counts its views by itself from here on."""
        places = self._places(indices)
        chosen = copy.copy(self)
        chosen.rows = [self.rows[i] for i in places]
        chosen._clock = self._clock.select(places)
        return chosen

    def _places(self, indices: Sequence[int]) -> list[int]:
        """Indices as they count from the beginning.

        Raises:
            IndexError: there is no such item.
            TypeError: one is no integer.
        """
        try:
            given = [operator.index(i) for i in indices]
        except TypeError as error:
            raise TypeError(
                f"{shown(indices)} is no index of a dataset: give an integer, a slice, or a list "
                "of integers"
            ) from error
        for i in given:
            if not -len(self) <= i < len(self):
                raise IndexError(f"there is no item {i} in a dataset of {len(self)}")
        return [i % len(self) for i in given]

    def batch(self, indices: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Images [n, 3, h, w] and labels ([n, K] float32 or [n] int64), on ``device``.

        The quick way for training loops without a DataLoader; no transform is applied.
        """
        places = self._places(indices)
        rows, views = [self.rows[i] for i in places], self._clock.tick(places)
        pictures = self._rendered(rows, views)
        images = self._tensors(pictures).to(self.device)
        if self.labels == "hard":
            classes = torch.tensor([c for c, _ in rows], dtype=torch.int64, device=self.device)
            return images, classes
        return images, self._probabilities(rows, views, pictures, self.device)

    def images(self, indices: Sequence[int]) -> Tensor:
        """[n, 3, h, w], as ``pixels`` asks: the images alone that come next, on the CPU.

        Like :meth:`pictures` and :meth:`probabilities` it does not count as showing them.
        """
        return self._tensors(self._rendered(*self._next(indices)))

    def pictures(self, indices: Sequence[int]) -> UInt8s:
        """uint8[n, h, w, 3]: what the next view is a view of, neither cropped nor mixed."""
        return self._by_view(*self._next(indices), self._opened().pictures)

    def probabilities(self, indices: Sequence[int]) -> Float32s:
        """float32[n, K]: the labels alone, of the next view.

        Renders no image, but where a stored teacher has to see it.
        """
        return self._probabilities(*self._next(indices)).numpy()

    def logits(self, indices: Sequence[int]) -> Int16s:
        """int16[n, K]: what the labels of the next view are the softmax of, in 1/64 nat.

        At temperature 1 they are the teacher's own answer, as far as the artifact keeps it.

        Raises:
            RequestError: labels are hard, or range over parts of the classes.
        """
        if not self.head.recipe.labels.soft or len(self.head.origins) > 1:
            raise RequestError(
                "hard labels have no logits"
                if not self.head.recipe.labels.soft
                else "classes that were encoded apart have no logits for one another"
            )
        rows, views = self._next(indices)
        out = np.empty((len(rows), len(self.classes)), np.int16)
        for view, members in _grouped(views).items():
            out[members] = self._logits([rows[n] for n in members], view, 0)
        return out

    def _next(self, indices: Sequence[int]) -> tuple[list[Row], list[int]]:
        """Rows, and the view that each is to show next."""
        places = self._places(indices)
        return [self.rows[i] for i in places], self._clock.peek(places)

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

    def _rendered(self, rows: Sequence[Row], views: Sequence[int]) -> UInt8s:
        """uint8[n, height, width, 3]: each row at its view."""
        images = self._by_view(rows, views, self._opened().images)
        if self._ahead is not None and views:
            self._ahead.make((views[-1] + 1) % self.views)
        return images

    def _by_view(
        self,
        rows: Sequence[Row],
        views: Sequence[int],
        render: Callable[[list[Row], int], UInt8s],
    ) -> UInt8s:
        """uint8[n, height, width, 3]: each row at its view, rendered with others of that view."""
        recipe = self.head.recipe
        out = np.empty((len(rows), recipe.height, recipe.width, 3), np.uint8)
        for view, members in _grouped(views).items():
            out[members] = render([rows[n] for n in members], view)
        return out

    def _tensors(self, pictures: UInt8s) -> Tensor:
        """[n, 3, height, width], as ``pixels`` asks."""
        images = torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2)))
        if self.pixels == "uint8":
            return images
        return Statistics.of(self.head.recipe.evaluation).normalise(images)

    def _probabilities(
        self,
        rows: Sequence[Row],
        views: Sequence[int],
        pictures: UInt8s | None = None,
        device: str = "cpu",
    ) -> Tensor:
        """float32[n, K]: label probabilities of each row at its view.

        ``pictures`` are the rows' own, if they have been rendered.
        """
        head = self.head
        if head.recipe.labels.kind == "hard":
            hard = np.empty((len(rows), len(self.classes)), np.float32)
            for view, members in _grouped(views).items():
                chosen = [rows[n] for n in members]
                hard[members] = hard_probabilities(self._table, self._opened(), chosen, view)
            return torch.from_numpy(hard).to(device)
        if head.recipe.labels.kind == "teacher" and pictures is None:
            pictures = self._rendered(rows, views)
        out = torch.zeros(len(rows), len(self.classes), device=device)
        cells = [(head.origin(c), view) for (c, _), view in zip(rows, views, strict=True)]
        for ((start, count), view), members in _grouped(cells).items():
            images = None if pictures is None else pictures[members]
            logits = self._logits([rows[n] for n in members], view, start, images)
            there = torch.from_numpy(logits).to(device)
            soft = torch_probabilities(there, head.recipe.labels.temperature)
            out[torch.tensor(members, device=device), start : start + count] = soft
        return out

    def _logits(
        self, rows: list[Row], view: int, origin: int, images: UInt8s | None = None
    ) -> Int16s:
        """int16[n, classes of the origin]: of a view of rows of one origin, by where it starts."""
        if self.head.recipe.labels.kind != "teacher":
            return self._reader.logits(rows, view)
        images = self._rendered(rows, [view] * len(rows)) if images is None else images
        return self._teacher(origin).logits(images)

    def _teacher(self, origin: int) -> StoredTeacher:
        """The stored teacher of the classes that start there."""

        def opened() -> StoredTeacher:
            from ddcodec.labels.teacher.execute import StoredTeacher

            codec, weights = LabelStore(self._table).teacher(origin)
            return StoredTeacher(codec, weights, device=self.device)

        return self._teachers.get(origin, opened)

    def __repr__(self) -> str:
        recipe = self.head.recipe
        count = len(self.row_classes)
        classes = f"{count} class{'' if count == 1 else 'es'}"
        labels = f"soft labels at temperature {self.temperature:g}"
        if self.labels == "hard" or not recipe.labels.soft:
            labels = "hard labels"
        return (
            f"DistilledDataset({len(self)} items of {classes}, {self.views} views each, "
            f"{self.pixels}[3, {recipe.height}, {recipe.width}], {labels})"
        )

    def __getstate__(self) -> dict[str, Any]:
        # A worker renders for itself: the prior, caches and teachers stay behind.
        left = ("_renderer", "_ahead", "_reader", "_teachers")
        return {key: value for key, value in self.__dict__.items() if key not in left}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._open()


def _grouped(keys: Sequence[Key]) -> dict[Key, list[int]]:
    """The places of each key."""
    groups: dict[Key, list[int]] = {}
    for n, key in enumerate(keys):
        groups.setdefault(key, []).append(n)
    return groups


def _check_choice(name: str, value: object, known: tuple[str, ...]) -> None:
    if value not in known:
        raise RequestError(f"{name}={value!r} is none of {', '.join(map(repr, known))}")
