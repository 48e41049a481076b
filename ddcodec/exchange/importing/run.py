"""From somebody else's distilled set to an artifact."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from ddcodec.encoding.encode import Encoder
from ddcodec.encoding.result import EncodeResult
from ddcodec.encoding.signature import AnyPath, with_options
from ddcodec.errors import RequestError, SourceError
from ddcodec.exchange.importing.base import Format, Found
from ddcodec.exchange.importing.formats import get_format, recognised
from ddcodec.exchange.importing.options import ImportOptions
from ddcodec.exchange.importing.order_check import Agreement, agreement
from ddcodec.exchange.importing.place import Place
from ddcodec.exchange.importing.reading import LabelProvider, Ready, read_place
from ddcodec.exchange.importing.result import ImportResult
from ddcodec.exchange.importing.trees import TreeProvider
from ddcodec.files import check_replaceable
from ddcodec.methods.options import AUTO
from ddcodec.progress import displayed
from ddcodec.sources.folder import ImageFolder
from ddcodec.sources.paths import printable

__all__ = ["Importer", "import_artifact"]

_SHOWN = 3


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
        tree = self._tree()
        ready = read_place(self.place, self.format, self.options, tree or self._provider)
        encoder = Encoder(ready.source, self.target, ready.options)
        if not self.options.dry_run:
            encoder.check_target()  # before a teacher is asked
        seen = self._ask_teacher(encoder, ready)
        made = encoder.run()
        if tree is not None:
            tree.remove()
        return self._result(ready, made, seen)

    def _tree(self) -> TreeProvider | None:
        """What reads the label tree, if one is named; a target that is taken is refused before."""
        if self.options.label_tree is None:
            return None
        check_replaceable(self.target)
        if self.target.exists() and not self.options.force:
            raise RequestError(f"{self.target} exists; choose another name, or pass force=True")
        if not self.target.absolute().parent.is_dir():
            raise RequestError(f"the folder {self.target.parent} does not exist; make it first")
        return TreeProvider(self.options.label_tree, self.target, self.options)

    def _ask_teacher(self, encoder: Encoder, ready: Ready) -> Agreement | None:
        """How a teacher agrees with the order of the classes, where one is named and here."""
        named = self.options.teacher
        if named is None or (self.options.dry_run and isinstance(named, str) and _to_fetch(named)):
            return None
        teacher = encoder.inputs.teacher()
        seen = agreement(ready.source, teacher, encoder.inputs.size, ready.ipc)
        if seen.is_wrong and not self.options.trust_order:
            raise SourceError(
                f"the order of the classes looks wrong: {seen.describe(ready.source.classes)}. "
                "Give the right one as classes='FILE', or trust_order=True if this one is right"
            )
        return seen

    def _result(self, ready: Ready, made: EncodeResult, seen: Agreement | None) -> ImportResult:
        source, stack, found = ready.source, ready.stack, ready.found
        source_len = self._source_len(ready)
        warnings = [*found.warnings, *ready.warnings, *self._left_aside(found)]
        if seen is not None and (seen.is_wrong or seen.is_doubtful):
            warnings.append(
                f"the order of the classes may be wrong: {seen.describe(source.classes)}"
            )
        warnings += [one for one in made.warnings if one not in warnings]
        if made.file_len > source_len > 0 and self.options.patch_codec == "png":
            warnings.append(
                f"the artifact is larger than its source ({made.file_len:,} bytes for "
                f"{source_len:,}), for it is stored without loss: patch_codec='avif' is smaller"
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
            labels=ready.labels,
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

    def _source_len(self, ready: Ready) -> int:
        """Bytes of the files that were read."""
        if isinstance(ready.source, ImageFolder):
            paths = [path for files in ready.source.files for path in files[: ready.ipc]]
        else:
            folders = (self.place.folder, self.place.folder / "Normal")
            paths = [
                next((f / name for f in folders if (f / name).exists()), self.place.path)
                for name in ready.found.files
            ]
        total = 0
        for path in paths:
            with suppress(OSError):
                total += os.stat(path).st_size
        return total


def _to_fetch(teacher: str) -> bool:
    from ddcodec.classifiers.pretrained import teacher_to_fetch

    return bool(teacher_to_fetch(teacher))
