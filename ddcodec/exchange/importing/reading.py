"""From what a format's files hold to a source and labels that an encode takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from ddcodec.arrays import Int64s
from ddcodec.encoding.given import GivenLabels
from ddcodec.errors import RequestError
from ddcodec.exchange.importing.base import Format, Found, Wanted
from ddcodec.exchange.importing.bindings import Binding, bound
from ddcodec.exchange.importing.labels import classes_of, given_labels
from ddcodec.exchange.importing.method import Imported, Measured
from ddcodec.exchange.importing.options import GivenOptions, ImportOptions
from ddcodec.exchange.importing.place import Place
from ddcodec.exchange.importing.sidecar import explained
from ddcodec.exchange.importing.source import StackSource
from ddcodec.exchange.importing.spaces import chosen_space, space_findings
from ddcodec.exchange.importing.stack import Stack, rows_of
from ddcodec.methods.options import AUTO
from ddcodec.sources.folder import ImageFolder
from ddcodec.sources.paths import printable

__all__ = ["LabelProvider", "Pictures", "Ready", "read_place"]

Pictures: TypeAlias = StackSource | ImageFolder
"""A source in the order of the artifact's classes; a picture's number is its slot."""

LabelProvider: TypeAlias = Callable[[Pictures, int], GivenLabels]
"""Pictures in the order of the artifact, and its IPC -> their labels, which some other files hold.

Label trees of FKD and its kin come in by this.
"""


@dataclass(frozen=True, eq=False)
class Ready:
    """What was read, and how it is to be encoded.

    Attributes:
        found: in the files.
        binding: of names to its classes.
        source: its pictures.
        options: of the encode, which stores them.
        labels: ``hard``; ``source``, soft ones that are given; ``soft`` or ``teacher``.
        space: the statistics that were undone; empty of files of pictures.
        measured: filled by the encode.
        ipc: images per class.
        warnings: one sentence each.
    """

    found: Found
    binding: Binding
    source: Pictures
    options: GivenOptions
    labels: str
    space: str
    measured: Measured
    ipc: int
    warnings: tuple[str, ...]

    @property
    def stack(self) -> StackSource | None:
        """The source, if it is of tensors."""
        return self.source if isinstance(self.source, StackSource) else None


def read_place(
    place: Place, form: Format, options: ImportOptions, provider: LabelProvider | None
) -> Ready:
    """Read a place of a format, and check all that can be checked without a teacher.

    Args:
        place: where the files are.
        form: their format.
        options: of the import.
        provider: gives soft labels that are not in the source itself.

    Raises:
        RequestError: the user must say more, or something else.
        SourceError: the files are not what they should be.
    """
    wanted = Wanted(options.which, options.factor, options.label_values)
    found = explained(form.read(place, wanted), place)
    binding = bound(found, options.classes)
    if isinstance(found.pictures, ImageFolder):
        _refuse_options_of_tensors(options)
        source: Pictures = binding.folder(found.pictures)
        ipc = _equal_ipc(source, options.ipc)
        rows, space, warnings = [np.arange(ipc) for _ in source.classes], "", tuple[str, ...]()
    else:
        own, warnings = classes_of(found)
        all_rows = rows_of(own, len(binding.classes), "the source")
        back = chosen_space(found, binding.known, options)
        whole = StackSource(found.pictures, all_rows, binding.classes, back, printable(place.path))
        ipc = _equal_ipc(whole, options.ipc)
        source, rows, space = whole.first(ipc), [one[:ipc] for one in all_rows], back.name
        warnings = (*warnings, *space_findings(found, back, source))
    labels = _given(found, source, rows, options, provider)
    kind = _kind(options) if labels is None else "source"
    measured = Measured()
    info = {"format": form.name, "order": binding.origin, **found.recipe}
    filled = Imported(_stored(found), _info(info, source, space), measured)
    given = _options(options, ipc, kind, labels, found, source, filled)
    return Ready(found, binding, source, given, kind, space, measured, ipc, warnings)


def _info(info: dict[str, str], source: Pictures, space: str) -> dict[str, str | int]:
    if not isinstance(source, StackSource):
        return {**info}
    return {**info, "normalisation": space, "clipped": source.clipped}


def _options(
    options: ImportOptions,
    ipc: int,
    kind: str,
    labels: GivenLabels | None,
    found: Found,
    source: Pictures,
    filled: Imported,
) -> GivenOptions:
    more: dict[str, Any] = {"labels": "soft" if labels is not None else kind, "filled": filled}
    if labels is not None:
        if options.views not in (None, labels.views):
            raise RequestError(
                f"views={options.views} is not possible with labels of the source, which are of "
                f"{labels.views}: leave it out, or let a teacher label views, as labels='soft'"
            )
        more |= {"views": labels.views, "label_temperature": labels.temperature}
    if options.size is None and found.shown is not None:
        more["size"] = found.shown
    if isinstance(source, StackSource):
        more["statistics"] = source.statistics
    return options.encode(ipc=ipc, labels_given=labels, **more)


def _refuse_options_of_tensors(options: ImportOptions) -> None:
    for name in ("normalisation", "zca", "which", "factor"):
        if (value := getattr(options, name)) is not None:
            raise RequestError(
                f"{name}={value!r} says nothing to files of pictures, which hold pixels; leave it "
                "out"
            )


def _given(
    found: Found,
    source: Pictures,
    rows: Sequence[Int64s],
    options: ImportOptions,
    provider: LabelProvider | None,
) -> GivenLabels | None:
    """Soft labels that somebody has given already, if they are wanted."""
    if options.labels in ("soft", "hard", "teacher"):
        return None
    if provider is not None:
        return provider(source, len(rows[0]))
    return given_labels(found, rows) if found.soft is not None else None


def _kind(options: ImportOptions) -> str:
    """Labels where none are given."""
    if options.labels in ("soft", "hard", "teacher"):
        return options.labels
    return "soft" if options.labels == AUTO and options.teacher is not None else "hard"


def _stored(found: Found) -> tuple[int, int] | None:
    """(width, height) of pictures that are shown larger than they are stored."""
    return found.pictures.size if found.shown and isinstance(found.pictures, Stack) else None


def _equal_ipc(source: Pictures, asked: int | None) -> int:
    """The images per class, of which an artifact has as many of each.

    Raises:
        RequestError: there are more of one class than of another, or fewer than were asked for.
    """
    least, most = min(source.counts), max(source.counts)
    small = source.classes[source.counts.index(least)]
    if asked is not None and asked > least:
        raise RequestError(f"ipc={asked} is more than the {least:,} images of class {small!r}")
    if asked is None and least != most:
        large = source.classes[source.counts.index(most)]
        way = f"give ipc={least} to take the first {least:,} of each, or get those that are missing"
        if least == 0:
            way = "get the images that are missing, or give the right order of classes"
        raise RequestError(
            f"class {large!r} has {most:,} images and class {small!r} {least:,}, and an artifact "
            f"has as many of each class: {way}"
        )
    return asked or least
