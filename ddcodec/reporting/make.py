"""Check everything, train students on artifacts and baselines, and write the report."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from ddcodec.arrays import Progress
from ddcodec.artifact import Artifact, open_artifact
from ddcodec.classifiers.architectures import default_architecture
from ddcodec.devices import resolve_device
from ddcodec.errors import EncodeError, RequestError
from ddcodec.evaluation.protocols import get_protocol
from ddcodec.evaluation.testset import TestFolder, find_train_folder
from ddcodec.files import remove_leftovers, write_whole
from ddcodec.methods.work import WorkFolder
from ddcodec.reporting.baselines import BaselineKind, check_baselines, make_baselines
from ddcodec.reporting.check import (
    check_artifact,
    check_student,
    check_training_classes,
    check_writable,
)
from ddcodec.reporting.collect import Report, sheet_of
from ddcodec.reporting.html import page
from ddcodec.reporting.students import Contender, Students
from ddcodec.sources.folder import ImageFolder, scan

if TYPE_CHECKING:
    from ddcodec.classifiers.teacher import Teacher

__all__ = ["json_beside", "make_report", "write_text"]

AnyPath = str | os.PathLike[str]

# What students are kept by is in the names of the pieces, so that every report can use them.
_JOB = {"kind": "students of reports"}


def json_beside(out: AnyPath) -> Path:
    """The file that a page's figures are written to: ``report.html`` -> ``report.json``."""
    return Path(out).with_suffix(".json")


def make_report(
    artifact_paths: Sequence[AnyPath],
    test_dir: AnyPath,
    *,
    train_dir: AnyPath | None = None,
    student: str | None = None,
    seeds: int = 3,
    protocol: str = "ddz",
    epochs: int | None = None,
    out: AnyPath,
    json_path: AnyPath | None = None,
    baseline: BaselineKind = "hard",
    teacher: AnyPath | Teacher | None = None,
    prior: str | None = None,
    device: str = "auto",
    work: AnyPath | None = None,
    progress: Progress | None = None,
) -> Report:
    """Measure what artifacts are worth to students, and write HTML and JSON about it.

    All inputs are checked before the first student trains. Finished students are kept beside the
    page until it is written, so that a report that was interrupted goes on.

    Args:
        artifact_paths: ``.ddz`` files to compare.
        test_dir: folder of test pictures, one subfolder per class, matched by name.
        train_dir: folder of training pictures for baselines of random real pictures; by default
            ``train`` beside ``test_dir``. Without one the report says that they were left out.
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
        prior: where to find the prior, which may be fetched; by default the pinned one, where
            this machine has it.
        device: torch device; ``auto`` is a GPU of CUDA where there is one, else the CPU.
        work: folder that keeps finished students, for other reports too; by default the name of
            ``out`` with .work after it, removed at the end.
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
    device = str(resolve_device(device))
    target = Path(out)
    figures = json_beside(out) if json_path is None else Path(json_path)
    check_writable((target, figures))
    test = TestFolder.open(test_dir)
    train = None if baseline == "none" else find_train_folder(train_dir, test_dir)
    if train is None and baseline in ("soft", "both"):
        raise RequestError(
            "soft baselines need the training folder, which was not found beside the test "
            "folder: give it too"
        )
    kept = target.with_name(target.name + ".work") if work is None else Path(work)
    with ExitStack() as stack:
        stage = _Stage(test, student, prior, device, progress, stack)
        own = [stage.artifact(path) for path in artifact_paths]
        source = None if train is None else scan(train)
        if source is not None:
            for one in own:
                check_training_classes(source, one.artifact)
        # Only now, so that inputs that make no report leave nothing behind.
        held = stack.enter_context(WorkFolder.held(kept, _JOB))
        rivals: list[list[Contender]] = [[] for _ in own]
        if source is not None:
            rivals = [
                stage.baselines(one, source, held, baseline, teacher, len(own)) for one in own
            ]
        order = [one for both in zip(own, rivals, strict=True) for one in (both[0], *both[1])]
        students = Students(chosen, range(seeds), device, held, progress)
        evaluations = students.evaluate(order)
        if train is None:
            asked = baseline != "none"
            why = "no training folder was found" if asked else "they were not asked for"
            stage.remarks.append(f"baselines of random real pictures were left out: {why}")
        sheets = tuple(sheet_of(one.artifact, prior=prior, device=device) for one in own)
        report = Report(tuple(evaluations), sheets, tuple(dict.fromkeys(stage.remarks)))
        write_text(target, page(report, figures.name))
        write_text(figures, report.to_json())
        if work is None:
            held.remove()
    return report


class _Stage:
    """What all contenders of a report share; they are open until its stack ends."""

    def __init__(
        self,
        test: TestFolder,
        student: str | None,
        prior: str | None,
        device: str,
        progress: Progress | None,
        stack: ExitStack,
    ) -> None:
        self.test, self.student, self.prior = test, student, prior
        self.device, self.progress, self.stack = device, progress, stack
        self.remarks: list[str] = []
        # Artifacts of one geometry share the baselines of the same IPC.
        self._shared: set[object] = set()

    def artifact(self, path: AnyPath) -> Contender:
        """An artifact that students can be trained on."""
        found = self.stack.enter_context(open_artifact(path))
        student = self._student(found)
        check_artifact(found, student, prior=self.prior, device=self.device, progress=self.progress)
        return Contender(found, self.test.for_artifact(found), student, prior=self.prior)

    def baselines(
        self,
        one: Contender,
        train: ImageFolder,
        work: WorkFolder,
        kind: BaselineKind,
        teacher: AnyPath | Teacher | None,
        count: int,
    ) -> list[Contender]:
        """The baselines that can be made of an artifact; why others cannot is a remark."""
        artifact, recipe = one.artifact, one.artifact.recipe
        suffix = f", for {artifact.path.name}" if count > 1 and artifact.path is not None else ""
        geometry = artifact.classes, recipe.size, recipe.ipc, recipe.views, recipe.view
        fresh = geometry not in self._shared
        self._shared.add(geometry)
        folder = self.stack.enter_context(tempfile.TemporaryDirectory(prefix="ddcodec-"))
        found = []
        for baseline in make_baselines(
            artifact,
            train,
            Path(folder),
            work,
            kind=kind,
            teacher=teacher,
            same_ipc=fresh,
            device=self.device,
            progress=self.progress,
        ):
            if baseline.path is None:
                self.remarks.append(f"no baseline of {baseline.name}{suffix}: {baseline.why}")
                continue
            rival = self.stack.enter_context(open_artifact(baseline.path))
            test = self.test.for_artifact(rival, artifact.head.classes)
            name = baseline.name + (suffix if baseline.for_bytes else "")
            found.append(
                Contender(rival, test, self._student(rival), name, "baseline", notes=baseline.notes)
            )
        return found

    def _student(self, artifact: Artifact) -> str:
        return self.student or default_architecture(artifact.recipe.width)


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    remove_leftovers(path.parent, path.name)
    try:
        write_whole(path, text.encode())
    except OSError as error:
        raise EncodeError(
            f"cannot write {path} ({error.strerror}): free space or choose another file"
        ) from error
