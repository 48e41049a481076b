"""From somebody else's distilled set to an artifact."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np

from ddcodec.arrays import Int64s
from ddcodec.encoding.encode import Encoder
from ddcodec.encoding.given import GivenLabels
from ddcodec.encoding.result import EncodeResult
from ddcodec.encoding.signature import AnyPath, with_options
from ddcodec.errors import RequestError, SourceError
from ddcodec.exchange.importing.base import Format, Found, Wanted
from ddcodec.exchange.importing.bindings import Binding, bound
from ddcodec.exchange.importing.formats import get_format, recognised
from ddcodec.exchange.importing.labels import classes_of, given_labels
from ddcodec.exchange.importing.method import Imported, Measured
from ddcodec.exchange.importing.options import GivenOptions, ImportOptions
from ddcodec.exchange.importing.order_check import Agreement, agreement
from ddcodec.exchange.importing.place import Place
from ddcodec.exchange.importing.result import ImportResult
from ddcodec.exchange.importing.sidecar import explained
from ddcodec.exchange.importing.source import StackSource
from ddcodec.exchange.importing.spaces import chosen_space, space_findings
from ddcodec.exchange.importing.stack import Stack, rows_of
from ddcodec.methods.options import AUTO
from ddcodec.progress import displayed
from ddcodec.sources.folder import ImageFolder
from ddcodec.sources.paths import printable

__all__ = ["Importer", "LabelProvider", "Pictures", "import_artifact"]

_SHOWN = 3

Pictures: TypeAlias = StackSource | ImageFolder
"""A source in the order of the artifact's classes; a picture's number is its slot."""

LabelProvider: TypeAlias = Callable[[Pictures, int], GivenLabels]
"""Pictures in the order of the artifact, and its IPC -> their labels, which some other files hold.

