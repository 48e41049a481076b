"""Lists of tensors: DC, DSA and DM, IDC, and the bare tensors of the ECCV 2024 contest.

Read in DC, DSA and DM (53f63a6), IDC's condense.py (ceac95a) and the contest's evaluate.py
(a6ca5cb).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ddcodec.errors import RequestError, SourceError
from ddcodec.exchange.importing.base import Format, Found, Wanted, soft_or_hard
from ddcodec.exchange.importing.normalisation import KNOWN, NONE
from ddcodec.exchange.importing.place import Place
from ddcodec.exchange.importing.stack import Stack, labels_of, stack_of

__all__ = ["FORMATS"]

_MAX_FACTOR = 16


class _Track(NamedTuple):
    shape: tuple[int, ...]
    order: str
    normalised: str


# Of track 1: class-major, ten of each class.
_CONTEST = {
    "cifar100.pt": _Track((1000, 3, 32, 32), "cifar100", "cifar100"),
    "tinyimagenet.pt": _Track((2000, 3, 64, 64), "tinyimagenet", "imagenet"),
}
_CONTEST_IPC = 10


def _fits_dc(place: Place) -> str | None:
    if place.file is not None:
        found = place.load(place.file) if place.pickles else None
        return f"a dictionary with data in {place.file}" if _is_data(found) else None
    names = [name for name in place.pickles if name.startswith("res_")]
    return names[0] if names else None


def _is_data(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("data"), list)


def _read_dc(place: Place, wanted: Wanted) -> Found:
    names = [name for name in place.pickles if name.startswith("res_") or place.file]
    if len(names) > 1:
        raise RequestError(
            f"{place.path} holds several results ({', '.join(names[:12])}): give one of these files"
        )
    saved = place.load(names[0])
    if not _is_data(saved) or not saved["data"]:
        raise SourceError(f"{names[0]} has no data, a list with pictures and labels of each run")
    runs = [str(number) for number in range(len(saved["data"]))]
    which = place.chosen(runs, wanted.which, runs[-1])
    images, labels = _pair(saved["data"][int(which)], f"experiment {which} of {names[0]}")
    pictures = stack_of(images, f"images of experiment {which}")
    name = f"labels of experiment {which}"
    hard, soft, kind = soft_or_hard(
        labels_of(labels, name, len(pictures)), name, wanted.label_values
    )
    several = f"experiment {which} of 0..{len(runs) - 1} is taken, whose pictures are others than "
    return Found(
        files=(names[0],),
        pictures=pictures,
        hard=hard,
        soft=soft,
        soft_kind=kind,
        normalised_as={"cifar10": "cifar10"},
        recipe={"experiment": which},
        warnings=(several + "those of the rest",) if len(runs) > 1 else (),
    )


def _fits_idc(place: Place) -> str | None:
    name = "data.pt" if place.file is None and "data.pt" in place.names else place.file
    if name is None or not name.endswith((".pt", ".pth")):
        return None
    return f"two tensors in {name}" if _is_pair(place.load(name)) else None


def _is_pair(value: Any) -> bool:
    import torch

    return (
        isinstance(value, list | tuple)
        and len(value) == 2
        and all(isinstance(one, torch.Tensor) for one in value)
    )


def _pair(value: Any, name: str) -> Sequence[Any]:
    if not _is_pair(value):
        raise SourceError(f"{name} is not a list of two tensors, pictures and labels")
    return tuple(value)


def _read_idc(place: Place, wanted: Wanted) -> Found:
    name = place.file or "data.pt"
    images, labels = _pair(place.load(name), name)
    pictures = stack_of(images, f"images of {name}")
    indices = labels_of(labels, f"labels of {name}", len(pictures))
    hard, soft, kind = soft_or_hard(indices, f"labels of {name}", wanted.label_values)
    if soft is not None or hard is None:
        raise SourceError(f"labels of {name} are rows of numbers, and IDC's are indices of classes")
    factor = _factor(place, wanted)
    tiles = _tiles(pictures, factor)
    return Found(
        files=(name,),
        pictures=tiles,
        hard=np.repeat(hard, factor**2),
        soft_kind=kind,
        normalised=NONE,
        shown=pictures.size,
        recipe={"factor": str(factor)},
    )


def _factor(place: Place, wanted: Wanted) -> int:
    """Tiles on a side, which IDC writes into the name of a folder alone."""
    if wanted.factor is not None:
        return wanted.factor
    parts = place.folder.absolute().parts
    found = [m for part in reversed(parts) if (m := re.search(r"factor(\d+)", part))]
    if not found or not 1 <= int(found[0][1]) <= _MAX_FACTOR:
        raise RequestError(
            "IDC says into how many tiles its pictures are divided in the name of their folder "
            "alone, and this one's name has no factor: give it, as factor=2; factor=1 is none"
        )
    return int(found[0][1])


def _tiles(pictures: Stack, factor: int) -> Stack:
    """factor^2 tiles of each picture, row by row; one that does not divide is padded with grey."""
    import torch

    if factor == 1:
        return pictures
    width, height = pictures.size
    if factor > min(width, height):
        raise RequestError(f"factor={factor} is more than a picture's pixels; give a smaller one")
    across, down = (-(-side // factor) for side in (width, height))
    # IDC pads the right and the bottom before it cuts.
    padding = (0, across * factor - width, 0, down * factor - height)
    fill = 128 if pictures.is_bytes else 0.5
    padded = torch.nn.functional.pad(pictures.tensor, padding, value=fill)
    count = len(pictures)
    cut = padded.reshape(count, 3, factor, down, factor, across).permute(0, 2, 4, 1, 3, 5)
    return Stack(cut.reshape(count * factor**2, 3, down, across), f"tiles of {pictures.name}")


def _fits_contest(place: Place) -> str | None:
    names = [name for name in place.names if name in _CONTEST]
    if len(names) != 1:
        return None
    shape = tuple(getattr(place.load(names[0]), "shape", ()))
    return names[0] if shape == _CONTEST[names[0]].shape else None


def _read_contest(place: Place, wanted: Wanted) -> Found:
    names = [name for name in place.names if name in _CONTEST]
    if len(names) != 1:
        listed = " or ".join(_CONTEST)
        raise RequestError(f"the contest's tensors are called {listed}: give that file")
    track = _CONTEST[names[0]]
    pictures = stack_of(place.load(names[0]), names[0])
    if tuple(pictures.tensor.shape) != track.shape:
        raise SourceError(
            f"{names[0]} has shape {list(pictures.tensor.shape)}, and the contest's has "
            f"{list(track.shape)}"
        )
    return Found(
        files=(names[0],),
        pictures=pictures,
        hard=np.arange(len(pictures), dtype=np.int64) // _CONTEST_IPC,
        order=track.order,
        normalised=KNOWN[track.normalised],
    )


FORMATS = (
    Format("dc", "DC, DSA, DM: res_METHOD_DATASET_..._ipc.pt.", _fits_dc, _read_dc),
    Format("idc", "IDC: data.pt, whose pictures hold factor x factor tiles.", _fits_idc, _read_idc),
    Format(
        "contest",
        "ECCV 2024 contest, track 1: cifar100.pt or tinyimagenet.pt.",
        _fits_contest,
        _read_contest,
    ),
)
