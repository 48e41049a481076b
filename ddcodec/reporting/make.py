"""Evaluate artifacts and baselines, and write the report."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ddcodec.arrays import Progress
from ddcodec.artifact import Artifact, open_artifact
from ddcodec.classifiers.architectures import default_architecture
from ddcodec.errors import EncodeError, RequestError
from ddcodec.evaluation.evaluate import Evaluation, evaluate
from ddcodec.evaluation.protocols import Protocol, get_protocol
from ddcodec.evaluation.testset import TestFolder, find_train_folder
from ddcodec.files import write_whole
from ddcodec.reporting.baselines import make_baselines
from ddcodec.reporting.collect import Report, sheet_of
from ddcodec.reporting.html import page

__all__ = ["make_report"]

Paths = Sequence[str | os.PathLike[str]]


def make_report(
    artifact_paths: Paths,
    test_dir: str | os.PathLike[str],
    *,
    train_dir: str | os.PathLike[str] | None = None,
    student: str | None = None,
    seeds: int = 3,
    protocol: str = "ddz",
    epochs: int | None = None,
    out: str | os.PathLike[str],
    json_path: str | os.PathLike[str] | None = None,
    baselines: bool = True,
    prior: str | None = None,
    device: str = "cpu",
    progress: Progress | None = None,
) -> Report:
    """Measure what artifacts are worth to students, and write HTML (and JSON) about it.

    Args:
        artifact_paths: ``.ddz`` files to compare.
        test_dir: folder of test pictures, one subfolder per class, matched by name.
        train_dir: folder of training pictures for baselines of random real pictures; by default
            ``train`` beside ``test_dir``. Without one the report says that they were left out.
        student: one of ``ARCHITECTURES``; by default the customary one for the picture size.
        seeds: students per artifact: seeds 0 to seeds - 1.
        protocol: ``ddz``, ``rded`` or ``d3m``.
        epochs: instead of the protocol's own.
        out: the HTML file.
        json_path: the JSON file, if wanted.
        baselines: compare with random real pictures.
        prior: where to find the prior, which may be fetched; by default the pinned one, where
            this machine has it.
        device: torch device.
        progress: called with (what, done, total).

    Raises:
        RequestError: nothing to evaluate, or a file that cannot be written.
        SourceError: test or training pictures that do not fit the artifacts.
        FormatError, IntegrityError, DecodeError: an artifact that cannot be read or rendered.
    """
    if not artifact_paths:
        raise RequestError("no artifact to report on: name at least one .ddz file")
    if seeds < 1:
        raise RequestError(f"seeds={seeds} is not allowed: it must be an integer from 1")
    run = _Run(
        TestFolder.open(test_dir),
        student,
        tuple(range(seeds)),
        get_protocol(protocol).with_epochs(epochs),
        prior,
        device,
        progress,
    )
    train = find_train_folder(train_dir, test_dir) if baselines else None
    evaluations, sheets, remarks = [], [], []
    for path in artifact_paths:
        with open_artifact(path) as artifact:
            artifact.fetch_prior(prior, progress)
            evaluations.append(run.evaluate(artifact))
            sheets.append(sheet_of(artifact, prior=prior, device=device))
            if train is not None:
                compared, reasons = run.baselines(artifact, train, many=len(artifact_paths) > 1)
                evaluations += compared
                remarks += reasons
    if train is None:
        why = "no training folder was given or found" if baselines else "they were not asked for"
        remarks.append(f"baselines of random real pictures were left out: {why}")
    report = Report(tuple(evaluations), tuple(sheets), tuple(dict.fromkeys(remarks)))
    _write(Path(out), page(report))
    if json_path is not None:
        _write(Path(json_path), report.to_json())
    return report


class _Run:
    """What all evaluations of a report share."""

    def __init__(
        self,
        test: TestFolder,
        student: str | None,
        seeds: tuple[int, ...],
        protocol: Protocol,
        prior: str | None,
        device: str,
        progress: Progress | None,
    ) -> None:
        self.test = test
        self.student = student
        self.seeds = seeds
        self.protocol = protocol
        self.prior = prior
        self.device = device
        self.progress = progress
        # Artifacts of one geometry share the baseline of the same IPC.
        self.same_ipc: set[object] = set()

    def evaluate(
        self,
        artifact: Artifact,
        *,
        name: str | None = None,
        role: str = "artifact",
        within: Sequence[str] = (),
    ) -> Evaluation:
        """One artifact or baseline under the report's protocol."""
        return evaluate(
            artifact,
            self.test.for_artifact(artifact, within),
            self.student or default_architecture(artifact.recipe.width),
            self.seeds,
            self.protocol,
            self.progress,
            device=self.device,
            prior=self.prior,
            name=name,
            role=role,
        )

    def baselines(
        self, artifact: Artifact, train: Path, *, many: bool
    ) -> tuple[list[Evaluation], list[str]]:
        """Evaluations of the baselines that can be made, and why others cannot."""
        done, reasons = [], []
        suffix = f", for {artifact.path.name}" if many and artifact.path is not None else ""
        recipe = artifact.recipe
        geometry = artifact.classes, recipe.size, recipe.ipc, recipe.views, recipe.view
        fresh = geometry not in self.same_ipc
        self.same_ipc.add(geometry)
        with tempfile.TemporaryDirectory(prefix="ddcodec-") as folder:
            for baseline in make_baselines(
                artifact, train, Path(folder), same_ipc=fresh, progress=self.progress
            ):
                if baseline.path is None:
                    reasons.append(f"no baseline of {baseline.name}{suffix}: {baseline.why}")
                    continue
                with open_artifact(baseline.path) as rival:
                    done.append(
                        self.evaluate(
                            rival,
                            name=baseline.name + (suffix if baseline.for_bytes else ""),
                            role="baseline",
                            within=artifact.head.classes,
                        )
                    )
        return done, reasons


def _write(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text.encode())
    except OSError as error:
        raise EncodeError(
            f"cannot write {path} ({error.strerror}): free space or choose another file"
        ) from error
