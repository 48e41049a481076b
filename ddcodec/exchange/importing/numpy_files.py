"""NumPy's ``.npz`` as a format: pictures, labels and what belongs to them, by plain names."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ddcodec.arrays import Array
from ddcodec.errors import SourceError
from ddcodec.exchange.importing.base import Format, Found, Wanted, soft_or_hard
from ddcodec.exchange.importing.normalisation import Normalisation
from ddcodec.exchange.importing.npz import load_arrays
from ddcodec.exchange.importing.place import Place
from ddcodec.exchange.importing.stack import labels_of, stack_of

__all__ = ["FORMATS"]

_NAMES = ("images", "labels", "logits", "classes", "mean", "std", "lr")


def _fits(place: Place) -> str | None:
    found = [name for name in place.names if name.endswith(".npz")]
    if place.file is None:
        found = [name for name in found if _holds_images(place.at(name))]
    return found[0] if len(found) == 1 else None


def _holds_images(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return "images.npy" in archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return False  # whatever it is, nothing asks for it


def _read(place: Place, wanted: Wanted) -> Found:
    import torch

    name = str(_fits(place))
    arrays = load_arrays(place.at(name))
    if "images" not in arrays or not {"labels", "logits"} & arrays.keys():
        raise SourceError(
            f"{name} holds {', '.join(arrays) or 'nothing'}: it needs images [N, 3, height, width] "
            "and labels [N] or logits [N, classes]"
        )
    images = stack_of(torch.from_numpy(arrays["images"]), f"images of {name}")
    which = "logits" if "logits" in arrays else "labels"
    labels = labels_of(torch.from_numpy(arrays[which]), f"{which} of {name}", len(images))
    extra = sorted(arrays.keys() - {*_NAMES})
    hard, soft, kind = soft_or_hard(labels, which, wanted.label_values)
    if "logits" in arrays and "labels" in arrays:
        own = labels_of(torch.from_numpy(arrays["labels"]), f"labels of {name}", len(images))
        hard = own.numpy().astype(np.int64) if not own.is_floating_point() else None
    return Found(
        files=(name,),
        pictures=images,
        hard=hard,
        soft=soft,
        soft_kind=kind,
        names=tuple(map(str, arrays["classes"])) if "classes" in arrays else None,
        normalised=_normalisation(arrays, name),
        recipe=_rate(arrays, name),
        warnings=(f"arrays of {name} that were left aside: {', '.join(extra)}",) if extra else (),
    )


def _rate(arrays: Mapping[str, Array], name: str) -> dict[str, str]:
    """A learned rate as text, the shortest that says it."""
    if "lr" not in arrays:
        return {}
    if arrays["lr"].size != 1 or arrays["lr"].dtype.kind != "f":
        raise SourceError(f"lr of {name} is no number, where a learning rate should be")
    return {"lr": str(arrays["lr"].reshape(-1)[0])}


def _normalisation(arrays: Mapping[str, Array], name: str) -> Normalisation | None:
    if "mean" not in arrays and "std" not in arrays:
        return None
    mean, std = (arrays.get(one, np.zeros(0)).astype(np.float64).reshape(-1) for one in _NAMES[4:6])
    if mean.shape != (3,) or std.shape != (3,) or not (std > 0).all():
        raise SourceError(f"mean and std of {name} are not three numbers each, std above 0")
    text = ",".join(f"{v:g}" for v in mean) + "/" + ",".join(f"{v:g}" for v in std)
    m, s = mean.tolist(), std.tolist()
    return Normalisation(text, (m[0], m[1], m[2]), (s[0], s[1], s[2]))


FORMATS = (
    Format(
        "numpy",
        "One .npz: images [N,3,h,w], labels [N] or logits [N,K]; classes, mean, std.",
        _fits,
        _read,
    ),
)
