"""Early stopping: training ends once the accuracy on held-out pictures stands still."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from ddcodec.classifiers.optimisation import Optimisation

__all__ = ["EarlyStopping"]

# Checks, in tenths of the schedule. Later ones could save nothing: the end takes its time, too.
_FIRST, _LAST = 2, 7
# The part of the schedule in which the rate falls to 0 after a stop.
_ANNEALING = 0.15


class EarlyStopping:
    """A schedule that may end early.

    The accuracy is measured after every tenth of the steps, from the second to the seventh. Once it
    is perfect, or ``patience`` checks in a row found none better, the rate falls linearly to 0, as
    it would have at the end. Whether a training stops depends on its steps alone, never on time.

    Args:
        optimisation: the whole schedule.
        measure: accuracy on held-out pictures, 0..1.
        patience: checks without a better accuracy; 0 never stops.

    Attributes:
        seen: accuracies so far.
        steps: after so many steps training ends.

    >>> accuracies = iter([0.5, 0.7, 0.7, 0.6, 0.7])
    >>> stopping = EarlyStopping(Optimisation(steps=100), lambda: next(accuracies), patience=3)
    >>> [done for done in range(101) if stopping.check(done)], stopping.steps
    ([60], 75)
    """

    def __init__(
        self, optimisation: Optimisation, measure: Callable[[], float], patience: int
    ) -> None:
        self.optimisation, self.measure, self.patience = optimisation, measure, patience
        self.seen: list[float] = []
        self.steps = optimisation.steps
        self._stopped: int | None = None

    def check(self, done: int) -> bool:
        """After so many steps: whether that decides to stop."""
        if self._stopped is not None or self.patience < 1 or not self._due(done):
            return False
        self.seen.append(self.measure())
        if not self._stands_still():
            return False
        self._stopped = done
        self.steps = min(self.steps, done + math.ceil(_ANNEALING * self.steps))
        return True

    def factor(self, step: int) -> float:
        """Learning rate of a step relative to the highest."""
        if self._stopped is None or step < self._stopped:
            return self.optimisation.factor(step)
        left = (self.steps - step) / (self.steps - self._stopped)
        return left * self.optimisation.factor(self._stopped)

    def resume(self, seen: Sequence[float], done: int) -> None:
        """Be where the accuracies of an earlier run were seen, ``done`` steps into it."""
        earlier = iter(seen)
        measure, self.measure = self.measure, lambda: next(earlier)
        for step in range(1, done + 1):
            if len(self.seen) < len(seen):
                self.check(step)
        self.measure = measure

    def _due(self, done: int) -> bool:
        total = self.optimisation.steps
        return any(done == total * tenth // 10 for tenth in range(_FIRST, _LAST + 1))

    def _stands_still(self) -> bool:
        if self.seen[-1] == 1:
            return True
        best = self.seen.index(max(self.seen))
        return len(self.seen) - 1 - best >= self.patience
