"""A plan as one HTML file without external resources."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from jinja2 import Environment

from ddcodec.planning.planned import Plan, Planned
from ddcodec.reporting.plot import Plot, Point, plot
from ddcodec.reporting.text import percent_text, student_text
from ddcodec.templates import templates_of
from ddcodec.units import bytes_text

__all__ = ["page"]

_NARROW, _WIDE = 340, 760
_FIXED = "\N{NO-BREAK SPACE}"


def page(plan: Plan, src: str, json_name: str | None = None) -> str:
    """The whole page; light and dark follow the reader's browser.

    Args:
        plan: what it shows.
        src: the pictures, as calls name them; empty of objects in Python.
        json_name: the file beside it that has the same figures, if there is one.
    """
    best = [group[0] for group in plan.planned]
    ends = [
        f"{100 * one.forecast.accuracy:.0f} % in {bytes_text(one.setting.budget)}".replace(
            " ", _FIXED
        )
        for one in best
    ]
    html: str = (
        _templates()
        .get_template("plan.html")
        .render(
            plan=plan,
            title="What bytes would buy: " + ", ".join(ends[:: max(1, len(ends) - 1)]),
            student=student_text(plan.student),
            wide=_plot(plan, _WIDE),
            narrow=_plot(plan, _NARROW),
            rows=[one for group in plan.planned for one in group],
            calls=[_call(src, one) for one in best],
            json_name=json_name,
        )
    )
    return html


def _call(src: str, one: Planned) -> str:
    """The encode as Python says it."""
    given = ", ".join(f"{name}={value!r}" for name, value in one.options.items() if value != {})
    name = repr(src) if src else "source"
    return f"ddcodec.encode({name}, '{one.setting.budget}.ddz', {given})"


def _plot(plan: Plan, width: int) -> Plot:
    rows = [one for group in plan.planned for one in group]
    points = [
        Point(
            label=f"{one.setting.filling}",
            x=one.setting.budget,
            y=100 * one.forecast.accuracy,
            error=50 * (one.forecast.high - one.forecast.low),
            role="artifact" if one in _best(plan) else "baseline",
            key=str(number),
            shape=one.setting.filling.labels,
        )
        for number, one in enumerate(rows, start=1)
    ]
    spoken = "; ".join(point.hint for point in points)
    return plot(points, title=f"Expected accuracy against bytes: {spoken}", width=width)


def _best(plan: Plan) -> Sequence[object]:
    return [group[0] for group in plan.planned]


@cache
def _templates() -> Environment:
    made = templates_of("ddcodec.planning", "ddcodec.reporting")
    made.filters.update(bytes=bytes_text, percent=percent_text)
    return made
