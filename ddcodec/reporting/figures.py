"""The plots of a page: one for each student and protocol, with published figures as grey marks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from ddcodec.evaluation.evaluate import Evaluation
from ddcodec.reporting import text
from ddcodec.reporting.collect import Report, by_protocol
from ddcodec.reporting.pareto import pareto
from ddcodec.reporting.plot import OUTLINES, Level, Plot, Point, plot
from ddcodec.reporting.published import PublishedFigure
from ddcodec.units import bytes_text

__all__ = ["Figure", "LegendKey", "Method", "Reference", "figures_of"]

# A plot as wide as a telephone, and one for all else.
_NARROW, _WIDE = 340, 760
# Published figures of sizes further than this from all of the report's own only squeeze the axis.
_REACH = 10


@dataclass(frozen=True)
class LegendKey:
    """A kind of mark, as it is drawn, and what it stands for."""

    outline: str
    role: str
    words: str


@dataclass(frozen=True)
class Reference:
    """A published figure in a report.

    Attributes:
        key: the letters that name it in a plot; empty where it is not drawn.
        figure: what was published.
        best: none of as few bytes, of those that are drawn, reaches it.
    """

    key: str
    figure: PublishedFigure
    best: bool = False


@dataclass(frozen=True)
class Method:
    """The published figures of one method, which differ in size alone."""

    references: tuple[Reference, ...]


@dataclass(frozen=True)
class Figure:
    """Plots of the same points, for wide and narrow screens.

    Attributes:
        wide, narrow: the plots.
        student, protocol: of all own figures in it.
        errors: there are error bars.
        legend: the kinds of marks in it.
        methods: published figures of the student, method by method.
    """

    wide: Plot
    narrow: Plot
    student: str
    protocol: str
    errors: bool
    legend: tuple[LegendKey, ...]
    methods: tuple[Method, ...]

    @property
    def published(self) -> bool:
        """Whether any published figure is drawn."""
        return any(one.key for method in self.methods for one in method.references)

    @property
    def protocols(self) -> list[tuple[str, str]]:
        """(names of published methods, how their students were trained), without repetition."""
        told: dict[str, list[str]] = {}
        for method in self.methods:
            figure = method.references[0].figure
            told.setdefault(figure.protocol, []).append(figure.method)
        return [(", ".join(names), words) for words, names in told.items()]


def figures_of(report: Report) -> list[Figure]:
    """The plots, in the order of the report's evaluations."""
    numbers = {id(e): str(number) for number, e in enumerate(report.evaluations, start=1)}
    groups = by_protocol(report.evaluations)
    return [_figure(report, key, members, numbers) for key, members in groups.items()]


def _figure(
    report: Report, key: tuple[str, str], members: Sequence[Evaluation], numbers: dict[int, str]
) -> Figure:
    student, protocol = text.student_text(key[0]), key[1]
    drawn = [e for e in members if e.role != "whole"]
    published = () if report.published is None else report.published.of_student(key[0])
    references = tuple(_references(published, [e.file_len for e in drawn]))
    own = [_point(e, numbers[id(e)]) for e in drawn]
    points = own + [_published_point(one) for one in references if one.key]
    levels = list(_levels(members))
    spoken = "; ".join([*(p.hint for p in own), *(level.text for level in levels)])
    title = f"Accuracy against bytes, {student} under protocol {protocol}: {spoken}"
    wide, narrow = (plot(points, levels=levels, title=title, width=w) for w in (_WIDE, _NARROW))
    errors = any(e.std is not None for e in drawn)
    return Figure(
        wide, narrow, student, protocol, errors, tuple(_legend(points)), _methods(references)
    )


def _point(e: Evaluation, number: str) -> Point:
    told = [text.label_text(e.labels), f"protocol {e.protocol}"]
    if e.pictures_shown is not None:
        told.append(f"{e.pictures_shown:,} pictures shown")
    return Point(
        text.short_name(e),
        e.file_len,
        100 * e.mean,
        None if e.std is None else 100 * e.std,
        e.role,
        number,
        e.labels,
        ", ".join(filter(None, told)),
    )


def _references(published: Sequence[PublishedFigure], sizes: Sequence[int]) -> Iterator[Reference]:
    low, high = min(sizes) / _REACH, max(sizes) * _REACH
    near = [figure for figure in published if low <= figure.stored <= high]
    best = [near[i] for i in pareto([(figure.stored, figure.accuracy) for figure in near])]
    letters = map(_letters, count())
    for figure in published:
        yield Reference(next(letters) if figure in near else "", figure, figure in best)


def _methods(references: Sequence[Reference]) -> tuple[Method, ...]:
    """By method, in the order of their smallest figures."""
    found: dict[tuple[str, str], list[Reference]] = {}
    for one in references:
        found.setdefault((one.figure.method, one.figure.source), []).append(one)
    return tuple(Method(tuple(group)) for group in found.values())


def _published_point(reference: Reference) -> Point:
    figure = reference.figure
    return Point(
        figure.method,
        figure.stored,
        100 * figure.accuracy,
        None,
        "published",
        reference.key,
        "published",
        f"published: {figure.label_words}; bytes: {figure.counted}; {figure.protocol}; "
        f"{figure.source}",
        reference.best,
        figure.stored_8bit,
    )


def _levels(members: Sequence[Evaluation]) -> Iterator[Level]:
    chances = {e.chance for e in members}
    if len(chances) == 1:
        yield Level(100 * chances.pop(), "chance")
    for e in members:
        if e.role == "whole":
            size = bytes_text(e.file_len)
            yield Level(100 * e.mean, f"whole set, {size}: {100 * e.mean:.1f}", needed=True)


def _legend(points: Sequence[Point]) -> Iterator[LegendKey]:
    """A key for each kind of mark there is."""
    whose = {"artifact": "artifact", "baseline": "random real pictures", "published": "published"}
    kinds = {(p.role, p.shape): p.outline for p in points}
    for role, words in whose.items():
        for shape in (*OUTLINES, ""):  # nobody noted the labels of those without a shape
            if (role, shape) in kinds:
                labels = text.label_text(shape)
                yield LegendKey(kinds[role, shape], role, f"{words}, {labels}" if labels else words)


def _letters(number: int) -> str:
    """a, b, ... z, aa, ab, ..."""
    first, last = divmod(number, 26)
    return (_letters(first - 1) if first else "") + chr(ord("a") + last)
