"""Accuracy as a function of settings: a Bayesian linear model of its log-odds.

Odds are those of accuracy against the ceiling that a teacher's labels set: a student seldom gets
beyond its teacher. What is known before any pilot comes from students on CIFAR-10 (ConvNet-3, 1 to
250 images per class; docs/benchmarks/budget.md); pilots correct it, and say where the level is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, Self

import numpy as np

from ddcodec.arrays import Float64s
from ddcodec.evaluation.protocols import Protocol
from ddcodec.planning.settings import Setting

__all__ = ["Forecast", "Model", "Observation", "Training"]

# (mean, standard deviation) of each weight, in log-odds.
_KNOWN = {
    "level": (0.0, 3.0),
    "pictures": (0.45, 0.12),  # of a doubling
    "coarseness": (-0.8, 0.4),  # of bytes per picture, inverted: half as many count 1
    "views": (0.12, 0.08),  # of a doubling of those that are ever shown
    "coarse labels": (-0.15, 0.15),
    "stored teacher": (0.1, 0.3),  # in place of labels
    "shown": (0.0, 0.03),  # of a doubling of the pictures shown to the student, in as many steps
    "steps": (0.13, 0.05),  # of a doubling
    # Where each label has a picture of its own, drawn from the prior:
    "drawn": (-0.2, 0.8),  # six hundred of a class, beside ten stored ones
    "drawn pictures": (0.35, 0.1),  # of a doubling of those that are ever shown
    "coarse labels of drawn": (-0.6, 0.25),
    "steps on drawn": (0.09, 0.04),  # of a doubling
}
_METHOD = (0.0, 0.4)
# Of one student, and of what lines do not tell.
_NOISE = 0.08
_PER_DOUBLING_BEYOND = 0.03
_LEAST, _MOST = 0.01, 0.99
# Drawn pictures are not forecast beyond so many times those of a pilot: they take no bytes, so that
# nothing else would keep a budget from asking for a hundred thousand of an unknown worth.
_DRAWN_TIMES, _DRAWN = 16, 160


class Training(NamedTuple):
    """How long a student is trained.

    Attributes:
        epochs: passes over the pictures.
        shown: pictures shown in all.
        steps: of the optimiser.
    """

    epochs: int
    shown: int
    steps: int

    @classmethod
    def of(cls, protocol: Protocol, setting: Setting, classes: int) -> Self:
        """What a protocol makes of a setting."""
        images = classes * setting.ipc
        plan = protocol.plan(images, setting.ipc, classes, setting.variations)
        return cls(plan.epochs, images * plan.epochs, plan.steps)


class Observation(NamedTuple):
    """What a student of a pilot has learned.

    Attributes:
        setting: of the pilot.
        training: of its student.
        accuracy: on pictures held out, 0..1.
    """

    setting: Setting
    training: Training
    accuracy: float


class Forecast(NamedTuple):
    """An expected accuracy, 0..1, and about one standard deviation on either side."""

    accuracy: float
    low: float
    high: float


class Model:
    """Fitted to pilots.

    Args:
        observations: at least one.
        ceiling: accuracy that no student is expected to surpass, 0..1.
        held_out: pictures that the pilots' students were tested on.
    """

    def __init__(
        self, observations: Sequence[Observation], ceiling: float, held_out: int = 1000
    ) -> None:
        highest = max(one.accuracy for one in observations)
        self._ceiling = min(1.0, max(ceiling, highest + 0.02))
        self._methods = list(dict.fromkeys(str(one.setting.filling) for one in observations))
        known = [*_KNOWN.values(), *[_METHOD] * len(self._methods)]
        mean, spread = np.array(known).T
        rows = np.array([self._features(one.setting, one.training) for one in observations])
        found = np.array([self._odds(one.accuracy) for one in observations])
        shares = np.clip([one.accuracy for one in observations], _LEAST, _MOST)
        # What few pictures say of a student is little: binomial, in log-odds.
        certain = 1 / (_NOISE**2 + 1 / (held_out * shares * (1 - shares)))
        precision = np.diag(spread**-2.0) + (rows.T * certain) @ rows
        self._covariance = np.linalg.inv(precision)
        self._weights = self._covariance @ (mean / spread**2 + rows.T @ (certain * found))
        stored = [o.setting.ipc for o in observations if o.setting.variations == 1]
        drawn = [_pictures(o.setting) for o in observations if o.setting.variations > 1]
        self._most_stored, self._most_drawn = max(stored, default=1), max(drawn, default=_DRAWN)

    def within(self, setting: Setting) -> Setting:
        """The setting with so many drawn pictures as pilots say something of; labels are finer."""
        if setting.variations == 1 or _pictures(setting) <= _DRAWN_TIMES * self._most_drawn:
            return setting
        views = max(1, _DRAWN_TIMES * self._most_drawn // setting.ipc)
        return replace(setting, views=views, label=setting.label * setting.views / views)

    def forecast(self, setting: Setting, training: Training) -> Forecast:
        """What a student of a setting is expected to learn."""
        row = self._features(setting, training)
        known = self._most_stored if setting.variations == 1 else self._most_drawn
        beyond = max(0.0, math.log2(_pictures(setting) / known)) * _PER_DOUBLING_BEYOND
        spread = math.sqrt(row @ self._covariance @ row + _NOISE**2 + beyond**2)
        middle = float(row @ self._weights)
        return Forecast(*(self._share(middle + by * spread) for by in (0, -1, 1)))

    def weights(self) -> dict[str, tuple[float, float]]:
        """What each feature is worth, in log-odds, and one standard deviation."""
        names = [*_KNOWN, *self._methods]
        spread = np.sqrt(np.diag(self._covariance))
        return {
            name: (float(weight), float(one))
            for name, weight, one in zip(names, self._weights, spread, strict=True)
        }

    def _features(self, setting: Setting, training: Training) -> Float64s:
        labels, drawn = setting.filling.labels, setting.variations > 1
        # A view that is never shown teaches nothing.
        views = min(setting.views, training.epochs)
        coarse_labels = 1 / setting.label - 1 if labels == "soft" else 0.0
        steps = math.log2(training.steps / 1_500)
        values = {
            "level": 1.0,
            "coarseness": setting.coarseness - 1 if setting.coarseness else 0.0,
            "stored teacher": float(labels == "teacher"),
            "shown": math.log2(training.shown / 30_000),
        }
        if drawn:
            values |= {
                "drawn": 1.0,
                "drawn pictures": math.log2(setting.ipc * views / 600),
                # Below some 1.5 bytes (of ten classes) they lose more and more.
                "coarse labels of drawn": setting.label**-2 - 1,
                "steps on drawn": steps,
            }
        else:
            values |= {
                "pictures": math.log2(setting.ipc / 10),
                "views": math.log2(views / 30) if labels != "hard" else 0.0,
                "coarse labels": coarse_labels,
                "steps": steps,
            }
        own = [float(str(setting.filling) == name) for name in self._methods]
        return np.array([*(values.get(name, 0.0) for name in _KNOWN), *own])

    def _odds(self, accuracy: float) -> float:
        share = min(_MOST, max(_LEAST, accuracy / self._ceiling))
        return math.log(share / (1 - share))

    def _share(self, odds: float) -> float:
        return self._ceiling / (1 + math.exp(-odds))


def _pictures(setting: Setting) -> int:
    """Pictures of a class."""
    return setting.ipc * setting.variations
