"""``ddz.json`` beside an export of ours: what its numbers mean, so that nobody has to be asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ddcodec.errors import SourceError
from ddcodec.exchange.exporting.sidecar import SCHEMA
from ddcodec.exchange.folder import SIDECAR
from ddcodec.exchange.importing.base import Found
from ddcodec.exchange.importing.normalisation import Normalisation
from ddcodec.exchange.importing.place import Place
from ddcodec.files import read_json
from ddcodec.methods.options import ratio_of
from ddcodec.sources.folder import ImageFolder
from ddcodec.sources.paths import printable

__all__ = ["explained"]


def explained(found: Found, place: Place) -> Found:
    """The same with the classes, statistics and temperature that a sidecar names.

    Raises:
        SourceError: it is damaged.
    """
    if SIDECAR not in place.beside or isinstance(found.pictures, ImageFolder):
        return found
    try:
        values = read_json(place.at(SIDECAR))
        if values.get("schema") != SCHEMA:
            return found
        return _with(found, values)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise SourceError(
            f"{printable(place.at(SIDECAR))} is damaged ({error}): export the artifact again, or "
            "remove this file"
        ) from error


def _with(found: Found, values: dict[str, Any]) -> Found:
    names = tuple(str(name) for name in values["classes"])
    normalised = found.normalised
    if "mean" in values:
        mean, std = ([float(one) for one in values[key]] for key in ("mean", "std"))
        text = str(values["statistics"])
        normalised = Normalisation(text, (mean[0], mean[1], mean[2]), (std[0], std[1], std[2]))
    soft = found.soft if values["label_kind"] != "hard" else None
    return replace(
        found,
        names=names,
        order=None,
        normalised=normalised,
        soft=soft,
        temperature=ratio_of(values["temperature"]) if soft is not None else (1, 1),
        recipe={"exported_from": str(values["digest"]), **found.recipe},
    )
