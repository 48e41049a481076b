"""Distilled tensors beside their labels: MTT, TESLA, FreD, AutoPalette, DATM, DDiF, DD-RUO.

Read in MTT's distill.py (50dccea), DATM's distill/DATM.py (97ae510), DDiF (b628e7b) and DD-RUO
(f6fc102).
"""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

from ddcodec.errors import SourceError
from ddcodec.exchange.importing.base import Format, Found, Wanted, soft_or_hard
from ddcodec.exchange.importing.normalisation import NONE
from ddcodec.exchange.importing.place import Place, number_of
from ddcodec.exchange.importing.stack import labels_of, stack_of

__all__ = ["FORMATS"]

_IMAGES = re.compile(r"images_(?!zca_)(.+)\.pt")
_ZCA = "images_zca_"
# MTT normalises CIFAR-100 by the statistics of CIFAR-10.
_AS_MTT = {"cifar10": "cifar10", "cifar100": "cifar10", "tinyimagenet": "imagenet"}


def _sets(place: Place) -> list[str]:
    """Iterations, or what else tells the sets of a place apart: those with pictures and labels."""
    if place.file is not None:
        name = place.file.replace(_ZCA, "images_")
        found = _IMAGES.fullmatch(name)
        return [found[1]] if found and f"labels_{found[1]}.pt" in place.beside else []
    names = {name.replace(_ZCA, "images_") for name in place.names}
    found_all = [match[1] for match in map(_IMAGES.fullmatch, sorted(names)) if match]
    return [one for one in found_all if f"labels_{one}.pt" in place.beside]


def _latest(sets: list[str]) -> str | None:
    """``best`` where it is, else the latest iteration."""
    if "best" in sets:
        return "best"
    numbered = [one for one in sets if number_of(one) is not None]
    return max(numbered, key=lambda one: number_of(one) or 0.0) if numbered else None


def _learned(place: Place) -> str | None:
    """The file of a learned rate, which DATM keeps and MTT does not."""
    return next((f"lr_{one}.pt" for one in _sets(place) if f"lr_{one}.pt" in place.beside), None)


def _fits_mtt(place: Place) -> str | None:
    sets = _sets(place)
    if not sets or _learned(place) or "pool.pt" in place.beside or _field(place, sets[0]):
        return None
    return f"images_{sets[0]}.pt and labels_{sets[0]}.pt"


def _read_mtt(place: Place, wanted: Wanted) -> Found:
    sets = _sets(place)
    return _read_set(place, place.chosen(sets, wanted.which, _latest(sets)), wanted)


def _fits_datm(place: Place) -> str | None:
    inside = place.within("Normal")
    if inside is not None and _sets(inside):
        return "Normal/ with images and labels"
    learned = _learned(place)
    return f"{learned} beside images and labels" if learned else None


def _read_datm(place: Place, wanted: Wanted) -> Found:
    inside = place.within("Normal")
    return _read_mtt(inside if inside is not None and _sets(inside) else place, wanted)


def _fits_ruo(place: Place) -> str | None:
    return (
        "pool.pt beside images and labels" if "pool.pt" in place.beside and _sets(place) else None
    )


def _read_ruo(place: Place, wanted: Wanted) -> Found:
    sets = _sets(place)
    # Sets are called by their error, and the least is the best.
    numbered = [one for one in sets if number_of(one) is not None]
    least = min(numbered, key=lambda one: number_of(one) or 0.0) if numbered else None
    return _read_set(place, place.chosen(sets, wanted.which, least), wanted)


