"""Pictures that a teacher is not trained on, and what it makes of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ddcodec.arrays import Bools, Int64s

__all__ = ["HeldOut", "choose"]


class HeldOut(NamedTuple):
    """What a teacher makes of pictures that it was not trained on.

    Attributes:
        accuracy: share of them that it recognises, 0..1.
        pictures: how many they are.
    """

    accuracy: float
    pictures: int

    def describe(self) -> str:
        """For people: what share of how many pictures it is right about."""
        share = f"{100 * self.accuracy:.1f} %"
        return f"right about {share} of {self.pictures} pictures that it was not trained on"


def choose(labels: Int64s, most: int, seed: int) -> Bools:
    """Which pictures to hold out: bool[n], a seeded choice of each class.

    Args:
        labels: int64[n] class indices.
        most: pictures of each class, at most; and at most a tenth of the class.
        seed: of the choice.
    """
    held = np.zeros(len(labels), bool)
    random = np.random.default_rng(seed)
    for class_index in np.unique(labels):
        rows = random.permutation(np.flatnonzero(labels == class_index))
        held[rows[: min(most, len(rows) // 10)]] = True
    return held