Label trees of FKD and its kin come in by this.
"""


@with_options(ImportOptions)
def import_artifact(src: AnyPath, out: AnyPath, options: ImportOptions) -> ImportResult:
    """Make an artifact of a distilled set in another project's format.

    Args:
        src: the file, or the folder with the files.
        out: the artifact to write, atomically.
        options: keyword arguments, the fields of
            :class:`ddcodec.exchange.importing.options.ImportOptions`.

    Raises:
        RequestError: an option makes no sense, or one is needed: the order of the classes, the
            statistics of the pictures, the format where several fit.
        SourceError: a file is damaged, holds more than tensors, or something else than its format
            says; the order of classes is not what a teacher sees.
        EncodeError: the artifact cannot be made; nothing half-written is left.

    >>> made = ddcodec.import_artifact("photos", "p.ddz", ipc=2)
    >>> made.format, made.classes, made.psnr_text
    ('folder', ('blob', 'cross', 'stripes'), 'without loss')
    """
    with displayed(options.progress) as progress:
        return Importer(src, out, replace(options, progress=progress)).run()


class Importer:
    """One run of :func:`import_artifact`.

    Args:
        src: the file, or the folder with the files.
        out: the artifact to write.
        options: how.
        provider: gives soft labels that are not in the source itself.

    Attributes:
        format: of the source.
        why: what told it.
    """

    def __init__(
        self,
        src: AnyPath,
        out: AnyPath,
        options: ImportOptions,
        provider: LabelProvider | None = None,
    ) -> None:
        self.place, self.target, self.options = Place(src), Path(out), options
        self._provider = provider
        self.format: Format
        if options.format == AUTO:
            self.format, self.why = recognised(self.place)
        else:
            self.format, self.why = get_format(options.format), "as was said"
            if (told := self.format.fits(self.place)) is None:
                raise SourceError(
                    f"{printable(self.place.path)} is not of format {self.format.name} "
                    f"({self.format.summary.rstrip('.')}): leave format={self.format.name!r} out, "
                    "and what is there is said"
                )
            self.why = told

    def run(self) -> ImportResult:
        """Read, check and encode.

        Raises: as :func:`import_artifact`.
        """
        ready = self._read()
        encoder = Encoder(ready.source, self.target, ready.options)
        seen = self._ask_teacher(encoder, ready)
        made = encoder.run()
        return self._result(ready, made, seen)

    def _read(self) -> _Ready:
        options = self.options
        wanted = Wanted(options.which, options.factor, options.label_values)
        found = explained(self.format.read(self.place, wanted), self.place)
        binding = bound(found, options.classes)
        source, rows, space, warnings = self._pictures(found, binding)
        ipc = _equal_ipc(source, options.ipc)
        labels = self._labels(found, source, [one[:ipc] for one in rows], ipc)
        kind = "source" if labels is not None else self._kind()
        info: dict[str, str | int] = {
            "format": self.format.name,
            "order": binding.origin,
            **found.recipe,
        }
        clipped = 0
        if isinstance(source, StackSource):
            source = source.first(ipc)
            clipped = source.clipped
            info |= {"normalisation": space, "clipped": clipped} if space else {}
        measured = Measured()
        given = options.encode(
            ipc=ipc,
            labels="soft" if labels is not None else kind,
            filled=Imported(stored=_stored(found), info=info, measured=measured),
            labels_given=labels,
            **({"size": found.shown} if found.shown is not None else {}),
            **_given_label_options(labels),
        )
        if isinstance(source, StackSource):
            given = replace(given, statistics=source.statistics)
        return _Ready(found, binding, source, given, kind, space, measured, ipc, warnings)

    def _pictures(
        self, found: Found, binding: Binding
    ) -> tuple[Pictures, Sequence[Int64s], str, tuple[str, ...]]:
        """The source in the order of its classes, its rows, its space and warnings."""
        if isinstance(found.pictures, ImageFolder):
            self._refuse_of_folders()
            folder = binding.folder(found.pictures)
            return folder, [np.arange(count) for count in folder.counts], "", ()
        assert isinstance(found.pictures, Stack)
        own, warnings = classes_of(found)
        rows = rows_of(own, len(binding.classes), "the source")
        space = chosen_space(found, binding.known, self.options)
        where = printable(self.place.path)
        source = StackSource(found.pictures, rows, binding.classes, space, where)
        findings = space_findings(found, space, source)
        return source, rows, space.name, (*warnings, *findings)

    def _refuse_of_folders(self) -> None:
        for name in ("normalisation", "zca", "which", "factor"):
            if getattr(self.options, name) is not None:
                raise RequestError(
                    f"{name}={getattr(self.options, name)!r} says nothing to files of pictures, "
                    "which hold pixels; leave it out"
                )

    def _labels(
        self, found: Found, source: Pictures, rows: Sequence[Int64s], ipc: int
    ) -> GivenLabels | None:
        wanted = self.options.labels
        if wanted in ("soft", "hard", "teacher"):
            return None
        if self._provider is not None:
            return self._provider(source, ipc)
        if found.soft is not None:
            return given_labels(found, rows)
        return None

    def _kind(self) -> str:
        options = self.options
        if options.labels in ("soft", "hard", "teacher"):
            return options.labels
        return "soft" if options.labels == AUTO and options.teacher is not None else "hard"

    def _ask_teacher(self, encoder: Encoder, ready: _Ready) -> Agreement | None:
        """How a teacher agrees with the order of the classes, where one is named and here."""
        if self.options.teacher is None or (encoder.inputs.to_fetch() and self.options.dry_run):
            return None
        teacher = encoder.inputs.teacher()
        seen = agreement(ready.source, teacher, encoder.inputs.size, ready.ipc)
        if seen.is_wrong and not self.options.trust_order:
            raise SourceError(
                f"the order of the classes looks wrong: {seen.describe(ready.source.classes)}. "
                "Give the right one as classes='FILE', or trust_order=True if this one is right"
            )
        return seen

    def _result(self, ready: _Ready, made: EncodeResult, seen: Agreement | None) -> ImportResult:
        source, found = ready.source, ready.found
        stack = source if isinstance(source, StackSource) else None
        source_len = self._source_len(ready)
        warnings = [*found.warnings, *ready.warnings, *self._left_aside(found)]
        if seen is not None and (seen.is_wrong or seen.is_doubtful):
            warnings.append(
                f"the order of the classes may be wrong: {seen.describe(source.classes)}"
            )
        warnings += [one for one in made.warnings if one not in warnings]
        if made.file_len > source_len > 0:
            warnings.append(
                f"the artifact is larger than its source ({made.file_len:,} bytes for "
                f"{source_len:,}): pictures that have lost something before are smaller as "
                "patch_codec='avif'"
            )
        return ImportResult(
            path=made.path,
            digest=made.digest,
            file_len=made.file_len,
            format=self.format.name,
            why=self.why,
            files=found.files,
            source_len=source_len,
            classes=source.classes,
            order=ready.binding.origin,
            ipc=ready.ipc,
            size=made.options_used["size"],
            normalisation=ready.space,
            clipped=stack.clipped if stack else 0,
            values=stack.values if stack else 0,
            psnr=ready.measured.psnr,
            divergence=made.divergence,
            labels=ready.kind,
            agreement=seen,
            recipe=found.recipe,
            expected=made.expected,
            options_used=made.options_used,
            warnings=tuple(warnings),
        )

    def _left_aside(self, found: Found) -> Iterator[str]:
        """What of a folder of tensors has no part in this."""
        if isinstance(found.pictures, ImageFolder):
            return
        others = [name for name in self.place.pickles if name not in found.files]
        if others:
            some = ", ".join(others[:_SHOWN]) + (", ..." if len(others) > _SHOWN else "")
            what = "1 other file is" if len(others) == 1 else f"{len(others)} other files are"
            yield f"{what} left aside in {printable(self.place.path)}: {some}"

    def _source_len(self, ready: _Ready) -> int:
        """Bytes of the files that were read."""
        if isinstance(ready.source, ImageFolder):
            paths = [path for files in ready.source.files for path in files[: ready.ipc]]
        else:
            paths = [Place(self.place.path).folder / name for name in ready.found.files]
            inside = self.place.folder / "Normal"
            paths = [path if path.exists() else inside / path.name for path in paths]
        total = 0
        for path in paths:
            with suppress(OSError):
                total += os.stat(path).st_size
        return total


@dataclass(frozen=True, eq=False)
class _Ready:
    """What was read, and how it is to be encoded."""

    found: Found
    binding: Binding
    source: Pictures
    options: GivenOptions
    kind: str
    space: str
    measured: Measured
    ipc: int
    warnings: tuple[str, ...]


def _stored(found: Found) -> tuple[int, int] | None:
    """(width, height) of pictures that are shown larger than they are stored."""
    return found.pictures.size if found.shown and isinstance(found.pictures, Stack) else None


def _given_label_options(labels: GivenLabels | None) -> dict[str, object]:
    if labels is None:
        return {}
    return {"views": labels.views, "label_temperature": labels.temperature}


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
        raise RequestError(
            f"class {large!r} has {most:,} images and class {small!r} {least:,}, and an artifact "
            f"has as many of each class: {_way(least)}"
        )
    return asked or least


def _way(least: int) -> str:
    if least == 0:
        return "get the images that are missing, or the right order of classes"
    return f"give ipc={least} to take the first {least:,} of each, or get those that are missing"