def _read_set(place: Place, which: str, wanted: Wanted) -> Found:
    zca, plain, labels_file = f"{_ZCA}{which}.pt", f"images_{which}.pt", f"labels_{which}.pt"
    whitened = any(name.startswith(_ZCA) for name in place.beside)
    asked = place.file if place.file in (zca, plain) else None
    file = zca if zca in place.beside and asked != plain else plain
    files = [file, labels_file]
    pictures = stack_of(place.load(file), file)
    labels = labels_of(place.load(labels_file), labels_file, len(pictures))
    hard, soft, kind = soft_or_hard(labels, labels_file, wanted.label_values)
    recipe = {}
    if f"lr_{which}.pt" in place.beside:
        recipe["lr"] = _rate(place.load(f"lr_{which}.pt"), f"lr_{which}.pt")
        files.append(f"lr_{which}.pt")
    return Found(
        files=tuple(files),
        pictures=pictures,
        hard=hard,
        soft=soft,
        soft_kind=kind,
        normalised=NONE if file == zca else None,
        # Beside pictures out of a whitened space, plain ones are in it.
        normalised_as={"*": "zca"} if whitened and file != zca else _AS_MTT,
        recipe=recipe,
    )


def _rate(value: Any, name: str) -> str:
    """A learned rate as text: a header holds no floating-point number."""
    import torch

    single = isinstance(value, torch.Tensor) and value.numel() == 1
    number = value.item() if single else value
    if not isinstance(number, int | float) or not math.isfinite(number):
        raise SourceError(f"{name} holds no number, where a learning rate should be")
    return str(np.float32(number)) if single else repr(number)  # the shortest text of it


def _field(place: Place, which: str) -> str | None:
    """DDiF's file of fields and labels beside decoded pictures."""
    ours = ("images_", "labels_", "lr_")
    names = [n for n in sorted(place.beside) if n.endswith(f"_{which}.pt")]
    return next((n for n in names if not n.startswith(ours) and _holds_fields(place, n)), None)


def _holds_fields(place: Place, name: str) -> bool:
    try:
        found = place.load(name)
    except SourceError:
        return False  # whatever it is, nothing asks for it
    return isinstance(found, dict) and "nf" in found


def _decoded(place: Place) -> list[str]:
    return [
        match[1]
        for match in map(_IMAGES.fullmatch, place.names)
        if match and _field(place, match[1]) is not None
    ]


def _fits_ddif(place: Place) -> str | None:
    sets = _decoded(place)
    return f"images_{sets[0]}.pt and {_field(place, sets[0])}" if sets else None


def _read_ddif(place: Place, wanted: Wanted) -> Found:
    sets = _decoded(place)
    which = place.chosen(sets, wanted.which, _latest(sets))
    if f"labels_{which}.pt" in place.beside:
        return _read_set(place, which, wanted)
    file, fields = f"images_{which}.pt", str(_field(place, which))
    saved = place.load(fields)
    if not isinstance(saved, dict) or "label" not in saved:
        raise SourceError(f"{fields} holds no labels, and there is no labels_{which}.pt")
    pictures = stack_of(place.load(file), file)
    labels = labels_of(saved["label"], f"label of {fields}", len(pictures))
    hard, soft, kind = soft_or_hard(labels, f"label of {fields}", wanted.label_values)
    rate = {"lr": _rate(saved["syn_lr"], f"syn_lr of {fields}")} if "syn_lr" in saved else {}
    return Found(
        files=(file, fields),
        pictures=pictures,
        hard=hard,
        soft=soft,
        soft_kind=kind,
        normalised_as=_AS_MTT,
        recipe=rate,
        warnings=("DDiF's fields are left aside: the pictures that they decode to are stored",),
    )


FORMATS = (
    Format(
        "mtt", "MTT, TESLA, FreD, AutoPalette: images_IT.pt, labels_IT.pt.", _fits_mtt, _read_mtt
    ),
    Format(
        "datm",
        "DATM: the same, labels are logits, and lr_IT.pt; in Normal/.",
        _fits_datm,
        _read_datm,
    ),
    Format("ddif", "DDiF: its decoded images_IT.pt beside fields.", _fits_ddif, _read_ddif),
    Format("dd-ruo", "DD-RUO: its decoded images_MSE.pt, not pool.pt.", _fits_ruo, _read_ruo),
)
