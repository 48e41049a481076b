"""The prior that an artifact needs, and whether this machine has it; fetches and opens nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ddcodec.errors import DecodeError
from ddcodec.prior.resolve import resolve_pinned
from ddcodec.prior.survey import survey
from ddcodec.recipe.pin import PriorPin

__all__ = ["Need", "need_of"]


@dataclass(frozen=True)
class Need:
    """The prior of an artifact, before it is decoded.

    Attributes:
        name: as the artifact names it.
        folder: where it is on this machine, in whole or in part; None where it is not.
        to_fetch: bytes that are to be fetched, on the user's word.
        problem: why it cannot be used as things are, and what to do; None where it can.
    """

    name: str
    folder: Path | None
    to_fetch: int = 0
    problem: str | None = None


def need_of(pin: PriorPin, spec: str | Path | None = None) -> Need:
    """What decoding would find; the files themselves are checked when they are loaded.

    Args:
        pin, spec: as for ``resolve_pinned``.

    Raises:
        DecodeError: what ``spec`` names cannot be found.
    """
    if spec is not None:
        found = survey(spec, pin.revision if str(spec) == pin.source else None, pin.files)
        return Need(pin.describe(), found.folder, found.missing)
    try:
        return Need(pin.describe(), resolve_pinned(pin).folder)
    except DecodeError as error:
        return Need(pin.describe(), None, problem=str(error))
