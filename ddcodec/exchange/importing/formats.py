"""The registry of foreign formats, and which of them a place is of."""

from __future__ import annotations

from collections.abc import Mapping

from ddcodec.errors import RequestError, SourceError
from ddcodec.exchange.importing import condensation, folders, matching, numpy_files
from ddcodec.exchange.importing.base import Format
from ddcodec.exchange.importing.place import Place
from ddcodec.sources.paths import printable
from ddcodec.suggestions import did_you_mean

__all__ = ["FORMATS", "get_format", "recognised"]

FORMATS: Mapping[str, Format] = {
    one.name: one
    for one in (
        *matching.FORMATS,
        *condensation.FORMATS,
        *folders.FORMATS,
        *numpy_files.FORMATS,
    )
}
"""By name."""


def get_format(name: str) -> Format:
    """The format of this name.

    Raises:
        RequestError: there is none, listing those there are.
    """
    if name not in FORMATS:
        raise RequestError(
            f"format={name!r} is not known{did_you_mean(name, FORMATS)}; known: "
            f"{', '.join(FORMATS)}"
        )
    return FORMATS[name]


def recognised(place: Place) -> tuple[Format, str]:
    """The one format that a place is of, and what told.

    Raises:
        RequestError: it may be of several.
        SourceError: it is of none, or a file in it cannot be read.
    """
    fitting = [(one, why) for one in FORMATS.values() if (why := one.fits(place)) is not None]
    if len(fitting) > 1:
        readings = "; ".join(f"format={one.name!r} for {why}" for one, why in fitting)
        raise RequestError(f"{printable(place.path)} may be several things: choose {readings}")
    if not fitting:
        raise SourceError(_nothing(place))
    return fitting[0]


def _nothing(place: Place) -> str:
    text = f"{printable(place.path)} is of no known format ({', '.join(FORMATS)})"
    if place.file is None:
        there = ", ".join(place.names[:8]) or "no files"
        reason = ""
        try:
            _ = place.pictures
        except SourceError as error:
            reason = f"; as a folder of pictures: {error}"
        return f"{text}: it holds {there}{reason}"
    saved = place.load(place.file) if place.pickles else None
    shape = getattr(saved, "shape", None)
    what = f"a tensor of shape {list(shape)}" if shape is not None else f"a {type(saved).__name__}"
    beside = (
        ": a tensor of pictures needs its labels beside it, as images_X.pt and labels_X.pt"
        if shape is not None
        else ""
    )
    return f"{text}: it holds {what}{beside}" if place.pickles else text
