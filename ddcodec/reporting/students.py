"""The students of one report: each trained once, kept in a work folder, counted by one bar."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial

import torch

from ddcodec.arrays import Progress
from ddcodec.artifact import Artifact
from ddcodec.classifiers.training import Precision, resolve_precision
from ddcodec.devices import computed_with
from ddcodec.evaluation.evaluate import Evaluation, Student, Train, evaluate
from ddcodec.evaluation.protocols import Protocol
from ddcodec.evaluation.testset import TestSet
from ddcodec.files.sealed import Checkpoint
from ddcodec.methods.work import WorkFolder
from ddcodec.version import __version__
from ddcodec.workers import Pool

__all__ = ["Contender", "Students", "pictures_shown"]


@dataclass(frozen=True)
class Contender:
    """An artifact or baseline that students are trained on.

    Attributes:
        artifact: open.
        test: test pictures of its classes.
        student: architecture.
        name, role: as of an :class:`Evaluation`; without a name, the file's.
        prior: to render it with, as of ``Artifact.renderer``.
        notes: what a reader of its figures should know, besides the test set's notes.
        epochs: instead of the protocol's.
        file_len: bytes that stand in the report instead of those of the file.
    """

    artifact: Artifact
    test: TestSet
    student: str
    name: str | None = None
    role: str = "artifact"
    prior: str | None = None
    notes: tuple[str, ...] = ()
    epochs: int | None = None
    file_len: int | None = None


def pictures_shown(one: Contender, protocol: Protocol) -> int:
    """Pictures shown to a student, which is what its training takes time for."""
    pictures = len(one.artifact.classes) * one.artifact.recipe.ipc
    return pictures * protocol.with_epochs(one.epochs).plan_for(one.artifact).epochs


class Students:
    """Trains students on contenders.

    Args:
        protocol: how.
        seeds: one student each.
        device: torch device.
        work: where finished students are kept, by all that their figures follow from.
        progress: called with pictures shown to the students so far, and in all.
        pool: workers that train students; this process without one.
    """

    def __init__(
        self,
        protocol: Protocol,
        seeds: Sequence[int],
        device: str,
        work: WorkFolder,
        progress: Progress | None = None,
        pool: Pool | None = None,
    ) -> None:
        self.protocol, self.seeds, self.device = protocol, tuple(seeds), device
        self._work, self._progress, self._pool = work, progress, pool
        self._done = self._total = 0
        self._precision = resolve_precision("auto", torch.device(device))

    def evaluate(self, contenders: Sequence[Contender]) -> list[Evaluation]:
        """Accuracies of all, in order."""
        if self._pool is not None:
            self._train_side_by_side(contenders, self._pool)
        self._total = len(self.seeds) * sum(map(self._shown, contenders))
        return [self._evaluate(one) for one in contenders]

    def _train_side_by_side(self, contenders: Sequence[Contender], pool: Pool) -> None:
        """Have the workers train the students that are not kept yet."""
        pairs = [(one, seed) for one in contenders for seed in self.seeds]
        names = {i: _name({**self._known(one), "seed": s}) for i, (one, s) in enumerate(pairs)}
        training = (self.protocol, self.device, self._precision)
        shared = {i: self._work.checkpoint(name) for i, name in names.items()}
        saved = shared if pool.shares_files else {}

        def tell(done: int) -> None:
            if self._progress is not None:
                self._progress("students", done, len(names))

        for _ in self._work.pieces(names, partial(_trained, pairs, training, saved), pool, tell):
            pass

    def _evaluate(self, one: Contender) -> Evaluation:
        shown, known = self._shown(one), self._known(one)

        def keep(seed: int, train: Train) -> Student:
            trained, name = False, _name({**known, "seed": seed})

            def compute() -> Student:
                nonlocal trained
                trained = True
                return train(self._work.checkpoint(name))

            found = self._work.piece(name, compute)
            if trained:
                self._done += shown
            else:  # so that what is left is not thought to go as fast
                self._total -= shown
            return found

        found = evaluate(
            one.artifact,
            one.test,
            one.student,
            self.seeds,
            self.protocol.with_epochs(one.epochs),
            None if self._progress is None else partial(self._tell, shown),
            device=self.device,
            prior=one.prior,
            precision=self._precision,
            name=one.name,
            role=one.role,
            keep=keep,
        )
        size = found.file_len if one.file_len is None else one.file_len
        return replace(found, file_len=size, notes=(*found.notes, *one.notes))

    def _shown(self, one: Contender) -> int:
        return pictures_shown(one, self.protocol)

    def _known(self, one: Contender) -> dict[str, object]:
        """All that a student's figures follow from, besides its seed."""
        protocol = self.protocol.with_epochs(one.epochs)
        return {
            "artifact": one.artifact.digest,
            "test": _fingerprint(one.test),
            "student": one.student,
            "protocol": asdict(protocol),
            "plan": asdict(protocol.plan_for(one.artifact)),
            "precision": self._precision,
            "tool": __version__,
            **computed_with(self.device),
        }

    def _tell(self, shown: int, _: str, done: int, total: int) -> None:
        assert self._progress is not None
        overall = self._done + shown * done // total
        self._progress("pictures shown to students", overall, self._total)


def _trained(
    pairs: Sequence[tuple[Contender, int]],
    training: tuple[Protocol, str, Precision],
    saved: Mapping[int, Checkpoint | None],
    number: int,
) -> Student:
    """One student, in a worker."""
    (one, seed), (protocol, device, precision) = pairs[number], training
    found = list[Student]()

    def keep(_: int, train: Train) -> Student:
        found.append(train(saved.get(number)))
        return found[0]

    evaluate(
        one.artifact,
        one.test,
        one.student,
        [seed],
        protocol.with_epochs(one.epochs),
        device=device,
        prior=one.prior,
        precision=precision,
        keep=keep,
    )
    return found[0]


def _fingerprint(test: TestSet) -> str:
    """SHA-256 (hex) over the pictures and labels of a test set."""
    state = hashlib.sha256(repr(test.images.shape).encode())
    state.update(test.images.data)
    state.update(test.labels.data)
    return state.hexdigest()


def _name(known: dict[str, object]) -> str:
    digest = hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()
    return f"student-{digest[:32]}"
