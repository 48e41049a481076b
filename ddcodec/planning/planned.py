"""A plan as plain values: what ``plan.json`` holds and the page is drawn from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ddcodec.planning.model import Forecast, Observation, Training
from ddcodec.planning.settings import Setting

__all__ = ["Plan", "Planned"]


@dataclass(frozen=True)
class Planned:
    """A setting and what is expected of it.

    Attributes:
        setting: the bytes and how they are spent.
        forecast: accuracy of a student trained by the protocol.
        training: of that student.
        options: of the encode, as keyword arguments.
    """

    setting: Setting
    forecast: Forecast
    training: Training
    options: Mapping[str, Any]

    def to_map(self) -> dict[str, Any]:
        setting = self.setting
        return {
            "options": {**self.options, "options": dict(self.options["options"])},
            "labels": setting.filling.labels,
            "expected": setting.sections(),
            "accuracy": self.forecast.accuracy,
            "low": self.forecast.low,
            "high": self.forecast.high,
            "shown": self.training.shown,
            "steps": self.training.steps,
        }


@dataclass(frozen=True)
class Plan:
    """What bytes are expected to buy.

    Attributes:
        planned: for each budget its settings, one of each method and kind of labels, best first.
        pilots: what they are concluded from.
        weights: of the model, log-odds and one standard deviation each.
        student, protocol, epochs: whom for.
        held_out: pictures that pilots were tested on.
        remarks: what a reader should know, one sentence each.
    """

    planned: tuple[tuple[Planned, ...], ...]
    pilots: tuple[Observation, ...]
    weights: Mapping[str, tuple[float, float]]
    student: str
    protocol: str
    held_out: int
    remarks: tuple[str, ...] = ()

    def to_map(self) -> dict[str, Any]:
        """Plain values: accuracies are shares 0..1, sizes are bytes."""
        return {
            "student": self.student,
            "protocol": self.protocol,
            "held_out": self.held_out,
            "budgets": [[one.to_map() for one in group] for group in self.planned],
            "pilots": [
                {
                    **{k: v for k, v in one.setting.options().items() if k != "options"},
                    "options": dict(one.setting.filling.options),
                    "shown": one.training.shown,
                    "steps": one.training.steps,
                    "accuracy": one.accuracy,
                }
                for one in self.pilots
            ],
            "weights": {name: list(pair) for name, pair in self.weights.items()},
            "remarks": list(self.remarks),
        }

    def to_json(self) -> str:
        return json.dumps({"schema": "ddcodec.plan/1", **self.to_map()}, indent=1) + "\n"
