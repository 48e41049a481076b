"""A teacher's view of the order of classes: what it takes the pictures of each class for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ddcodec.arrays import Int64s
from ddcodec.sources.source import Source

if TYPE_CHECKING:
    from ddcodec.classifiers.teacher import Teacher

__all__ = ["Agreement", "agreement", "judged"]

_SHOWN_PICTURES = 2_000
_BATCH = 250
# How often the matching of classes is tried on predictions that belong to no class.
_BY_CHANCE = 20
# The best other order is a better one by so much, of all pictures, or it is none.
_MARGIN = 0.15
_NAMED = 3


@dataclass(frozen=True)
class Agreement:
    """How a teacher's predictions agree with the classes of pictures.

    Attributes:
        share: of the pictures that it takes for their class.
        best: the same if the classes were renamed as suits it best.
        by_chance: the same of predictions that know nothing of the pictures: small sets of pictures
            are easily matched.
        pictures: that it was shown.
        classes: K.
        renamed: pairs of class indices, which differ: a class, and what its pictures look like.
    """

    share: float
    best: float
    by_chance: float
    pictures: int
    classes: int
    renamed: tuple[tuple[int, int], ...]

    @property
    def is_wrong(self) -> bool:
        """Whether another order suits the teacher far better, so that this one cannot be right."""
        return self.share < self.best / 2 and self.best > self.by_chance + _MARGIN

    @property
    def is_doubtful(self) -> bool:
        """Whether some classes look exchanged, or the teacher agrees no more than a die would."""
        exchanged = self.best > max(self.share, self.by_chance) + _MARGIN
        return self._is_blind or (bool(self.renamed) and exchanged)

    @property
    def _is_blind(self) -> bool:
        chance = 1 / self.classes
        spread = math.sqrt(chance * (1 - chance) / self.pictures)
        return self.share <= chance + 2 * spread

    def describe(self, classes: tuple[str, ...]) -> str:
        """The figures, and classes that look like others."""
        text = (
            f"the teacher takes {100 * self.share:.0f} % of {self.pictures:,} pictures for their "
            "class"
        )
        if self._is_blind:
            text += f", where chance takes {100 / self.classes:.2g} %"
        if self.best <= max(self.share, self.by_chance) + _MARGIN:
            return text
        pairs = [f"{classes[a]!r} looks like {classes[b]!r}" for a, b in self.renamed[:_NAMED]]
        return f"{text}, and {100 * self.best:.0f} % in another order ({', '.join(pairs)}, ...)"


def agreement(source: Source, teacher: Teacher, size: tuple[int, int], ipc: int) -> Agreement:
    """Show some pictures of each class to a teacher whose columns are the classes, in order.

    Args:
        source: the pictures.
        teacher: its columns are the source's classes.
        size: (width, height) at which it is shown them.
        ipc: pictures of each class that count, the first ones.
    """
    classes = len(source.classes)
    each = max(1, min(ipc, _SHOWN_PICTURES // classes))
    jobs = [(c, n) for c in range(classes) for n in range(each)]
    said = []
    for start in range(0, len(jobs), _BATCH):
        images = [source.read(c, n, size)[0] for c, n in jobs[start : start + _BATCH]]
        said.append(teacher.logits(np.stack(images)).argmax(axis=1))
    return judged(np.array([c for c, _ in jobs]), np.concatenate(said).astype(np.int64), classes)


def judged(own: Int64s, said: Int64s, classes: int) -> Agreement:
    """The agreement of predictions with classes.

    Args:
        own: [n], class of each picture.
        said: [n], class that each is taken for.
        classes: K.

    >>> swapped = judged(np.repeat([0, 1, 2], 9), np.repeat([1, 2, 0], 9), 3)
    >>> swapped.share, swapped.best, swapped.is_wrong
    (0.0, 1.0, True)
    """
    random = np.random.default_rng(0)
    best, names = _matched(own, said, classes)
    chance = [_matched(own, random.permutation(said), classes)[0] for _ in range(_BY_CHANCE)]
    table = np.zeros((classes, classes), np.int64)
    np.add.at(table, (own, said), 1)
    renamed = [
        (table[a, b] - table[a, a], a, int(b))
        for a, b in enumerate(names)
        if a != b and table[a, b] > table[a, a]
    ]
    renamed.sort(key=lambda one: (-one[0], one[1]))
    share = float((own == said).mean())
    pairs = tuple((a, b) for _, a, b in renamed)
    return Agreement(share, best, max(chance), len(own), classes, pairs)


def _matched(own: Int64s, said: Int64s, classes: int) -> tuple[float, Int64s]:
    """The share of pictures taken for their class once classes are renamed at best, and how."""
    from scipy.optimize import linear_sum_assignment

    table = np.zeros((classes, classes), np.int64)
    np.add.at(table, (own, said), 1)
    rows, columns = linear_sum_assignment(table, maximize=True)
    return float(table[rows, columns].sum() / len(own)), columns
