"""The optimisation of a classifier: AdamW, its schedule and its arithmetic."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

__all__ = ["Optimisation", "Precision"]

Precision = Literal["auto", "bfloat16", "float32"]


@dataclass(frozen=True)
class Optimisation:
    """AdamW with a cosine schedule.

    Attributes:
        steps: optimiser steps in all.
        lr: highest learning rate.
        weight_decay: decoupled; not applied to biases and norms (1-d parameters).
        span: the part of the cosine's half period that is run: 1 ends at 0, 1/2 at lr / 2.
        warmup: share of the steps with a linearly rising rate.
        precision: ``auto`` is bfloat16 autocast where the processor computes it natively.
    """

    steps: int
    lr: float = 1e-3
    weight_decay: float = 0.01
    span: float = 1.0
    warmup: float = 0.0
    precision: Precision = "auto"

    def factor(self, step: int) -> float:
        """Learning rate of a step relative to ``lr``."""
        rising = round(self.warmup * self.steps)
        if step < rising:
            return (step + 1) / (rising + 1)
        done = (step - rising) / max(1, self.steps - rising)
        return 0.5 * (1 + math.cos(math.pi * self.span * done))
