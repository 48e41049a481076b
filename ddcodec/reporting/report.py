"""A report in one call, on one artifact or several."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ddcodec.classifiers.teacher import Teacher
from ddcodec.progress import ProgressOption, displayed
from ddcodec.reporting.baselines import BaselineKind
from ddcodec.reporting.collect import Report
from ddcodec.reporting.make import make_report
from ddcodec.reporting.published import PublishedSet
from ddcodec.reporting.whole_set import WholeSetEpochs
from ddcodec.sources.opening import AnySource
from ddcodec.workers import Workers

__all__ = ["report"]

AnyPath = str | os.PathLike[str]


def report(
    artifacts: AnyPath | Sequence[AnyPath],
    test: AnySource,
    out: AnyPath = "report.html",
    *,
    train: AnySource | None = None,
    student: str | None = None,
    seeds: int = 3,
    protocol: str = "ddz",
    epochs: int | None = None,
    baseline: BaselineKind = "hard",
    teacher: AnyPath | Teacher | None = None,
    whole_set: WholeSetEpochs | None = None,
    published: PublishedSet = "auto",
    ablation: bool = False,
    prior: str | None = None,
    device: str = "auto",
    work: AnyPath | None = None,
    workers: int = 1,
    ray: str | None = None,
    progress: ProgressOption = None,
) -> Report:
    """Train students on artifacts, test them, and write a page of accuracy against bytes.

    Args:
        artifacts: a ``.ddz`` file or its URL, or several.
        test: test pictures, as :func:`ddcodec.open_source` takes them; classes are matched by name.
        out: the page, which is replaced; the figures are beside it, as JSON.
        train: training pictures for baselines; by default the training split in or beside ``test``.
        student: a name, as for :func:`ddcodec.build_student`.
        seeds: students per artifact.
        protocol: ``ddz``, ``rded``, ``d3m`` or ``hald``.
        epochs: instead of the protocol's own.
        baseline: random real pictures to compare with: with ``hard`` labels, of the same IPC and
            of the same bytes; with ``soft`` labels, of the same IPC; ``both``; or ``none``.
        teacher: of soft labels of baselines: what the artifacts were encoded with.
        whole_set: train students on the whole training set too, with hard labels: for so many
            epochs, or ``equal`` for as many pictures shown as the artifact that shows the most.
        published: published figures to show for orientation: those of ``cifar10``, ``cifar100``,
            ``imagenette128`` or ``imagewoof128``; ``none``; or ``auto``: of the set whose class
            names, size and number of test pictures the artifacts have, if there is one.
        ablation: train students on each artifact without the innovations of its labels, without
            its soft labels, without its views, and without both of these, to show what the bytes
            of each bought.
        prior: where to find the prior, which may be fetched; by default the pinned one, where
            this machine has it.
        device: torch device.
        work: folder that keeps finished students, for other reports too; by default the name of
            ``out`` with .work after it, removed at the end.
        workers: processes that train students side by side.
        ray: address of a Ray cluster that does so in their place, as of an encode.
        progress: a function of (what, done, total), or whether to show bars; by default they are
            shown on a terminal and in a notebook.

    Returns:
        The figures: ``evaluations`` with the ``mean`` and ``std`` of each artifact and baseline.

    Raises:
        RequestError: nothing to evaluate, or something that makes no sense.
        EncodeError: a file that cannot be written.
        SourceError: test or training pictures that do not fit the artifacts.
        FormatError, IntegrityError, DecodeError: an artifact that cannot be read or rendered.

    >>> made = ddcodec.report("shapes.ddz", "photos", seeds=1, epochs=1, baseline="none")
    >>> [(one.name, one.student, len(one.accuracies)) for one in made.evaluations]
    [('shapes.ddz', 'convnet3', 1)]
    """
    paths = [artifacts] if isinstance(artifacts, str | os.PathLike) else artifacts
    with displayed(progress) as tell:
        return make_report(
            paths,
            test,
            train_dir=train,
            student=student,
            seeds=seeds,
            protocol=protocol,
            epochs=epochs,
            out=out,
            baseline=baseline,
            teacher=teacher,
            whole_set=whole_set,
            published=published,
            ablation=ablation,
            work=work,
            workers=Workers(workers, ray),
            prior=prior,
            device=device,
            progress=tell,
        )
