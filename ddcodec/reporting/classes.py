"""Accuracy by class, and which class is taken for which."""

from __future__ import annotations

from dataclasses import dataclass

from ddcodec.evaluation.evaluate import Evaluation

__all__ = ["Cell", "ClassResult", "Classes", "Confused", "classes_of"]

# More classes than this have no matrix and no complete list on the page.
MATRIX_CLASSES = 20
_ENDS = 10  # of the list of classes, the best and the worst
_CONFUSED = 10


@dataclass(frozen=True)
class ClassResult:
    """A class and its accuracy, 0..1."""

    number: int
    name: str
    accuracy: float


@dataclass(frozen=True)
class Cell:
    """The share (0..1) of a class's test pictures that are taken for a class, in words too."""

    share: float
    hint: str

    @property
    def text(self) -> str:
        return f"{100 * self.share:.0f}" if self.share >= 0.005 else ""


@dataclass(frozen=True)
class Confused:
    """A pair of classes, and the share (0..1) of the first that is taken for the second."""

    true: str
    guess: str
    share: float


@dataclass(frozen=True)
class Classes:
    """What a page shows of the classes of one artifact.

    Attributes:
        results: every class, or the best and the worst of many, best first.
        left_out: number of classes between these.
        matrix: a row of cells for each class, in the order of ``names``; of few classes only.
        confused: the pairs that are taken for one another most often.
    """

    names: tuple[str, ...]
    results: tuple[ClassResult, ...]
    left_out: int
    matrix: tuple[tuple[Cell, ...], ...]
    confused: tuple[Confused, ...]


def classes_of(evaluation: Evaluation) -> Classes | None:
    """The classes of an evaluation; None where nobody counted."""
    if not evaluation.confusion:
        return None
    names, accuracies = evaluation.class_names, evaluation.class_accuracies
    results = [ClassResult(c + 1, names[c], accuracies[c]) for c in range(len(names))]
    results.sort(key=lambda r: (-r.accuracy, r.number))
    left_out = 0
    if len(names) > MATRIX_CLASSES:
        left_out = len(names) - 2 * _ENDS
        results = results[:_ENDS] + results[-_ENDS:]
    rows = [(c, row, max(1, sum(row))) for c, row in enumerate(evaluation.confusion)]
    pairs = [
        Confused(names[c], names[g], count / total)
        for c, row, total in rows
        for g, count in enumerate(row)
        if g != c and count
    ]
    pairs.sort(key=lambda pair: -pair.share)
    matrix = tuple(
        tuple(_cell(names[c], names[g], count / total) for g, count in enumerate(row))
        for c, row, total in rows
    )
    few = len(names) <= MATRIX_CLASSES
    return Classes(names, tuple(results), left_out, matrix if few else (), tuple(pairs[:_CONFUSED]))


def _cell(true: str, guess: str, share: float) -> Cell:
    return Cell(share, f"{100 * share:.1f} % of {true} taken for {guess}")
