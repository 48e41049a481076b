"""A torch Dataset over an open artifact: (image, label), view by view.

Map-style: index i is the row (class, slot) i // ipc, i % ipc of the chosen classes. Each time an
item is asked for it shows its next stored view, as random augmentation would, so that an epoch
costs what its images cost and every epoch shows another view, with its own label, and of fresh
pictures where slots have variations.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, get_args, overload

import torch
from torch import Tensor
from torch.utils.data import Dataset, default_collate

from ddcodec.arrays import Float32s, Int16s, Row, UInt8s
from ddcodec.artifact.ahead import Ahead
from ddcodec.artifact.places import places_of
from ddcodec.artifact.rows import RowReader
from ddcodec.artifact.tensors import Pixels, image_tensor, label_tensor
from ddcodec.artifact.view_clock import ViewClock
from ddcodec.devices import resolve_device
from ddcodec.errors import RequestError
from ddcodec.recipe.rows import RowGrid
from ddcodec.rendering.renderer import KEPT_PICTURES, Execution
from ddcodec.table.table import Table

__all__ = ["DistilledDataset", "LabelForm", "Pixels", "Transform"]

Transform = Callable[[Tensor], Any]
LabelForm = Literal["soft", "hard"]


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
        _check_choice("pixels", pixels, get_args(Pixels))
        _check_choice("labels", labels, get_args(LabelForm))
        self.device = str(resolve_device(device))
        self._reader = RowReader(
            table,
            classes=classes,
            ipc=ipc,
            views=views,
            device=self.device,
            prior=prior,
            cache_bytes=cache_bytes,
        )
        self.head = table.head
        self.rows: Sequence[Row] = self._reader.rows
        self.ipc, self.views = self._reader.ipc, self._reader.views
        self.classes, self.names = self._reader.classes, self._reader.names
        self.transform = transform
        self.pixels = pixels
        self.labels = labels
        self._clock = ViewClock(len(self.rows), self.views)
        self._ahead: Ahead | None = None
        self._opened_in: int | None = None

    def set_epoch(self, epoch: int) -> None:
        """Make every item show view ``epoch % views`` from now on, in workers too."""
        self._clock.set_epoch(epoch)

    def state_dict(self) -> dict[str, Any]:
        """Where the views have come to, for a checkpoint; loaders that keep state ask for it.

        After :meth:`set_epoch` that is the epoch alone. Items that count for themselves have
        their counts in it; of a loader with workers, what these have made ahead counts as shown.
        """
        return self._clock.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from where :meth:`state_dict` was asked.

        Raises:
            RequestError: it is the state of a dataset of other items, or none.
        """
        self._clock.load_state_dict(state)

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
        return self._reader.execution

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
        images, labels = self._shown(indices)
        made = [image if self.transform is None else self.transform(image) for image in images]
        # Hard ones are plain integers, as those of torchvision's datasets are.
        return list(zip(made, labels.tolist() if self.labels == "hard" else labels, strict=True))

    def select(self, indices: Sequence[int]) -> DistilledDataset:
        """A dataset of these items alone, which counts its views by itself from here on."""
        places = places_of(indices, len(self))
        chosen = copy.copy(self)
        chosen.rows = [self.rows[i] for i in places]
        chosen._clock = self._clock.select(places)
        return chosen

    def batch(self, indices: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Images [n, 3, h, w] and labels ([n, K] float32 or [n] int64), on ``device``.

        The quick way for training loops without a DataLoader; no transform is applied.
        """
        return self._shown(indices, self.device)

    def _shown(self, indices: Sequence[int], device: str = "cpu") -> tuple[Tensor, Tensor]:
        """Images and labels of a batch, on a device; it counts as shown."""
        places = places_of(indices, len(self))
        rows, views = [self.rows[i] for i in places], self._clock.tick(places)
        pictures = self._rendered(rows, views)
        images = self._tensors(pictures).to(device)
        if self.labels == "hard":
            return images, torch.tensor([c for c, _ in rows], dtype=torch.int64, device=device)
        return images, label_tensor(self._opened(), rows, views, pictures, device)

    def images(self, indices: Sequence[int]) -> Tensor:
        """[n, 3, h, w], as ``pixels`` asks: the images alone that come next, on the CPU.

        Like :meth:`pictures` and :meth:`probabilities` it does not count as showing them.
        """
        return self._tensors(self._rendered(*self._next(indices)))

    def pictures(self, indices: Sequence[int]) -> UInt8s:
        """uint8[n, h, w, 3]: what the next view is a view of, neither cropped nor mixed."""
        return self._opened().pictures(*self._next(indices))

    def probabilities(self, indices: Sequence[int]) -> Float32s:
        """float32[n, K]: the labels alone, of the next view.

        Renders no image, but where a stored teacher has to see it.
        """
        return self._opened().probabilities(*self._next(indices))

    def logits(self, indices: Sequence[int]) -> Int16s:
        """int16[n, K]: what the labels of the next view are the softmax of, in 1/64 nat.

        At temperature 1 they are the teacher's own answer, as far as the artifact keeps it.

        Raises:
            RequestError: labels are hard, or range over parts of the classes.
        """
        return self._opened().logits(*self._next(indices))

    def _next(self, indices: Sequence[int]) -> tuple[list[Row], list[int]]:
        """Rows, and the view that each is to show next."""
        places = places_of(indices, len(self))
        return [self.rows[i] for i in places], self._clock.peek(places)

    def prepare(self) -> None:
        """Open the prior of generated pictures now; see :meth:`Renderer.prepare`."""
        self._opened().prepare()

    def _opened(self) -> RowReader:
        if self._opened_in != os.getpid():
            if self._ahead is not None:
                # A forked worker has none of its parent's threads, but their locks.
                self._reader = copy.copy(self._reader)
            self._opened_in = os.getpid()
            self._ahead = Ahead.of(self._reader, self.rows)
        return self._reader

    def _rendered(self, rows: Sequence[Row], views: Sequence[int]) -> UInt8s:
        """uint8[n, height, width, 3]: each row at its view."""
        images = self._opened().images(rows, views)
        if self._ahead is not None and views:
            self._ahead.make((views[-1] + 1) % self.views)
        return images

    def _tensors(self, pictures: UInt8s) -> Tensor:
        return image_tensor(pictures, self.pixels, self.head.recipe.evaluation)

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
        # A worker renders for itself, and has none of its parent's threads.
        return {**self.__dict__, "_ahead": None, "_opened_in": None}


def _check_choice(name: str, value: object, known: tuple[str, ...]) -> None:
    if value not in known:
        raise RequestError(f"{name}={value!r} is none of {', '.join(map(repr, known))}")
