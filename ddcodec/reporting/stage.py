"""The contenders of a report: artifacts, baselines and variants, open and checked."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from ddcodec.arrays import Progress
from ddcodec.artifact import Artifact, open_artifact
from ddcodec.classifiers.architectures import default_architecture
from ddcodec.evaluation.protocols import Protocol
from ddcodec.evaluation.testset import TestPictures
from ddcodec.files import scratch_folder
from ddcodec.methods.work import WorkFolder
from ddcodec.reporting.ablation import Variant, variants_of
from ddcodec.reporting.baselines import BaselineKind, make_baselines
from ddcodec.reporting.check import check_artifact
from ddcodec.reporting.students import Contender, pictures_shown
from ddcodec.reporting.whole_set import WholeSetEpochs, epochs_on, write_whole_set
from ddcodec.sources.listed import ListedSource

if TYPE_CHECKING:
    from ddcodec.classifiers.teacher import Teacher

__all__ = ["Stage"]

AnyPath = str | os.PathLike[str]


class Stage:
    """What all contenders of a report share; they are open until its stack ends.

    Attributes:
        remarks: sentences such as why a baseline is missing.
    """

    def __init__(
        self,
        test: TestPictures,
        student: str | None,
        protocol: Protocol,
        prior: str | None,
        device: str,
        progress: Progress | None,
        stack: ExitStack,
    ) -> None:
        self.test, self.student, self.protocol, self.prior = test, student, protocol, prior
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
        train: ListedSource,
        work: WorkFolder,
        kind: BaselineKind,
        teacher: AnyPath | Teacher | None,
        count: int,
    ) -> list[Contender]:
        """The baselines that can be made of an artifact; why others cannot is a remark."""
        artifact, recipe = one.artifact, one.artifact.recipe
        suffix = f", for {artifact.file_name}" if count > 1 else ""
        geometry = artifact.classes, recipe.size, recipe.ipc, recipe.views, recipe.view
        fresh = geometry not in self._shared
        self._shared.add(geometry)
        found = []
        for baseline in make_baselines(
            artifact,
            train,
            self._folder(),
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

    def whole_sets(
        self, own: Sequence[Contender], train: ListedSource, asked: WholeSetEpochs
    ) -> list[Contender]:
        """The whole training set, once for each choice of classes, size and student."""
        groups: dict[object, list[Contender]] = {}
        for one in own:
            key = one.artifact.classes, one.artifact.recipe.size, one.student
            groups.setdefault(key, []).append(one)
        found = []
        for members in groups.values():
            first = members[0]
            made = write_whole_set(first.artifact, train, self._folder(), self.progress)
            shown = [pictures_shown(one, self.protocol) for one in members]
            rival = self.stack.enter_context(open_artifact(made.path))
            found.append(
                Contender(
                    rival,
                    self.test.for_artifact(rival, first.artifact.head.classes),
                    first.student,
                    made.name,
                    "whole",
                    notes=made.notes,
                    epochs=epochs_on(made.pictures, asked, shown),
                    file_len=made.file_len,
                )
            )
        return found

    def variants(self, one: Contender) -> list[tuple[Variant, Contender]]:
        """An artifact without some of its parts, shown to students for as many epochs."""
        epochs = self.protocol.plan_for(one.artifact).epochs
        found = []
        for variant in variants_of(one.artifact, self._folder()):
            reduced = self.stack.enter_context(open_artifact(variant.path))
            name = f"{one.artifact.file_name} without {variant.without}"
            found.append(
                (
                    variant,
                    Contender(
                        reduced, one.test, one.student, name, "ablation", one.prior, epochs=epochs
                    ),
                )
            )
        return found

    def _folder(self) -> Path:
        return self.stack.enter_context(scratch_folder())

    def _student(self, artifact: Artifact) -> str:
        return self.student or default_architecture(artifact.recipe.width)
