"""Pilots: small artifacts of a part of the pictures, and one short-trained student each."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ddcodec.arrays import Array, Progress
from ddcodec.artifact import open_artifact
from ddcodec.encoding.costs import Costs
from ddcodec.encoding.encode import Encoder
from ddcodec.encoding.options import EncodeOptions
from ddcodec.errors import RequestError
from ddcodec.evaluation.evaluate import evaluate
from ddcodec.evaluation.protocols import Protocol
from ddcodec.evaluation.testset import TestSet
from ddcodec.files import scratch_folder
from ddcodec.methods.work import WorkFolder
from ddcodec.planning.model import Observation, Training
from ddcodec.planning.settings import Filling, Setting, known_by, plain
from ddcodec.randomness import derive_seed, shuffled
from ddcodec.sources.listed import ListedSource
from ddcodec.sources.pictures import LoadReport
from ddcodec.sources.source import load_images

__all__ = [
    "SMALL",
    "Halves",
    "Pilots",
    "halves_of",
    "held_out_of",
    "pilot_budget",
    "pilot_settings",
]

# Pictures held out in all, where there are enough: students are told apart within 1.5 %.
_HELD_OUT = 1000
# A pilot has no more pictures than this, so that its encode takes no longer than its student.
_MOST_PICTURES = 250
_FEWEST_IPC = 3
_FEWEST_EPOCHS = 10
SMALL = 0.4
"""Bytes of a pilot by which the worth of more pictures is told, as a share of the others'."""


@dataclass(frozen=True)
class Halves:
    """A source in two parts: what pilots are made of, and what their students are tested on."""

    fit: ListedSource
    held_out: ListedSource


def halves_of(source: ListedSource, seed: int) -> Halves:
    """Hold out a seeded tenth of each class, at most 1,000 pictures in all.

    Raises:
        RequestError: a class has but one picture.
    """
    fit, held = list[list[int]](), list[list[int]]()
    counts = held_out_of(source.counts)
    for name, pictures, count in zip(source.classes, source.counts, counts, strict=True):
        if pictures < 2:
            raise RequestError(
                f"class {name!r} has but one picture: a plan tests its pilots on pictures that it "
                "holds out, so that it needs two and more of each class"
            )
        order = shuffled(derive_seed(seed, f"held out of {name}"), pictures)
        chosen = set(order[:count].tolist())
        fit.append([n for n in range(pictures) if n not in chosen])
        held.append(sorted(chosen))
    return Halves(source.with_pictures(fit), source.with_pictures(held))


def held_out_of(counts: Sequence[int]) -> list[int]:
    """How many pictures are held out of each class of so many."""
    each = math.ceil(_HELD_OUT / len(counts))
    return [min(each, max(1, pictures // 10)) for pictures in counts]


def pilot_settings(
    fillings: Mapping[Filling, Sequence[Setting]], count: int
) -> Iterator[tuple[Setting, int]]:
    """(setting, how many times as many pictures shown) of the pilots that tell most, best first.

    Args:
        fillings: each with its settings, at a budget that suits pilots.
        count: of pilots.
    """
    first, *others = fillings
    begin = plain(fillings[first])
    wanted: list[tuple[Setting, int]] = [(begin, 1)]
    wanted += [(plain(fillings[filling]), 1) for filling in others]
    changed = [
        (_nearest(fillings[first], begin, change), 1)
        for change in (
            {"budget": SMALL},
            {"coarseness": 1.7},
            {"views": 2.0},
            {"coarseness": 0.6},
            {"label": 2.0},
        )
    ]
    wanted += [*changed[:2], (begin, 3), *changed[2:]]
    seen = dict.fromkeys(wanted)
    yield from list(seen)[:count]


def _nearest(settings: Sequence[Setting], begin: Setting, change: Mapping[str, float]) -> Setting:
    """The setting that differs from the first pilot's by factors alone, as nearly as there is."""

    def far(setting: Setting) -> float:
        found = {
            name: math.log(getattr(setting, name) / getattr(begin, name))
            for name in ("budget", "coarseness", "views", "label")
            if getattr(begin, name)
        }
        return sum(abs(by - math.log(change.get(name, 1.0))) for name, by in found.items())

    return min(settings, key=far)


class Pilots:
    """Runs pilots; what is finished is kept.

    Args:
        halves: of the source.
        options: of every encode: teacher, size, view and the like.
        student: architecture.
        protocol: how students are trained.
        shown: pictures shown to the student of a pilot.
        work: finished pilots go here.
        size: (width, height) of a picture.
        device: torch device.
    """

    def __init__(
        self,
        halves: Halves,
        options: Mapping[str, Any],
        student: str,
        protocol: Protocol,
        shown: int,
        work: WorkFolder,
        *,
        size: tuple[int, int],
        device: str,
    ) -> None:
        self._halves, self._options, self.student = halves, options, student
        self._protocol, self._shown, self._work = protocol, shown, work
        self._size, self._device = size, device
        self._progress: Progress | None = options.get("progress")
        self._test: TestSet | None = None

    def run(self, setting: Setting, times: int = 1) -> Observation:
        """A pilot's figures, of an earlier run if it has been.

        Args:
            setting: how it is encoded.
            times: how many times as many pictures its student is shown.
        """
        what = {"setting": known_by(setting), "times": times}
        key = hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()
        found = self._work.piece(f"pilot-{key[:32]}", lambda: self._made(setting, times))
        classes = len(self._halves.fit.classes)
        epochs = int(found["shown"]) // (classes * setting.ipc)
        training = Training.of(self._protocol.with_epochs(epochs), setting, classes)
        return Observation(setting, training, float(found["accuracy"]))

    def test(self) -> TestSet:
        """The pictures held out."""
        if self._test is None:
            images, labels = load_images(
                self._halves.held_out, self._size, on_error="skip", report=LoadReport()
            )
            self._test = TestSet(images, labels.astype(np.int64))
        return self._test

    def _made(self, setting: Setting, times: int) -> dict[str, Array]:
        with scratch_folder() as folder:
            path = folder / "pilot.ddz"
            options = EncodeOptions(**{**self._options, **setting.options()})
            Encoder(self._halves.fit, path, options).run()
            with open_artifact(path) as artifact:
                pictures = len(artifact.classes) * artifact.recipe.ipc
                epochs = max(_FEWEST_EPOCHS, round(times * self._shown / pictures))
                found = evaluate(
                    artifact,
                    self.test(),
                    self.student,
                    (0,),
                    self._protocol.with_epochs(epochs),
                    self._progress,
                    device=self._device,
                    name="pilot",
                )
        return {"shown": np.array(epochs * pictures), "accuracy": np.array(found.mean)}


def pilot_budget(costs: Costs, label: float, classes: int, most: int) -> int:
    """Bytes of a pilot: as asked for, but no more than a few hundred pictures take.

    Args:
        costs: of the source.
        label: bytes of all labels of a picture.
        classes: of the source.
        most: what is asked for.
    """
    pictures = max(_MOST_PICTURES, _FEWEST_IPC * classes)
    return min(most, round(costs.fixed + pictures * (costs.slot + label)))
