"""Pictures and labels that are arrays: checked before anything is computed with them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ddcodec.arrays import Float32s, Int64s
from ddcodec.errors import SourceError
from ddcodec.recipe.fields import MAX_SIDE
from ddcodec.recipe.head import MAX_CLASSES

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Stack", "labels_of", "rows_of", "stack_of"]

MAX_BYTES = 16 << 30
"""Bytes that the pictures of one import may take as 8-bit pixels in memory."""

# Values that are computed with at a time.
_VALUES = 1 << 22


@dataclass(frozen=True, eq=False)
class Stack:
    """Pictures of one size, [N, 3, h, w], as their file has them.

    Attributes:
        tensor: floating-point, or uint8.
        name: what to call it in messages.
    """

    tensor: Tensor
    name: str

    def __len__(self) -> int:
        return int(self.tensor.shape[0])

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return int(self.tensor.shape[3]), int(self.tensor.shape[2])

    @property
    def is_bytes(self) -> bool:
        """Whether pixels are 0..255 as they are."""
        return not self.tensor.is_floating_point()

    def values(self, rows: Int64s | slice) -> Float32s:
        """float32 [n, 3, h, w] of some pictures; of bytes, in the range 0..1.

        Raises:
            SourceError: a value is no number.
        """
        import torch

        part = self.tensor[rows if isinstance(rows, slice) else torch.from_numpy(rows)]
        found: Float32s = part.to(torch.float32).numpy()
        if self.is_bytes:
            return found / np.float32(255)
        bad = np.flatnonzero(~np.isfinite(found).all(axis=(1, 2, 3)))
        if len(bad):
            first = bad[0] + rows.start if isinstance(rows, slice) else rows[bad[0]]
            raise SourceError(
                f"picture {first} of {self.name} holds values that are no numbers (NaN or "
                "infinite): the distillation had diverged; take an earlier iteration"
            )
        return found

    def chunks(self) -> Iterator[slice]:
        """All pictures, a few at a time."""
        each = max(1, _VALUES // (3 * self.size[0] * self.size[1]))
        for start in range(0, len(self), each):
            yield slice(start, min(len(self), start + each))


def stack_of(value: Any, name: str) -> Stack:
    """Pictures as a stack.

    Args:
        value: what stands in the file where pictures should be.
        name: what to call it in messages.

    Raises:
        SourceError: it is no dense tensor [N, 3, h, w] of floating-point numbers or bytes, or one
            of a size that its file does not hold.
    """
    tensor = _dense(value, name)
    shape = tuple(tensor.shape)
    if len(shape) != 4 or shape[1] != 3 or 0 in shape:
        grey = " of grey pictures" if len(shape) == 4 and shape[1] == 1 else ""
        raise SourceError(
            f"{name} is a tensor of shape {list(shape)}{grey}, and pictures are [N, 3, height, "
            "width]: save them so"
        )
    import torch

    if not tensor.is_floating_point() and tensor.dtype != torch.uint8:
        raise SourceError(
            f"{name} holds {str(tensor.dtype).removeprefix('torch.')}, and pictures are "
            "floating-point numbers or uint8: save them so"
        )
    if max(shape[2:]) > MAX_SIDE or tensor.numel() > MAX_BYTES:
        raise SourceError(
            f"{name} has {shape[0]:,} pictures of {shape[3]}x{shape[2]} pixels, more than an "
            f"import takes ({MAX_BYTES >> 30} GiB as bytes, {MAX_SIDE} pixels on a side): split it"
        )
    return Stack(tensor, name)


def labels_of(value: Any, name: str, count: int) -> Tensor:
    """Labels of so many pictures: integers [N], or floating-point numbers [N, K], one row each.

    Raises:
        SourceError: they are neither, or of another number of pictures.
    """
    tensor = _dense(value, name)
    shape = tuple(tensor.shape)
    integers = not tensor.is_floating_point() and len(shape) == 1
    soft = tensor.is_floating_point() and len(shape) == 2 and 1 <= shape[1] <= MAX_CLASSES
    if not integers and not soft:
        raise SourceError(
            f"{name} is a tensor of shape {list(shape)} and type "
            f"{str(tensor.dtype).removeprefix('torch.')}: labels are whole numbers [N], or "
            "floating-point numbers [N, classes]"
        )
    if shape[0] != count:
        raise SourceError(
            f"{name} has {shape[0]:,} labels, and there are {count:,} pictures: the files do not "
            "belong together"
        )
    return tensor


def rows_of(labels: Int64s, classes: int, name: str) -> list[Int64s]:
    """For each class, the numbers of its pictures, in order.

    Raises:
        SourceError: a label is no index of a class.
    """
    if labels.min() < 0 or labels.max() >= classes:
        wrong = labels[(labels < 0) | (labels >= classes)]
        raise SourceError(
            f"{name} has {len(wrong):,} labels outside 0..{classes - 1}, {wrong[0]} first: these "
            f"are not {classes:,} classes"
        )
    order = np.argsort(labels, kind="stable")
    ends = np.searchsorted(labels[order], np.arange(1, classes))
    return np.split(order, ends)


def _dense(value: Any, name: str) -> Tensor:
    import torch

    if not isinstance(value, torch.Tensor):
        raise SourceError(f"{name} is a {type(value).__name__}, where a tensor should be")
    tensor = value.detach()
    plain = tensor.layout == torch.strided and tensor.device.type == "cpu"
    if not plain or tensor.is_quantized or tensor.is_complex():
        raise SourceError(
            f"{name} is no plain tensor (sparse, quantised or complex): save it as one"
        )
    # A tensor of a few bytes may claim any shape by strides of 0.
    if tensor.untyped_storage().nbytes() < tensor.numel() * tensor.element_size():
        raise SourceError(f"{name} claims more values than its file holds: the file is damaged")
    return tensor
