"""From a source of pictures to an artifact: method, labels on decoded images, file.

The order is what makes labels honest: the method's content is written as a draft, the draft is
rendered as any reader would render it, and the teacher labels those pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from ddcodec.arrays import Array
from ddcodec.artifact import open_artifact
from ddcodec.container import NewSection, write_container
from ddcodec.encoding.labelling import Labelling, hard_label_sections, seed_sections
from ddcodec.encoding.options import EncodeOptions
from ddcodec.encoding.signature import AnyPath, with_options
from ddcodec.encoding.time_limit import (
    TRIAL_SLOTS,
    fitting_ipc,
    parse_seconds,
    picture_seconds,
)
from ddcodec.errors import EncodeError
from ddcodec.files import locked
from ddcodec.labels.sections import expected_bytes
from ddcodec.methods import package_of
from ddcodec.methods.base import Content, Job, readable_images
from ddcodec.methods.work import WorkFolder
from ddcodec.recipe import profiles
from ddcodec.recipe.head import Head, Recipe
from ddcodec.recipe.parts import Evaluation, LabelRecipe
from ddcodec.recipe.view import View
from ddcodec.sources.folder import scan
from ddcodec.sources.pictures import LoadReport
from ddcodec.sources.source import Source, load_images
from ddcodec.version import __version__

if TYPE_CHECKING:
    from ddcodec.classifiers.held_out import HeldOut
    from ddcodec.classifiers.teacher import Teacher
    from ddcodec.classifiers.training import Statistics
    from ddcodec.prior.load import Prior

__all__ = ["EncodeResult", "encode"]

# Of a trial, which nobody evaluates: real ones may need a teacher first.
_NO_STATISTICS = Evaluation((0, 0, 0), (1, 1, 1), "ddz")


# Pictures of the source from which input statistics are taken where there is no teacher.
_SAMPLE = 10_000


@dataclass(frozen=True)
class EncodeResult:
    """What an encode made, or with ``dry_run`` would make.

    Attributes:
        path: the artifact; None for a dry run.
        digest: content digest in hex; empty for a dry run.
        options_used: the options as they were used, for people.
        expected: expected bytes by section kind, estimated from a look at a few images; short of
            what follows from a prior or teacher that is not on this machine.
        to_fetch: what a dry run found to be fetched from the hub -> bytes.
        file_len: bytes of the artifact; 0 for a dry run.
        warnings: one sentence each: what was converted, skipped or ignored.
        teacher: how good the teacher is on pictures that it was not trained on; None where none was
            asked, where ddcodec did not train it, and for a dry run.
        divergence: mean KL divergence of the stored soft labels from the teacher's, in nats at the
            label temperature; None for hard labels and for a dry run.

    >>> options = dict(method="random", ipc=2, labels="hard")
    >>> would = ddcodec.encode("photos", "p.ddz", dry_run=True, **options)
    >>> would.path, would.options_used["size"], sorted(would.expected)
    (None, (16, 16), ['labels', 'patches', 'pixels', 'seeds'])
    """

    path: Path | None
    digest: str
    options_used: Mapping[str, Any]
    expected: Mapping[str, int]
    file_len: int
    warnings: tuple[str, ...]
    divergence: float | None = None
    teacher: HeldOut | None = None
    to_fetch: Mapping[str, int] = field(default_factory=dict)


@with_options(EncodeOptions)
def encode(src: AnyPath, out: AnyPath, options: EncodeOptions) -> EncodeResult:
    """Distil an image folder into one ``.ddz``.

    Args:
        src: image folder with one subfolder per class (``train/`` is found).
        out: the artifact to write, atomically.
        options: keyword arguments, the fields of :class:`ddcodec.EncodeOptions`; ``method`` must
            be given.

    Raises:
        RequestError: an option, or two together, make no sense; nothing was done.
        SourceError: the pictures are not usable as they are.
        EncodeError: the request cannot be met; nothing half-written is left.

    >>> made = ddcodec.encode("photos", "p.ddz", method="random", ipc=2, labels="hard")
    >>> made.path.name, ddcodec.open(made.path).digest == made.digest
    ('p.ddz', True)
    """
    return Encoder(scan(src), Path(out), options).run()


class Encoder:
    """One run of :func:`encode` on any source.

    Args:
        source: the pictures.
        target: the artifact to write.
        options: how.
    """

    def __init__(self, source: Source, target: Path, options: EncodeOptions) -> None:
        self.source, self.target, self.options = source, target, options
        self.method = options.filled_by
        self.size = options.size_of(source)
        self.view = options.view_of(self.size)
        self.ipc = options.ipc or TRIAL_SLOTS  # until a time limit has said how many
        self.report = LoadReport()
        self.divergence: float | None = None
        self.teacher = cache(self._load_teacher)
        self.prior = cache(self._load_prior)
        options.check_classes(len(source.classes), self.ipc)
        self.names = options.names_of(source)

    def run(self) -> EncodeResult:
        """Make the artifact, or say what would be made.

        Raises: as :func:`encode`.
        """
        if self.options.dry_run:
            return self._dry_run()
        self._check_target()
        if self.options.time_limit is None:
            self.method.check(self._job(WorkFolder()))
        if self.options.labels == "teacher":
            self._check_storable()
        with self._work_folder() as work:
            self._keep_time(work)
            content = self.method.fill(self._job(work))
            digest = self._write(content, work)
            if self.options.work is None:
                work.remove()
        return EncodeResult(
            path=self.target,
            digest=digest,
            options_used=self._options_used(),
            expected={},
            file_len=self.target.stat().st_size,
            warnings=self._warnings(),
            divergence=self.divergence,
            teacher=self.teacher().held_out if self.options.asks_teacher else None,
        )

    def _keep_time(self, work: WorkFolder) -> None:
        """With a time limit, choose the IPC; a job that goes on keeps what it chose."""
        if self.options.time_limit is None:
            return
        self.ipc = int(work.piece("ipc", self._fitting_ipc)["ipc"])
        self.method.check(self._job(work))
        self._tell(f"{self.ipc} images per class fit into {self.options.time_limit}", 1, 1)

    def _fitting_ipc(self) -> dict[str, Array]:
        limit, classes = parse_seconds(str(self.options.time_limit)), len(self.source.classes)
        self.ipc = TRIAL_SLOTS
        content = self.method.trial(self._job(WorkFolder()))
        with TemporaryDirectory() as folder:
            path = Path(folder) / "trial.ddz"
            head = self._head(content, LabelRecipe("hard"), _NO_STATISTICS)
            self._draft(content, head, path)
            with open_artifact(path) as draft:
                each = picture_seconds(
                    draft, prior=self._prior_of(content), device=self.options.device
                )
        ipc = fitting_ipc(limit, each, head.recipe, classes)
        if ipc < 1:
            needed = each * classes * self.options.variations
            raise EncodeError(
                f"one generated picture per class takes about {needed:.0f} seconds here, longer "
                f"than time_limit={self.options.time_limit!r} allows; give more time, or fewer "
                "sampling steps or variations"
            )
        if self.method.stores_pictures:
            ipc = min(ipc, *self.source.counts)
        return {"ipc": np.array(ipc)}

    def _check_target(self) -> None:
        if self.target.exists() and not self.options.force:
            raise EncodeError(f"{self.target} exists; choose another name, or pass force=True")
        if not self.target.absolute().parent.is_dir():
            raise EncodeError(f"the folder {self.target.parent} does not exist; make it first")

    def _check_storable(self) -> None:
        """Before hours of work: can this teacher be stored? One trained here always can."""
        if not self.options.trains_teacher:
            from ddcodec.labels.teacher.fold import check_storable

            check_storable(self.teacher(), self.size)

    @contextmanager
    def _work_folder(self) -> Iterator[WorkFolder]:
        """The work folder, held together with the target: no two encodes write one file."""
        own, key = self.target.with_name(self.target.name + ".work"), self._job_key()
        chosen = own if self.options.work is None else Path(self.options.work)
        with ExitStack() as stack:
            if chosen.absolute() == own.absolute():
                yield stack.enter_context(WorkFolder.held(own, key))
                return
            stack.enter_context(locked(own, remove=True))
            # A folder of the user's own choice may serve several encodes, one after another.
            wait = partial(self._tell, f"waiting for another encode in {chosen}", 0, 1)
            yield stack.enter_context(WorkFolder.held(chosen, key, wait=wait))

    def _job_key(self) -> dict[str, Any]:
        """All that finished parts follow from, by content and not by name."""
        key: dict[str, Any] = {
            "tool": __version__,
            "source": self.source.fingerprint,
            "size": list(self.size),
            "names": list(self.names),
            **self.options.job_key(),
        }
        if (package := package_of(self.options.method)) is not None:
            key["package"] = package
        if self.options.asks_teacher:
            key["teacher"] = self.teacher().digest
        if self.method.uses_prior:
            key["prior"] = dict(self.prior().pin.files)
        return key

    def _dry_run(self) -> EncodeResult:
        to_fetch = self._to_fetch()
        options, classes = self.options, len(self.source.classes)
        expected = dict[str, int]()
        if to_fetch and options.time_limit is not None:  # nor can its speed be known
            used = {k: v for k, v in self._options_used().items() if k != "ipc"}
            return EncodeResult(None, "", used, expected, 0, self._warnings(), to_fetch=to_fetch)
        if not to_fetch:  # what is not here cannot be asked for sizes
            self._keep_time(WorkFolder())
            job = self._job(WorkFolder())
            self.method.check(job)
            expected = self.method.estimate(job)
        expected["labels"] = 10
        if options.labels == "soft":
            expected["labels"] = expected_bytes(
                options.coding,
                self.view,
                classes,
                self.ipc,
                options.views,
                options.variations,
            )
        if options.labels == "teacher":
            del expected["labels"]
            if not to_fetch:
                expected["teacher"] = self._teacher_bytes()
        expected["pixels"] = 4 * classes * self.ipc
        expected["seeds"] = 8 + 4 * classes
        return EncodeResult(
            None, "", self._options_used(), expected, 0, self._warnings(), to_fetch=to_fetch
        )

    def _to_fetch(self) -> dict[str, int]:
        """Hub ids -> bytes of the prior and the teacher that are not on this machine."""
        options, missing = self.options, dict[str, int]()
        if self.method.uses_prior:
            from ddcodec.prior.survey import survey

            found = survey(options.prior)
            if found.missing:
                missing[found.name] = found.missing
        given = options.teacher
        if options.asks_teacher and not options.trains_teacher and isinstance(given, str):
            from ddcodec.classifiers.pretrained import teacher_to_fetch

            missing |= teacher_to_fetch(given)
        return missing

    def _teacher_bytes(self) -> int:
        """Expected: entropy coding saves 0.85 bits per weight (CIFAR-10, all widths within 0.1)."""
        from ddcodec.codecs.teacher_weights import TeacherWeights

        bits, classes = self.options.teacher_bits, len(self.source.classes)
        arch = "convnet3" if self.options.trains_teacher else self.teacher().arch
        codec = TeacherWeights(arch, bits, classes, self.size[0])
        return round(codec.plain_bytes / 32 * (bits - 0.85))

    def _job(self, work: WorkFolder) -> Job:
        return Job(
            source=self.source,
            names=self.names,
            size=self.size,
            ipc=self.ipc,
            seed=self.options.seed,
            quality=self.options.quality,
            teacher=self.teacher,
            prior=self.prior,
            work=work,
            flip=bool(self.view.flip),
            trains_teacher=self.options.trains_teacher,
            report=self.report,
            progress=self.options.progress,
        )

    def _write(self, content: Content, work: WorkFolder) -> str:
        """Draft with hard labels, render it, label it, write the artifact."""
        options = self.options
        head = self._head(content, LabelRecipe("hard"))
        base = self._draft(content, head, work.draft)
        with open_artifact(work.draft) as draft:
            labelling = Labelling(
                draft,
                work,
                prior=self._prior_of(content),
                device=options.device,
                progress=options.progress,
            )
            sections = [*base, *labelling.pixel_sections()]
            if options.labels == "hard":
                sections += hard_label_sections(head)
            else:
                head = self._head(content, LabelRecipe(options.labels, options.temperature))
                sections += self._soft_labels(labelling, head)
        digest = write_container(
            self.target,
            head=head.to_map(),
            sections=sections,
            info=self._info(content),
            overwrite=options.force,
        )
        work.draft.unlink()
        return digest.hex()

    def _draft(self, content: Content, head: Head, path: Path) -> list[NewSection]:
        """Write a draft with hard labels; its sections short of these."""
        base = [*content.sections, *seed_sections(head, self.options.seed)]
        sections = [*base, *hard_label_sections(head)]
        write_container(path, head=head.to_map(), sections=sections, overwrite=True)
        return base

    def _prior_of(self, content: Content) -> str | None:
        """The prior to render a draft with: the very commit that its pin names."""
        pin = content.prior
        return None if pin is None else pin.describe() if pin.revision else self.options.prior

    def _soft_labels(self, labelling: Labelling, head: Head) -> list[NewSection]:
        """Stored labels, or the teacher that computes them."""
        teacher, options = self.teacher(), self.options
        if options.labels == "teacher":
            result = labelling.stored_teacher(teacher, head, options.teacher_bits)
        else:
            result = labelling.soft_labels(teacher, head, options.coding, options.seed)
        self.divergence = result.divergence
        return result.sections

    def _head(
        self, content: Content, labels: LabelRecipe, evaluation: Evaluation | None = None
    ) -> Head:
        classes = self.source.classes
        recipe = Recipe(
            size=self.size,
            ipc=self.ipc,
            views=self.options.views,
            variations=self.options.variations,
            synthesis=content.synthesis,
            layout=content.layout,
            view=self.view if self.options.views > 1 else View("identity"),
            labels=labels,
            evaluation=evaluation or self._evaluation(),
        )
        whole = ((0, len(classes)),)
        names = None if self.names == classes else self.names
        return Head(classes, whole, whole, recipe, content.prior, names)

    def _evaluation(self) -> Evaluation:
        """Input statistics of the source: the teacher's, or of a sample where none is used."""
        if self.options.asks_teacher:
            statistics = self.teacher().statistics
        else:
            statistics = _statistics(self._job(WorkFolder()))
        return Evaluation(statistics.mean, statistics.std, "ddz")

    def _info(self, content: Content) -> dict[str, Any]:
        options = self.options
        info: dict[str, Any] = {
            "tool": f"ddcodec {__version__}",
            "method": options.method,
            "options": self.method.to_map(),
            "images": len(self.source),
            "source": bytes.fromhex(self.source.fingerprint),
            **content.info,
        }
        if options.time_limit is not None:
            info["time_limit"] = options.time_limit
        if (package := package_of(options.method)) is not None:
            info["package"] = package
        if options.asks_teacher:
            info["teacher"] = self.teacher().arch
            info["teacher_digest"] = bytes.fromhex(self.teacher().digest)
        if self.divergence is not None:  # a header holds no floating-point number
            info["labels"] = {"divergence": f"{self.divergence:.3g}"}
            if options.labels == "soft":
                info["labels"]["layers"] = options.label_layers
        # The pixels of exact profiles depend on no environment.
        if content.prior is not None and options.profile == profiles.FLOAT:
            from ddcodec.prior.load import fingerprint

            info["environment"] = fingerprint(options.device)
        return info

    def _options_used(self) -> dict[str, Any]:
        used = {"method": self.options.method, "ipc": self.ipc, **self.options.options_used()}
        used["size"] = self.size
        used["options"] = self.method.to_map()
        used["classes"] = len(self.source.classes)
        used["images"] = len(self.source)
        if self.names != self.source.classes:
            used["class_names"] = dict(zip(self.source.classes, self.names, strict=True))
        if self.method.uses_prior:
            used["prior"] = Path(self.options.prior).name
        if self.method.generates:
            used["profile"] = self.options.profile
        if self.options.asks_teacher:
            given = self.options.teacher
            used["teacher"] = Path(given).name if isinstance(given, str) else self.teacher().arch
        return used

    def _warnings(self) -> tuple[str, ...]:
        return (*self.source.warnings, *self.report.describe())

    def _load_teacher(self) -> Teacher:
        from ddcodec.classifiers.store import cached_teacher, load_teacher
        from ddcodec.classifiers.teacher import Teacher, default_settings, training_size

        source, device = self.source, self.options.device
        given = self.options.teacher
        if isinstance(given, Teacher):
            return given.for_classes(source.classes, self.names).to(device)
        if not self.options.trains_teacher:
            return load_teacher(
                given, source.classes, self.names, device=device, progress=self.options.progress
            )
        # A stored teacher must look at the images as they are.
        size = self.size if self.options.labels == "teacher" else training_size(self.size)
        settings = default_settings(
            len(source), min(size), classes=len(source.classes), flip=bool(self.view.flip)
        )
        return cached_teacher(
            source.fingerprint,
            size,
            source.classes,
            settings,
            lambda: load_images(source, size, on_error="skip", report=self.report),
            lambda done, total: self._tell("teacher", done, total),
            device=device,
        )

    def _tell(self, what: str, done: int, total: int) -> None:
        if self.options.progress is not None:
            self.options.progress(what, done, total)

    def _load_prior(self) -> Prior:
        from ddcodec.prior.load import load_prior
        from ddcodec.prior.resolve import resolve_prior

        options = self.options
        found = resolve_prior(options.prior, progress=options.progress)
        # What only looks at pictures promises no decoder anything, and needs no exact networks.
        profile = options.profile if self.method.generates else profiles.FLOAT
        return load_prior(found.spec, profile=profile, device=options.device)


def _statistics(job: Job) -> Statistics:
    """Input statistics of a seeded sample of the source, of which one picture is held at a time."""
    from ddcodec.classifiers.training import statistics_of

    classes = range(len(job.source.classes))
    per_class = max(1, min(100, _SAMPLE // len(classes)))
    return statistics_of(
        image for c in classes for _, image in islice(readable_images(job, c, job.size), per_class)
    )
