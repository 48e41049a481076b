"""The Pareto front of accuracy for bytes."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["pareto"]


def pareto(figures: Sequence[tuple[int, float]]) -> list[int]:
    """Places of those (bytes, accuracy) that nothing of as few bytes reaches, smallest first.

    >>> pareto([(30, 0.6), (10, 0.5), (20, 0.4)])
    [1, 0]
    """
    found: list[int] = []
    for i in sorted(range(len(figures)), key=lambda i: (figures[i][0], -figures[i][1])):
        if not found or figures[i][1] > figures[found[-1]][1]:
            found.append(i)
    return found
