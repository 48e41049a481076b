"""NumPy's ``.npz`` as a format: pictures, labels and what belongs to them, by plain names."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ddcodec.arrays import Array
from ddcodec.errors import RequestError, SourceError
from ddcodec.exchange.importing.base import Format, Found, LabelValues, Wanted, soft_or_hard
from ddcodec.exchange.importing.normalisation import Normalisation
from ddcodec.exchange.importing.npz import load_arrays
from ddcodec.exchange.importing.place import Place
from ddcodec.exchange.importing.stack import labels_of, stack_of

__all__ = ["FORMATS"]

_ROWS: Mapping[str, LabelValues] = {"logits": "auto", "soft_labels": "probabilities"}
_NAMES = {"images", "labels", *_ROWS, "classes", "class_names", "mean", "std", "lr"} | {
    "readable_names",
    "slot",
    "view",
    "digest",
}


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
    rows = next((key for key in _ROWS if key in arrays), None)
    if "images" not in arrays or (rows is None and "labels" not in arrays):
        raise SourceError(
            f"{name} holds {', '.join(arrays) or 'nothing'}: it needs images [N, 3, height, width] "
            "and labels [N], logits [N, classes] or soft_labels, which are probabilities"
        )
    if arrays.get("view", np.zeros(1)).any():
        raise RequestError(
            f"{name} holds several views of each image: export one view, which is the image itself"
        )
    pictures = stack_of(torch.from_numpy(_planar(arrays["images"])), f"images of {name}")
    hard = soft = None
    kind = _ROWS.get(str(rows), wanted.label_values)
    for key in ("labels", rows):
        if key in arrays:
            there = labels_of(torch.from_numpy(arrays[key]), f"{key} of {name}", len(pictures))
            indices, numbers, found_kind = soft_or_hard(there, f"{key} of {name}", kind)
            hard = hard if indices is None else indices
            if numbers is not None:
                soft, kind = numbers, found_kind
    extra = sorted(arrays.keys() - _NAMES)
    classes = arrays.get("classes", arrays.get("class_names"))
    return Found(
        files=(name,),
        pictures=pictures,
        hard=hard,
        soft=soft,
        soft_kind="probabilities" if kind == "probabilities" else "logits",
        names=None if classes is None else tuple(map(str, classes)),
        normalised=_normalisation(arrays, name),
        recipe=_rate(arrays, name),
        warnings=(f"arrays of {name} that were left aside: {', '.join(extra)}",) if extra else (),
    )


def _planar(images: Array) -> Array:
    """[N, 3, h, w] of pictures in either order of axes."""
    interleaved = images.ndim == 4 and images.shape[3] == 3 and images.shape[1] != 3
    return images.transpose(0, 3, 1, 2) if interleaved else images


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
    mean, std = (
        arrays.get(one, np.zeros(0)).astype(np.float64).reshape(-1) for one in ("mean", "std")
    )
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
