"""Check everything, train students on artifacts and baselines, and write the report."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ddcodec.arrays import Progress
from ddcodec.devices import resolve_device
from ddcodec.errors import RequestError
from ddcodec.evaluation.evaluate import Evaluation
from ddcodec.evaluation.protocols import get_protocol
from ddcodec.evaluation.testset import TestPictures, find_training
from ddcodec.files import write_text
from ddcodec.methods.work import WorkFolder
from ddcodec.reporting.ablation import Ablated, Ablation, Variant
from ddcodec.reporting.baselines import BaselineKind, check_baselines
from ddcodec.reporting.check import check_student, check_training_classes, check_writable
from ddcodec.reporting.collect import Report, sheet_of
from ddcodec.reporting.html import page
from ddcodec.reporting.published import PublishedSet, check_published, published_for
from ddcodec.reporting.stage import Stage
from ddcodec.reporting.students import Contender, Students
from ddcodec.reporting.whole_set import WholeSetEpochs, check_whole_set
from ddcodec.sources.opening import AnySource
from ddcodec.workers import ALONE, Workers, open_pool

if TYPE_CHECKING:
    from ddcodec.classifiers.teacher import Teacher

__all__ = ["json_beside", "make_report"]

AnyPath = str | os.PathLike[str]

# What students are kept by is in the names of the pieces, so that every report can use them.
_JOB = {"kind": "students of reports"}


def json_beside(out: AnyPath) -> Path:
    """The file that a page's figures are written to: ``report.html`` -> ``report.json``."""
    return Path(out).with_suffix(".json")


def make_report(
    artifact_paths: Sequence[AnyPath],
    test_dir: AnySource,
    *,
    train_dir: AnySource | None = None,
    student: str | None = None,
    seeds: int = 3,
    protocol: str = "ddz",
    epochs: int | None = None,
    out: AnyPath,
    json_path: AnyPath | None = None,
    baseline: BaselineKind = "hard",
    teacher: AnyPath | Teacher | None = None,
    whole_set: WholeSetEpochs | None = None,
    published: PublishedSet = "auto",
    ablation: bool = False,
    prior: str | None = None,
    device: str = "auto",
    work: AnyPath | None = None,
    workers: Workers = ALONE,
    progress: Progress | None = None,
) -> Report:
    """Measure what artifacts are worth to students, and write HTML and JSON about it.

    All inputs are checked before the first student trains. Finished students are kept beside the
    page until it is written, so that a report that was interrupted goes on.

    Args:
        artifact_paths: ``.ddz`` files to compare, or URLs of some.
        test_dir: test pictures, as :func:`ddcodec.open_source` takes them; classes are matched by
            name. Of several splits, the test or validation split is taken.
        train_dir: training pictures for baselines of random real pictures; by default the training
            split in ``test_dir``, or ``train`` beside it. Without one the report says that they
            were left out.
        student: one of ``ARCHITECTURES``; by default the customary one for the picture size.
        seeds: students per artifact: seeds 0 to seeds - 1.
        protocol: ``ddz``, ``rded``, ``d3m`` or ``hald``.
        epochs: instead of the protocol's own.
        out: the HTML file; one that exists is replaced.
        json_path: the JSON file; by default ``out`` with the suffix ``.json``.
        baseline: random real pictures to compare with: with ``hard`` labels, of the same IPC and
            of the same bytes; with ``soft`` labels, of the same IPC; ``both``; or ``none``.
        teacher: of soft labels of baselines, as of an encode: a folder, a hub id, a ``Teacher``,
            or ``auto`` for one trained on the training folder. It should be the artifacts' own.
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
        device: torch device; ``auto`` is a GPU of CUDA where there is one, else the CPU.
        work: folder that keeps finished students, for other reports too; by default the name of
            ``out`` with .work after it, removed at the end.
        workers: who trains students.
        progress: called with (what, done, total).

    Raises:
        RequestError: nothing to evaluate, or what was asked for makes no sense.
        EncodeError: a file that cannot be written.
        SourceError: test or training pictures that do not fit the artifacts.
        FormatError, IntegrityError, DecodeError: an artifact that cannot be read or rendered.
    """
    if not artifact_paths:
        raise RequestError("no artifact to report on: name at least one .ddz file")
    if seeds < 1:
        raise RequestError(f"seeds={seeds} is not allowed: it must be an integer from 1")
    chosen = get_protocol(protocol).with_epochs(epochs)
    check_student(student)
    check_baselines(baseline, teacher)
    check_whole_set(whole_set)
    check_published(published)
    device = str(resolve_device(device))
    target = Path(out)
    figures = json_beside(out) if json_path is None else Path(json_path)
    check_writable((target, figures))
    test = TestPictures.open(test_dir)
    wanted = baseline != "none" or whole_set is not None
    source = find_training(train_dir, test_dir) if wanted else None
    if source is None and (baseline in ("soft", "both") or whole_set is not None):
        raise RequestError(
            "soft baselines and the whole set need the training pictures, which were not found "
            "beside the test pictures: give them too"
        )
    kept = target.with_name(target.name + ".work") if work is None else Path(work)
    with ExitStack() as stack:
        stage = Stage(test, student, chosen, prior, device, progress, stack)
        own = [stage.artifact(path) for path in artifact_paths]
        if source is not None:
            for one in own:
                check_training_classes(source, one.artifact)
        artifacts, counts = [one.artifact for one in own], [len(one.test.labels) for one in own]
        references, why = published_for(published, artifacts, counts)
        # Only now, so that inputs that make no report leave nothing behind.
        held = stack.enter_context(WorkFolder.held(kept, _JOB))
        order: list[Contender] = []
        for one in own:
            order.append(one)
            if source is not None and baseline != "none":
                order += stage.baselines(one, source, held, baseline, teacher, len(own))
        if source is not None and whole_set is not None:
            order += stage.whole_sets(own, source, whole_set)
        variants = [stage.variants(one) if ablation else [] for one in own]
        reduced = [contender for group in variants for _, contender in group]
        pool = stack.enter_context(open_pool(replace(workers, device=device)))
        students = Students(chosen, range(seeds), device, held, progress, pool)
        found = students.evaluate([*order, *reduced])
        evaluations = found[: len(order)]
        ablations = _ablations(variants, evaluations, found[len(order) :])
        stage.remarks += filter(None, (_left_out(baseline, source is not None), why))
        sheets = tuple(sheet_of(one.artifact, prior=prior, device=device) for one in own)
        report = Report(
            tuple(evaluations),
            sheets,
            tuple(dict.fromkeys(stage.remarks)),
            references,
            tuple(ablations),
        )
        # The page last: it names the other, and where it is, all is done.
        write_text(figures, report.to_json())
        write_text(target, page(report, figures.name))
        if work is None:
            held.remove()
    return report


def _ablations(
    variants: Sequence[Sequence[tuple[Variant, Contender]]],
    evaluations: Sequence[Evaluation],
    found: Sequence[Evaluation],
) -> Iterator[Ablation]:
    """What was found of the variants of each artifact, in order."""
    wholes = [e for e in evaluations if e.role == "artifact"]
    rest = iter(found)
    for whole, group in zip(wholes, variants, strict=True):
        parts = tuple(Ablated.of(variant, whole, next(rest)) for variant, _ in group)
        if parts:
            yield Ablation(whole.name, whole, parts)


def _left_out(baseline: BaselineKind, found: bool) -> str:
    """What of the training pictures is not in the report, and why; nothing where all is."""
    if baseline == "none":
        return "baselines of random real pictures were left out: they were not asked for"
    if not found:
        return "baselines of random real pictures were left out: no training pictures were found"
    return ""
