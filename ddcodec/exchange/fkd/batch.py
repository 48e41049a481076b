"""One batch of a label tree: its crops, flips, partners, box and logits, checked.

A batch is a list that ``torch.save`` wrote, in the code of

- SRe2L, CDA, D4M, LPLD: coords float [B, 4] = (top / H, left / W, rows / H, columns / W), flips
  bool [B], partners integers [B] within the batch, share of the mix, box of four numbers (first
  row, first column, end row, end column), logits float [B, K];
- G-VBSM: and the numbers of the images, integers [B];
- LPQLD: logits float [B, k] of the k largest alone, and their classes, integers [B, k].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ddcodec.arrays import Array, Floats, Int64s
from ddcodec.errors import SourceError

__all__ = ["Batch", "batch_of"]

# A coordinate of 16 bits is off by up to a 4096th of the side, one of 32 bits by next to nothing.
_PIXELS_OFF = {np.dtype(np.float16): 0.3, np.dtype(np.float32): 0.01, np.dtype(np.float64): 0.01}
_MOST_IMAGES = 1 << 16


@dataclass(frozen=True, eq=False)
class Batch:
    """A batch of B views.

    Attributes:
        crops: int64 [B, 4]: top, left, rows and columns, in pixels.
        flips: int64 [B]: 1 where mirrored.
        partners: int64 [B], within the batch; None where nothing is mixed.
        box: first row, end row, first column, end column of what shows the partners.
        logits: floating-point [B, K], or [B, k] of the ``listed`` classes.
        listed: int64 [B, k]; None where logits are of all classes.
        images: int64 [B], numbers of the images; None where the file does not say.
    """

    crops: Int64s
    flips: Int64s
    partners: Int64s | None
    box: tuple[int, int, int, int]
    logits: Floats
    listed: Int64s | None
    images: Int64s | None

    def __len__(self) -> int:
        return len(self.crops)


def batch_of(content: Any, name: str, size: tuple[int, int], classes: int) -> Batch:
    """A batch of what was in a file.

    Args:
        content: what ``torch.save`` was given.
        name: of the file, for messages.
        size: (width, height) of a picture, and of what its crops are resized to.
        classes: K.

    Raises:
        SourceError: it is no such list, or one that no view of pictures of this size has.
    """
    if not isinstance(content, list | tuple) or not 6 <= len(content) <= 7:
        if isinstance(content, list | tuple) and len(content) == 8:
            raise SourceError(
                f"{name} holds the parameters of RandAugment, by which views were changed before "
                "they were cropped; no view of an artifact can say that, so these labels cannot be "
                "taken in"
            )
        what = f"{len(content)} parts" if isinstance(content, list | tuple) else "no list"
        raise SourceError(f"{name} holds {what}, where a batch of labels has 6 or 7")
    coords = _array(content[0], f"{name}: coordinates", "f", 2)
    count = len(coords)
    if coords.shape != (count, 4) or not 1 <= count <= _MOST_IMAGES:
        raise SourceError(f"{name}: coordinates of shape {coords.shape}, not [images, 4]")
    crops = _crops(coords, name, size)
    flips = _array(content[1], f"{name}: flips", "b", 1).astype(np.int64)
    logits = _array(content[5], f"{name}: logits", "f", 2)
    if len(flips) != count or len(logits) != count:
        raise SourceError(f"{name}: {count} crops, {len(flips)} flips, {len(logits)} labels")
    if not np.isfinite(logits).all():
        raise SourceError(
            f"{name} has logits that are no numbers (NaN or infinite), which no label can be made "
            "of; write the tree again, with 32-bit logits if 16 bits overflow"
        )
    listed = images = None
    if len(content) == 7:
        last = _array(content[6], f"{name}: its last part", "iu", None).astype(np.int64)
        listed, images = (last, None) if last.ndim == 2 else (None, last)
    _check_columns(logits, listed, classes, name)
    if images is not None and images.shape != (count,):
        raise SourceError(f"{name}: {len(images)} numbers of images for {count} labels")
    partners, box = _mix(content[2], content[4], count, name, size)
    return Batch(crops, flips, partners, box, logits, listed, images)


def _crops(coords: Floats, name: str, size: tuple[int, int]) -> Int64s:
    width, height = size
    exact = coords.astype(np.float64) * (height, width, height, width)
    crops = np.rint(np.nan_to_num(exact, nan=-1, posinf=-1, neginf=-1)).astype(np.int64)
    off = np.abs(crops - exact)
    if not (off <= _PIXELS_OFF[coords.dtype]).all():
        n = int(np.argmax(~(off <= _PIXELS_OFF[coords.dtype]).all(axis=1)))
        raise SourceError(
            f"{name}: crop {n} has the coordinates {exact[n].round(3).tolist()} in pixels of a "
            f"{width} x {height} picture, which are no whole numbers: the pictures that were "
            "cropped had another size"
        )
    top, left, rows, columns = crops.T
    good = (top >= 0) & (left >= 0) & (rows >= 1) & (columns >= 1)
    good &= (top + rows <= height) & (left + columns <= width)
    if not good.all():
        n = int(np.flatnonzero(~good)[0])
        raise SourceError(f"{name}: crop {n} is {crops[n].tolist()}, beyond its picture")
    return crops


def _check_columns(logits: Floats, listed: Int64s | None, classes: int, name: str) -> None:
    if listed is None:
        if logits.shape[1] != classes:
            raise SourceError(
                f"{name} has labels over {logits.shape[1]:,} classes, and the pictures have "
                f"{classes:,}: give the pictures and names of all classes of the labels"
            )
        return
    if listed.shape != logits.shape or not listed.shape[1]:
        raise SourceError(f"{name}: {logits.shape} logits and {listed.shape} classes of theirs")
    ordered = np.sort(listed, axis=1)
    if ordered[:, 0].min() < 0 or ordered[:, -1].max() >= classes:
        raise SourceError(
            f"{name} lists classes {ordered.min()}..{ordered.max()}, and the pictures have "
            f"{classes:,}: give the pictures and names of all classes of the labels"
        )
    if (np.diff(ordered, axis=1) == 0).any():
        raise SourceError(f"{name} lists a class twice for one label")


def _mix(
    partners: Any, box: Any, count: int, name: str, size: tuple[int, int]
) -> tuple[Int64s | None, tuple[int, int, int, int]]:
    if partners is None:
        return None, (0, 0, 0, 0)
    if box is None:
        raise SourceError(
            f"{name} blends whole pictures (mixup), and views of an artifact mix by boxes alone "
            "(CutMix): these labels cannot be taken in"
        )
    found = _array(partners, f"{name}: partners", "iu", 1).astype(np.int64)
    if len(found) != count or found.min() < 0 or found.max() >= count:
        raise SourceError(f"{name}: partners are not {count} numbers within its {count} images")
    if not isinstance(box, list | tuple) or len(box) != 4:
        raise SourceError(f"{name}: a mixing box has four numbers")
    first, start, last, end = (_number(one, name) for one in box)
    if not (0 <= first <= last <= size[1] and 0 <= start <= end <= size[0]):
        raise SourceError(
            f"{name} mixes in the rows {first}..{last} and columns {start}..{end}, beyond views "
            f"of {size[0]} x {size[1]} pixels"
        )
    return found, (first, last, start, end)


def _number(value: Any, name: str) -> int:
    import torch

    if isinstance(value, torch.Tensor) and value.numel() == 1 and not value.is_floating_point():
        return int(value.item())
    if isinstance(value, int | np.integer):
        return int(value)
    raise SourceError(f"{name}: a mixing box has four whole numbers")


def _array(value: Any, what: str, kinds: str, axes: int | None) -> Array:
    """A tensor as an array, if it is one of a kind of numbers that holds what it claims."""
    import torch

    if not isinstance(value, torch.Tensor) or value.layout != torch.strided or value.is_quantized:
        raise SourceError(f"{what} are no plain tensor")
    # A tensor of a few bytes may claim any shape, by strides of 0.
    if value.untyped_storage().nbytes() < value.numel() * value.element_size():
        raise SourceError(f"{what} claim more values than the file holds; it is damaged")
    if value.dtype == torch.bfloat16:
        value = value.float()
    array: Array = value.detach().numpy()
    if array.dtype.kind not in kinds or (axes is not None and array.ndim != axes):
        raise SourceError(f"{what} are {array.dtype} of shape {array.shape}, which none are")
    if axes is None and array.ndim not in (1, 2):
        raise SourceError(f"{what} has the shape {array.shape}, which none has")
    return array
