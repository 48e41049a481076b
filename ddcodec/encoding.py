"""From an image folder to an artifact: plan, method, labels on decoded images, file.

The order is what makes labels honest: the method's content is written as a draft, the draft is
rendered as any reader would render it, and the teacher labels those pixels.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ddcodec.artifact import open_artifact
from ddcodec.codecs.label_model import MAX_CLASSES
from ddcodec.container import NewSection, write_container
from ddcodec.errors import EncodeError
from ddcodec.exact import profiles
from ddcodec.label_sections import LabelOptions, LayerName, expected_bytes
from ddcodec.labelling import Labelling, hard_label_sections, seed_sections
from ddcodec.methods import get_method
from ddcodec.methods.base import Content, Job, Method, readable_images
from ddcodec.recipe import Evaluation, Head, LabelRecipe, Recipe
from ddcodec.settings import (
    CODING,
    Settings,
    bits_within,
    image_size,
    known_profile,
    positive,
    seed_within,
    temperature_ratio,
)
from ddcodec.source import LoadReport, Source, load_images, scan
from ddcodec.synthesis.views import View
from ddcodec.version import __version__
from ddcodec.view_choice import choose_view
from ddcodec.work import WorkFolder

if TYPE_CHECKING:
    from ddcodec.classifiers.teacher import Teacher
    from ddcodec.classifiers.training import Statistics
    from ddcodec.prior.load import Prior

__all__ = ["EncodeResult", "encode"]

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class EncodeResult:
    """What an encode made, or with ``dry_run`` would make.

    Attributes:
        path: the artifact; None for a dry run.
        digest: content digest in hex; empty for a dry run.
        plan: the settings as they were used, for people.
        expected: expected bytes by section kind, estimated from a look at a few images.
        file_len: bytes of the artifact; 0 for a dry run.
        warnings: one sentence each: what was converted, skipped or ignored.
        divergence: mean KL divergence of the stored soft labels from the teacher's, in nats at the
            label temperature; None for hard labels and for a dry run.
    """

    path: Path | None
    digest: str
    plan: Mapping[str, Any]
    expected: Mapping[str, int]
    file_len: int
    warnings: tuple[str, ...]
    divergence: float | None = None


def encode(
    src: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    method: str,
    ipc: int = 10,
    views: int = 30,
    seed: int = 0,
    prior: str = "tiny",
    teacher: str = "auto",
    profile: str = profiles.DEFAULT,
    labels: Literal["soft", "hard", "teacher"] = "soft",
    teacher_bits: int = 5,
    label_temperature: int | str = 4,
    label_layers: LayerName = "innovation",
    label_quality: float | None = None,
    label_bytes: int | None = None,
    quality: int = 50,
    view: str = "auto",
    size: int | tuple[int, int] | None = None,
    work: str | os.PathLike[str] | None = None,
    dry_run: bool = False,
    force: bool = False,
    options: Mapping[str, str] | None = None,
    device: str = "cpu",
    progress: Progress | None = None,
) -> EncodeResult:
    """Distil an image folder into one ``.ddz``.

    Args:
        src: image folder with one subfolder a class (``train/`` is found).
        out: the artifact to write, atomically.
        method: ``d3m``, ``rded`` or ``random``.
        ipc: images per class.
        views: labelled variations of each image; 1 stores the plain images alone.
        seed: everything random follows from it.
        prior: ``tiny``, a diffusers folder, or a hub id with optional ``@revision``.
        teacher: ``auto`` (trained on ``src`` once and cached by content), a folder or a hub id.
        profile: how the prior is executed: ``w8a8``, ``w8a15`` or ``w15a15``, whose pictures are
            the same bytes on every machine, or ``float``, whose pictures are not.
        labels: ``soft`` from the teacher, ``hard``, or ``teacher``: the teacher itself is stored in
            few bits, and computes soft labels wherever the artifact is decoded.
        teacher_bits: bits of a stored teacher's weights, 3..8.
        label_temperature: temperature a student trains at, as an integer or ``num/den``.
        label_layers: how much of each soft label is kept: ``class``, ``image``, ``field``,
            ``innovation`` or ``lossless``; see :class:`ddcodec.label_sections.LabelOptions`.
        label_quality: mean KL divergence, in nats at the temperature, that coding may cost; by
            default 1 % of the divergence of labels from their mean.
        label_bytes: bytes of all soft labels; takes the place of ``label_quality``.
        quality: WebP quality of stored patches, 1..100.
        view: ``auto``, ``none``, or parts joined by ``+``: ``crop``, ``flip``, ``cutmix``,
            ``resized-crop``.
        size: side, or (width, height), of training images; the images' own size by default.
        work: folder for finished pieces; ``OUT.work`` by default, removed after success.
        dry_run: plan and estimate only.
        force: replace an existing ``out``.
        options: the method's own options, as text.

    Raises:
        EncodeError, SourceError: the request cannot be met; nothing half-written is left.
    """
    target = Path(out)
    if target.exists() and not force and not dry_run:
        raise EncodeError(f"{target} exists; give --force to replace it")
    source = scan(src)
    settings = Settings(
        method=method,
        ipc=positive("ipc", ipc),
        views=positive("views", views),
        seed=seed_within(seed),
        prior=prior,
        teacher=teacher,
        profile=known_profile(profile),
        labels=labels,
        teacher_bits=bits_within(teacher_bits),
        temperature=str(label_temperature),
        label_layers=label_layers,
        label_quality=label_quality,
        label_bytes=None if label_bytes is None else positive("label-bytes", label_bytes),
        quality=quality,
        size=image_size(size, source),
        view=view,
        options=dict(options or {}),
    )
    return _Encoder(source, target, settings, work, device, progress).run(dry_run, force)


class _Encoder:
    """One run of :func:`encode`."""

    def __init__(
        self,
        source: Source,
        target: Path,
        settings: Settings,
        work: str | os.PathLike[str] | None,
        device: str,
        progress: Progress | None,
    ) -> None:
        self.source, self.target, self.settings = source, target, settings
        self.device, self.progress = device, progress
        self.keep_work = work is not None
        self.work_path = Path(work) if work is not None else target.with_name(target.name + ".work")
        self.method: Method = get_method(settings.method).from_options(settings.options)
        self.view = choose_view(settings.view, settings.size)
        self.temperature = temperature_ratio(settings.temperature)
        self.label_options = LabelOptions(
            settings.label_layers, settings.label_quality, settings.label_bytes
        )
        self.divergence: float | None = None
        if settings.labels == "soft" and len(source.classes) > MAX_CLASSES:
            raise EncodeError(
                f"{len(source.classes)} classes are too many for stored soft labels, which take at "
                f"most {MAX_CLASSES}; use --labels teacher or hard"
            )
        self.report = LoadReport()
        self.teacher = cache(self._load_teacher)
        self.prior = cache(self._load_prior)

    def run(self, dry_run: bool, force: bool) -> EncodeResult:
        _check_ipc(self.source, self.settings, self.method)
        if self._stores_teacher:
            self._check_teacher()
        if dry_run:
            return self._dry_run()
        work = WorkFolder(self.work_path, self._job_key())
        job = self._job(work)
        content = self.method.fill(job)
        digest = self._write(content, work, force)
        if not self.keep_work:
            work.remove()
        return EncodeResult(
            path=self.target,
            digest=digest,
            plan=self._plan(),
            expected={},
            file_len=self.target.stat().st_size,
            warnings=self._warnings(),
            divergence=self.divergence,
        )

    @property
    def _asks_teacher(self) -> bool:
        """Whether the teacher has a part in the artifact."""
        return self.method.uses_teacher or self.settings.labels != "hard"

    @property
    def _stores_teacher(self) -> bool:
        return self.settings.labels == "teacher"

    def _check_teacher(self) -> None:
        """Before hours of work: can this teacher be stored? One trained here always can."""
        if self.settings.teacher != "auto":
            from ddcodec.stored_teacher.fold import check_storable

            check_storable(self.teacher(), self.settings.size)

    def _dry_run(self) -> EncodeResult:
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            job = self._job(WorkFolder(Path(folder), self._job_key()))
            expected = self.method.plan(job)
        rows = len(self.source.classes) * self.settings.ipc
        expected["labels"] = 10
        if self.settings.labels == "soft":
            classes, views = len(self.source.classes), self.settings.views
            expected["labels"] = expected_bytes(
                self.label_options, self.view, classes, self.settings.ipc, views
            )
        if self._stores_teacher:
            expected["teacher"] = self._teacher_bytes()
            del expected["labels"]
        expected["pixels"] = 4 * rows
        expected["seeds"] = 8 + 4 * len(self.source.classes)
        return EncodeResult(None, "", self._plan(), expected, 0, self._warnings())

    def _teacher_bytes(self) -> int:
        """Expected: entropy coding saves 0.85 bits a weight (CIFAR-10, all widths within 0.1)."""
        from ddcodec.codecs.teacher_weights import TeacherWeights

        settings, classes = self.settings, len(self.source.classes)
        arch = "convnet3" if settings.teacher == "auto" else self.teacher().arch
        codec = TeacherWeights(arch, settings.teacher_bits, classes, settings.size[0])
        return round(codec.plain_bytes / 32 * (settings.teacher_bits - 0.85))

    def _job(self, work: WorkFolder) -> Job:
        return Job(
            source=self.source,
            size=self.settings.size,
            ipc=self.settings.ipc,
            seed=self.settings.seed,
            quality=self.settings.quality,
            teacher=self.teacher,
            prior=self.prior,
            work=work,
            flip=bool(self.view.flip),
            report=self.report,
            progress=self.progress,
        )

    def _write(self, content: Content, work: WorkFolder, force: bool) -> str:
        """Draft with hard labels, render it, label it, write the artifact."""
        head = self._head(content, LabelRecipe("hard", (1, 1)), work)
        base = [*content.sections, *seed_sections(self.source.classes, self.settings.seed)]
        draft = work.path / "draft.ddz"
        hard = hard_label_sections(head)
        write_container(draft, head=head.to_map(), sections=[*base, *hard], overwrite=True)
        prior = None if content.prior is None else self.settings.prior
        with open_artifact(draft) as artifact:
            labelling = Labelling(
                artifact, work, prior=prior, device=self.device, progress=self.progress
            )
            sections = [*base, *labelling.pixel_sections()]
            if self.settings.labels == "hard":
                sections += hard
            else:
                kind = self.settings.labels
                head = self._head(content, LabelRecipe(kind, self.temperature), work)
                sections += self._soft_labels(labelling, head)
        digest = write_container(
            self.target,
            head=head.to_map(),
            sections=sections,
            info=self._info(content),
            overwrite=force,
        )
        draft.unlink()
        return digest.hex()

    def _soft_labels(self, labelling: Labelling, head: Head) -> list[NewSection]:
        """Stored labels, or the teacher that computes them."""
        teacher, seed = self.teacher(), self.settings.seed
        if self._stores_teacher:
            result = labelling.stored_teacher(teacher, head, self.settings.teacher_bits)
        else:
            result = labelling.soft_labels(teacher, head, self.label_options, seed)
        self.divergence = result.divergence
        return result.sections

    def _head(self, content: Content, labels: LabelRecipe, work: WorkFolder) -> Head:
        classes = self.source.classes
        recipe = Recipe(
            size=self.settings.size,
            ipc=self.settings.ipc,
            views=self.settings.views,
            synthesis=content.synthesis,
            layout=content.layout,
            view=self.view if self.settings.views > 1 else View("identity"),
            labels=labels,
            evaluation=self._evaluation(work),
        )
        whole = ((0, len(classes)),)
        return Head(classes, whole, whole, recipe, content.prior)

    def _evaluation(self, work: WorkFolder) -> Evaluation:
        """Input statistics of the source: the teacher's, or of a sample where none is used."""
        if self._asks_teacher:
            statistics = self.teacher().statistics
        else:
            statistics = _statistics(self._job(work))
        return Evaluation(statistics.mean, statistics.std, "ddz")

    def _info(self, content: Content) -> dict[str, Any]:
        info: dict[str, Any] = {
            "tool": f"ddcodec {__version__}",
            "method": self.settings.method,
            "options": {**vars(self.method)},
            "images": len(self.source),
            "source": bytes.fromhex(self.source.fingerprint),
            **content.info,
        }
        if self._asks_teacher:
            info["teacher"] = self.teacher().arch
            info["teacher_digest"] = bytes.fromhex(self.teacher().digest)
        if self.divergence is not None:  # a header holds no floating-point number
            info["labels"] = {"divergence": f"{self.divergence:.3g}"}
            if self.settings.labels == "soft":
                info["labels"]["layers"] = self.settings.label_layers
        # The pixels of exact profiles depend on no environment.
        if content.prior is not None and self.settings.profile == profiles.FLOAT:
            from ddcodec.prior.load import fingerprint

            info["environment"] = fingerprint(self.device)
        return info

    def _plan(self) -> dict[str, Any]:
        plan = self.settings.told()
        plan["options"] = {**vars(self.method)}
        plan["classes"] = len(self.source.classes)
        plan["images"] = len(self.source)
        if self.method.uses_prior:
            plan["prior"] = Path(self.settings.prior).name
            plan["profile"] = self.settings.profile
        if self._asks_teacher:
            plan["teacher"] = Path(self.settings.teacher).name
        return plan

    def _job_key(self) -> dict[str, Any]:
        # Finished pieces hold the teacher's answers, which can be coded in other ways.
        plan = {k: v for k, v in self._plan().items() if k not in CODING}
        return {
            "format": 1,
            "tool": __version__,
            "source": self.source.fingerprint,
            "plan": json.loads(json.dumps(plan)),
        }

    def _warnings(self) -> tuple[str, ...]:
        return (*self.source.warnings, *self.report.lines())

    def _load_teacher(self) -> Teacher:
        from ddcodec.classifiers.store import cached_teacher, load_teacher
        from ddcodec.classifiers.teacher import default_settings

        source, size = self.source, self.settings.size
        if self.settings.teacher != "auto":
            return load_teacher(self.settings.teacher, source.classes, device=self.device)
        return cached_teacher(
            source.fingerprint,
            size,
            source.classes,
            default_settings(len(source), min(size), flip=bool(self.view.flip)),
            lambda: load_images(source, size, on_error="skip", report=self.report),
            lambda done, total: self._tell("teacher", done, total),
            device=self.device,
        )

    def _tell(self, what: str, done: int, total: int) -> None:
        if self.progress is not None:
            self.progress(what, done, total)

    def _load_prior(self) -> Prior:
        from ddcodec.prior.load import load_prior

        settings = self.settings
        return load_prior(settings.prior, profile=settings.profile, device=self.device)


def _statistics(job: Job, per_class: int = 100) -> Statistics:
    """Input statistics of a seeded sample of the source."""
    from ddcodec.classifiers.training import statistics_of

    return statistics_of(
        np.stack(
            [
                image
                for c in range(len(job.source.classes))
                for _, image in islice(readable_images(job, c, job.size), per_class)
            ]
        )
    )


def _check_ipc(source: Source, settings: Settings, method: Method) -> None:
    """Methods that store images of the source need at least that many of them."""
    for name, files in zip(source.classes, source.files, strict=True):
        if len(files) < settings.ipc and not method.uses_prior:
            raise EncodeError(
                f"class {name!r} has {len(files)} images, fewer than --ipc {settings.ipc}; "
                "lower --ipc or add images"
            )
