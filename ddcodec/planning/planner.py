"""Prices, settings and pilots of a set of pictures, and which settings are best."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ddcodec.classifiers.architectures import default_architecture
from ddcodec.devices import computed_with
from ddcodec.encoding.costs import Costs, costs_of, label_bytes_each
from ddcodec.encoding.inputs import Inputs
from ddcodec.encoding.options import BUDGET_QUALITY, EncodeOptions
from ddcodec.errors import DdcodecError, RequestError
from ddcodec.evaluation.protocols import Protocol
from ddcodec.methods import get_method
from ddcodec.methods.work import WorkFolder
from ddcodec.planning.model import Model, Training
from ddcodec.planning.pilots import SMALL, Pilots, halves_of, pilot_budget, pilot_settings
from ddcodec.planning.planned import Planned
from ddcodec.planning.settings import Filling, Setting, considered
from ddcodec.sources.listed import ListedSource
from ddcodec.version import __version__

if TYPE_CHECKING:
    from ddcodec.classifiers.teacher import Teacher

__all__ = ["Planner"]

AnyPath = str | os.PathLike[str]

# From so many times a stored teacher's bytes on, it is considered in place of labels.
_TEACHER_TIMES = 1.3
# A teacher's students seldom surpass it by more than this (CIFAR-10).
_BEYOND_TEACHER = 0.01
# Pictures of a class that prices are told by.
_SAMPLE = 10
_USUAL_VIEWS = 30
# Where each view is drawn, pilots have fewer, so that they do not take longer than others.
_DRAWN_VIEWS = 10
# Held-out pictures that tell pilots apart within some 3 %.
_FEW = 200


class Planner:
    """What a plan knows of the pictures before its pilots."""

    def __init__(
        self,
        source: ListedSource,
        fillings: Sequence[Filling],
        options: Mapping[str, Any],
        teacher: AnyPath | Teacher,
    ) -> None:
        self._source, self._given = source, teacher
        self._halves = halves_of(source, options["seed"])
        self._options = {**options, "teacher": teacher}
        self._inputs = self._inputs_of(fillings[0])
        self.size, self._device = self._inputs.size, self._inputs.device
        self._soft = options["labels"] == "soft"
        self._asks = self._soft or any(get_method(f.method).uses_teacher for f in fillings)
        self._costs = {filling: self._costs_of(filling) for filling in fillings}
        self._in_file = replace(fillings[0], labels="teacher")
        self._stored = self._costs_of(self._in_file) if self._can_be_stored() else None

    def load_teacher(self) -> None:
        """Have the teacher, who may have to be trained first, at hand for all pilots."""
        if self._asks:
            self._options["teacher"] = self._inputs.teacher()

    def _can_be_stored(self) -> bool:
        """Whether a teacher could stand in the file in place of its labels."""
        from ddcodec.classifiers.teacher_training import training_size
        from ddcodec.labels.teacher.fold import check_storable

        if not self._soft:
            return False
        if self._inputs.options.trains_teacher:  # of large pictures at a smaller size
            return training_size(self.size) == self.size and self.size[0] == self.size[1]

        try:
            check_storable(self._inputs.teacher(), self.size)
        except DdcodecError:
            return False
        return True

    def tell(self, what: str, done: int, total: int) -> None:
        """Move the progress display, if there is one."""
        if self._options["progress"] is not None:
            self._options["progress"](what, done, total)

    def settings(self, budget: int) -> list[Setting]:
        """All that are considered.

        Raises:
            RequestError: the budget is too small for any.
        """
        counts = self._source.counts
        found = [
            setting
            for filling, costs in self._costs.items()
            for setting in considered(budget, filling, costs, counts)
        ]
        if not found:
            costs = min(self._costs.values())
            least = costs.fixed + len(counts) * costs.slot
            raise RequestError(
                f"a budget of {budget:,} bytes is too small: one image per class with its labels "
                f"takes about {math.ceil(least):,}; name more bytes"
            )
        if (stored := self._stored_within(budget)) is not None:
            found += considered(budget, self._in_file, stored, counts)
        return found

    def _stored_within(self, budget: int) -> Costs | None:
        """Costs with the teacher in the file, where a budget leaves room for pictures beside it."""
        enough = self._stored is not None and budget > _TEACHER_TIMES * self._stored.fixed
        return self._stored if enough else None

    def pilot_settings(self, most: int, count: int) -> list[tuple[Setting, int]]:
        """(setting, how many times as many pictures shown) of each pilot."""
        counts, choices = self._halves.fit.counts, {}
        for filling, costs in self._costs.items():
            label = 0.0
            if filling.labels == "soft":
                views = _USUAL_VIEWS if costs.picture else _DRAWN_VIEWS
                label = views * label_bytes_each(len(counts))
            budget = pilot_budget(costs, label, len(counts), most)
            found = list(considered(budget, filling, costs, counts))
            found += considered(round(SMALL * budget), filling, costs, counts)
            if found:
                choices[filling] = found
        if not choices:
            raise RequestError("no pilot fits the budget: name more bytes")
        if (stored := self._stored_within(most)) is not None:
            budget = pilot_budget(stored, 0.0, len(counts), most)
            choices[self._in_file] = list(considered(budget, self._in_file, stored, counts))
        return list(pilot_settings(choices, count))

    def pilots(
        self, protocol: Protocol, student: str | None, shown: int, work: WorkFolder
    ) -> Pilots:
        """What runs them."""
        return Pilots(
            self._halves,
            self._options,
            student or default_architecture(min(self.size)),
            protocol,
            shown,
            work,
            size=self.size,
            device=self._device,
        )

    @contextmanager
    def work(
        self, path: Path, protocol: Protocol, shown: int, student: str | None
    ) -> Iterator[WorkFolder]:
        """Where finished pilots are kept; they belong to the pictures, the teacher and the rest."""
        plain = {k: v for k, v in self._options.items() if k not in ("progress", "teacher")}
        job = {
            "kind": "pilots",
            "tool": __version__,
            "source": self._halves.fit.fingerprint,
            "teacher": self._inputs.teacher().digest if self._asks else "",
            "protocol": str(replace(protocol, epochs=None)),  # pilots have epochs of their own
            "shown": shown,
            "student": student,
            **{name: str(value) for name, value in plain.items()},
            **computed_with(self._device),
            "size": list(self.size),
        }
        with WorkFolder.held(path, job) as held:
            yield held

    def ceiling(self, pilots: Pilots) -> float:
        """The accuracy that no student is expected to surpass."""
        if not self._soft:
            return 1.0
        teacher = self._inputs.teacher()
        if teacher.held_out is not None:
            return teacher.held_out.accuracy + _BEYOND_TEACHER
        test = pilots.test()
        right = teacher.logits(test.images).argmax(1) == test.labels
        return float(right.mean()) + _BEYOND_TEACHER

    def best(
        self, model: Model, protocol: Protocol, settings: Sequence[Setting]
    ) -> tuple[Planned, ...]:
        """The best setting of each method and kind of labels, best first."""
        found = dict[Filling, Planned]()
        for setting in map(model.within, settings):
            training = Training.of(protocol, setting, len(self._source.classes))
            forecast = model.forecast(setting, training)
            known = found.get(setting.filling)
            if known is None or forecast.accuracy > known.forecast.accuracy:
                options = {**setting.options(), **self._given_too()}
                found[setting.filling] = Planned(setting, forecast, training, options)
        return tuple(sorted(found.values(), key=lambda one: -one.forecast.accuracy))

    def remarks(self, held_out: int) -> Iterator[str]:
        """What a reader should know."""
        if held_out < _FEW:
            yield (
                f"only {held_out} pictures were held out: pilots cannot be told apart well, and "
                "what is forecast is mostly what was measured elsewhere"
            )
        if self._soft and self._inputs.teacher().held_out is None:
            yield (
                "how good the teacher is on pictures that it was not trained on is not known; if "
                "it was trained on those held out here, forecasts of large budgets are some points "
                "too high"
            )

    def _given_too(self) -> dict[str, Any]:
        """Options of the encode that were given to the plan."""
        size, view, seed = (self._options[name] for name in ("size", "view", "seed"))
        found: dict[str, Any] = {} if size is None else {"size": size}
        if view != "auto":
            found["view"] = view
        if seed:
            found["seed"] = seed
        given = self._given
        if self._asks and isinstance(given, str | os.PathLike) and given != "auto":
            found["teacher"] = os.fspath(given)
        return found

    def _inputs_of(self, filling: Filling) -> Inputs:
        options = {**self._options, "labels": filling.labels}
        return Inputs(
            self._source,
            EncodeOptions(
                method=filling.method,
                ipc=min(_SAMPLE, *self._source.counts),
                patch_codec="avif",
                quality=BUDGET_QUALITY["avif"],
                options=dict(filling.options),
                **options,
            ),
        )

    def _costs_of(self, filling: Filling) -> Costs:
        return costs_of(self._inputs_of(filling), min(_SAMPLE, *self._source.counts))
