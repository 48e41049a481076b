"""The fineness at which labels meet a target: a mean divergence, or a number of bytes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from ddcodec.errors import EncodeError
from ddcodec.labels.encoder.encoder import EncodedLabels

__all__ = ["Found", "Keep", "search"]

# A few guesses end most searches. Bytes of few labels fall in jumps that no line tells: then halve.
_ROUNDS, _GUESSES = 16, 10
_CLOSE = 0.03
_FINEST, _COARSEST = 1e-4, 4.0
_TOO_COARSE = math.inf
_FARTHEST = math.log(16)  # from a known fineness to one that is only guessed

Keep = Callable[[float, Callable[[], float]], float]
"""``keep(fineness, measure)`` returns what ``measure()`` does, or did in an earlier run."""

Point = tuple[float, float]  # the logarithms of a fineness and its measure


@dataclass(frozen=True, eq=False)
class Found:
    """The coded labels of a search, and what was measured of them.

    Attributes:
        coded: the labels.
        fineness: at which they were coded.
        measure: divergence or bytes, whichever was asked for.
    """

    coded: EncodedLabels
    fineness: float
    measure: float


def search(
    encode: Callable[[float], EncodedLabels],
    measure: Callable[[EncodedLabels], float],
    target: float,
    start: float,
    *,
    rising: bool,
    close: float = _CLOSE,
    finest: float = _FINEST,
    keep: Keep = lambda _, measure: measure(),
) -> Found:
    """The coarsest labels that meet a target, or the coarsest there are if all meet it.

    Args:
        encode: codes at a fineness; larger is coarser.
        measure: what must not exceed the target.
        target: above 0.
        start: fineness to begin with.
        rising: whether the measure rises with the fineness (a divergence), or falls (bytes).
        close: what share of the target may be left; about half of it will be.
        finest: below which no labels become better.
        keep: called for each fineness, whose coding it may spare.

    Raises:
        EncodeError: no fineness meets the target.
    """
    low, high = min(finest, _COARSEST), _COARSEST
    latest: dict[float, EncodedLabels] = {}  # the last one, and the best: each may be large
    best, reached = None, math.nan
    points: list[Point] = []
    fineness = min(max(start, low), high)

    def measured() -> float:
        for other in [known for known in latest if known != best]:
            del latest[other]
        try:
            latest[fineness] = encode(fineness)
        except EncodeError:
            return _TOO_COARSE
        return measure(latest[fineness])

    for number in range(1, _ROUNDS + 1):
        value = keep(fineness, measured)
        if value == _TOO_COARSE:  # to be written down
            high = fineness
            fineness = math.sqrt(low * high)
            continue
        meets = value <= target
        if meets and (best is None or (fineness > best) == rising):
            best, reached = fineness, value
        if meets and value >= target * (1 - close):
            break
        if meets == rising:
            low = fineness
        else:
            high = fineness
        if high < low * (1 + close / 4):
            break
        points.append((math.log(fineness), math.log(max(value, 1e-12))))
        # Divergence goes with the square of the fineness; bytes fall with its logarithm.
        guess = _guess(points, math.log((1 - close / 2) * target), 0.5 if rising else -1.0)
        inside = number < _GUESSES and low * 1.001 < guess < high / 1.001
        fineness = guess if inside else math.sqrt(low * high)
    if best is None:
        if rising:
            raise EncodeError(
                f"labels cannot be coded within {target:g} nats of the teacher's; "
                "ask for less, or for lossless ones"
            )
        raise EncodeError(
            f"labels cannot be coded in {target:g} bytes; ask for fewer views or pictures, "
            "or for a larger budget"
        )
    coded = latest[best] if best in latest else encode(best)
    return Found(coded, best, reached)


def _guess(points: list[Point], goal: float, power: float) -> float:
    """The fineness whose measure may be the goal, from those known.

    Args:
        points: in the order they were found.
        goal: the logarithm of a measure.
        power: of the measure, to which the fineness goes; used as long as one point is known.
    """
    below = max((p for p in points if p[1] <= goal), key=lambda p: p[1], default=None)
    above = min((p for p in points if p[1] > goal), key=lambda p: p[1], default=None)
    x, y = points[-1]
    if below is not None and above is not None:
        x, y = below
        power = (above[0] - below[0]) / (above[1] - below[1])
    elif len(points) > 1 and (points[-2][0] - x) * (points[-2][1] - y) * power > 0:
        power = (points[-2][0] - x) / (points[-2][1] - y)
    far = power * (goal - y)
    return math.exp(x + min(max(far, -_FARTHEST), _FARTHEST))
