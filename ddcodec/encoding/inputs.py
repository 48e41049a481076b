"""Inputs of an encode: pictures, names, method, teacher and prior.

Teacher and prior are loaded when they are first asked for. What finished parts follow from is known
here by content, and not by name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ddcodec.devices import computed_with, resolve_device
from ddcodec.encoding.options import EncodeOptions
from ddcodec.methods import package_of
from ddcodec.methods.base import Job, readable_images
from ddcodec.methods.work import WorkFolder
from ddcodec.recipe import profiles
from ddcodec.sources.pictures import LoadReport
from ddcodec.sources.source import Source, load_images, source_findings
from ddcodec.units import duration_text
from ddcodec.version import __version__
from ddcodec.workers import Pool, Workers

if TYPE_CHECKING:
    from ddcodec.classifiers.store import TeacherCache
    from ddcodec.classifiers.teacher import Teacher
    from ddcodec.classifiers.training import Statistics
    from ddcodec.prior.load import Prior

__all__ = ["Inputs"]

# Pictures of the source from which input statistics are taken where there is no teacher.
_SAMPLE = 10_000
# Seconds from which on training a teacher may be worth avoiding.
_LONG = 300
# With more pictures lost than this share, and these, something is wrong with the whole set.
_LOST_SHARE, _FEW_LOST = 0.1, 5


class Inputs:
    """The inputs of one encode.

    Args:
        source: the pictures.
        options: what was asked for.

    Attributes:
        method: that fills the artifact.
        size: (width, height) of an image.
        view: what views vary.
        names: what to call each class.
        report: what had to be converted or skipped.
        device: where teacher and prior compute.
        threads: of the CPU that the method trains with.
        pool: workers that compute parts, once they are there.
        teacher, prior: called when needed; the first call loads.
        teacher_to_time: the teacher, or an untrained one that is as fast, where it has to be
            trained first.
    """

    def __init__(self, source: Source, options: EncodeOptions) -> None:
        import torch

        self.source, self.options = source, options
        self.method = options.filled_by
        self.size = options.size_of(source)
        self.view = options.view_of(self.size)
        self.names = options.names_of(source)
        self.report = LoadReport()
        self.remarks: list[str] = []
        self.device = str(resolve_device(options.device))
        self.threads = torch.get_num_threads()
        self.pool: Pool | None = None
        self.teacher = cache(self._load_teacher)
        self.teacher_to_time = cache(self._teacher_to_time)
        self.prior = cache(self._load_prior)

    def job(self, ipc: int, work: WorkFolder | None = None) -> Job:
        """The same as a method sees it; without a work folder nothing is kept."""
        return Job(
            source=self.source,
            names=self.names,
            size=self.size,
            ipc=ipc,
            seed=self.options.seed,
            patches=self.options.patches,
            teacher=self.teacher,
            prior=self.prior,
            work=WorkFolder() if work is None else work,
            flip=bool(self.view.flip),
            trains_teacher=self.options.trains_teacher,
            report=self.report,
            progress=self.options.tell,
            device=self.device,
            threads=self.threads,
            warn=self.remarks.append,
            pool=self.pool,
            sent=None if self.pool is None else self._sent(ipc, work),
        )

    def _sent(self, ipc: int, work: WorkFolder | None) -> Callable[[], Job]:
        """What makes the job in a worker: with this teacher, and the work folder if it is there."""
        assert self.pool is not None
        options = replace(self.options, progress=False, device=self.device)
        if self.method.uses_teacher:
            options = replace(options, teacher=self.teacher())
        shared = work if self.pool.shares_files else None
        return partial(_job_in_worker, self.source, options, ipc, shared, self.threads)

    @property
    def workers(self) -> Workers:
        """Who computes."""
        return Workers(self.options.workers, self.options.ray, self.device)

    def rehearsal(self, ipc: int) -> Job:
        """The job, of which a method does a little to see how long the whole takes."""
        return replace(self.job(ipc), teacher=self.teacher_to_time, progress=None)

    def key(self) -> dict[str, Any]:
        """All that finished parts follow from, by content and not by name."""
        key: dict[str, Any] = {
            "tool": __version__,
            "source": self.source.fingerprint,
            "size": list(self.size),
            "names": list(self.names),
            **self.options.job_key(),
            **computed_with(self.device),
        }
        if (package := package_of(self.options.method)) is not None:
            key["package"] = package
        if self.method.trains and self.device == "cpu":
            key["threads"] = self.threads
        if self.options.asks_teacher:
            key["teacher"] = self.teacher().digest
        if self.method.uses_prior:
            key["prior"] = self.prior().pin.digest
        return key

    def to_fetch(self) -> dict[str, int]:
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

    @property
    def sampled_per_class(self) -> int:
        """How many pictures input statistics are taken from, where there is no teacher."""
        return max(1, min(100, _SAMPLE // len(self.source.classes)))

    def statistics(self) -> Statistics:
        """Input statistics: the teacher's, those that are known, or of a sample of the source."""
        if self.options.asks_teacher:
            return self.teacher().statistics
        if (known := self.options.given_statistics) is not None:
            return known
        from ddcodec.classifiers.training import statistics_of

        job, classes = self.job(1), range(len(self.source.classes))
        # One picture is held at a time.
        return statistics_of(
            image
            for c in classes
            for _, image in islice(readable_images(job, c, self.size), self.sampled_per_class)
        )

    def used(self, ipc: int) -> dict[str, Any]:
        """The options as they were used, for people."""
        used = {"method": self.options.method, "ipc": ipc, **self.options.options_used()}
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

    def warnings(self) -> tuple[str, ...]:
        """One sentence each: what was converted, skipped or ignored."""
        lost, total = len(self.report.skipped), len(self.source)
        most = [f"{lost:,} of {total:,} pictures could not be used: get the pictures again"]
        return (
            *source_findings(self.source),
            *self.report.describe(),
            *(most if lost > max(_FEW_LOST, _LOST_SHARE * total) else ()),
            *self.remarks,
        )

    def tell(self, what: str, done: int, total: int) -> None:
        """Move the progress display, if there is one."""
        if self.options.tell is not None:
            self.options.tell(what, done, total)

    def training_seconds(self) -> float | None:
        """About how long a teacher has to be trained first, at most; None where none has to be."""
        return self._seconds_of(self._teacher_cache()) if self.training_is_needed else None

    @property
    def training_is_needed(self) -> bool:
        """Whether a teacher has to be trained first: one is asked, and none is kept."""
        trains = self.options.asks_teacher and self.options.trains_teacher
        return trains and not self._teacher_cache().folder.is_dir()

    def _seconds_of(self, cache: TeacherCache) -> float:
        from ddcodec.classifiers.teacher_training import seconds_to_train

        classes, side = len(self.source.classes), min(cache.size)
        return seconds_to_train(cache.settings, classes, side, self.device)

    def _teacher_cache(self) -> TeacherCache:
        """Where a teacher of this source is kept: one for all settings that it can serve."""
        from ddcodec.classifiers.store import TeacherCache
        from ddcodec.classifiers.teacher_training import default_settings, training_size

        source = self.source
        # A stored teacher must look at the images as they are.
        size = self.size if self.options.labels == "teacher" else training_size(self.size)
        # Only a view that varies images, and mirrors none, says that mirrored ones would be wrong.
        flip = bool(self.view.flip) or self.view.kind == "identity"
        settings = default_settings(len(source), min(size), classes=len(source.classes), flip=flip)
        return TeacherCache(source.fingerprint, size, source.classes, settings, self.remarks.append)

    def _load_teacher(self) -> Teacher:
        from ddcodec.classifiers.store import load_teacher
        from ddcodec.classifiers.teacher import Teacher

        source, given = self.source, self.options.teacher
        if isinstance(given, Teacher):
            return given.for_classes(source.classes, self.names).to(self.device)
        if not self.options.trains_teacher:
            return load_teacher(
                given,
                source.classes,
                self.names,
                device=self.device,
                progress=self.options.tell,
            )
        cache = self._teacher_cache()
        if (found := cache.find()) is not None:
            return found.to(self.device)
        if self.options.tell is not None:  # measuring takes a second
            self.tell(self._forecast(cache, self._seconds_of(cache)), 1, 1)
        return cache.train(
            lambda: load_images(source, cache.size, on_error="skip", report=self.report),
            lambda done, total: self.tell("teacher", done, total),
            device=self.device,
        ).to(self.device)

    def _teacher_to_time(self) -> Teacher:
        if not self.training_is_needed:
            return self.teacher()
        from ddcodec.classifiers.teacher_training import untrained

        cache = self._teacher_cache()
        return untrained(cache.settings, cache.classes, cache.size).to(self.device)

    def _forecast(self, cache: TeacherCache, seconds: float) -> str:
        """What the first encode of a set needs, and how it could be had sooner."""
        width, height = cache.size
        text = (
            f"no teacher is kept for these pictures and settings: training one, once, in "
            f"{cache.settings.steps:,} steps at {width}x{height} pixels, at most about "
            f"{duration_text(seconds)} on {self.device}"
        )
        if seconds > _LONG:
            text += "; a teacher of your own (teacher='DIR') saves that"
        return text

    def _load_prior(self) -> Prior:
        from ddcodec.prior.load import load_prior
        from ddcodec.prior.resolve import resolve_prior

        options = self.options
        found = resolve_prior(options.prior, progress=options.tell)
        # What only looks at pictures promises no decoder anything, and needs no exact networks.
        profile = options.profile if self.method.generates else profiles.FLOAT
        return load_prior(found.spec, profile=profile, device=self.device)


def _job_in_worker(
    source: Source, options: EncodeOptions, ipc: int, work: WorkFolder | None, threads: int
) -> Job:
    inputs = Inputs(source, options)
    inputs.threads = threads
    return inputs.job(ipc, work)
