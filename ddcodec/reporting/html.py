"""The report as one HTML file without external resources, from the templates beside this module.

Templates escape every value; what they are given is made here and in the modules it imports.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache

from jinja2 import Environment

from ddcodec.artifact.budget import parts_of, pieces_of
from ddcodec.evaluation.evaluate import Evaluation
from ddcodec.reporting import text
from ddcodec.reporting.ablation import bars_of
from ddcodec.reporting.classes import classes_of
from ddcodec.reporting.collect import Report, on_front
from ddcodec.reporting.facts import environment
from ddcodec.reporting.figures import figures_of
from ddcodec.templates import templates_of
from ddcodec.units import bytes_text

__all__ = ["page"]

# Of more artifacts than this, tables and pictures are folded away.
MANY = 3


def page(report: Report, json_name: str | None = None) -> str:
    """The whole page; light and dark follow the reader's browser.

    Args:
        report: what it shows.
        json_name: the file beside it that has the same figures, if there is one.
    """
    artifacts = [e for e in report.evaluations if e.role == "artifact"]
    best = max(artifacts, key=lambda e: e.mean)
    notes = dict.fromkeys(note for e in report.evaluations for note in e.notes)
    template = _templates().get_template("page.html")
    html: str = template.render(
        report=report,
        json_name=json_name,
        title=_unbroken(_title(artifacts)),
        best=best,
        tiles=list(_tiles(report, artifacts, best)),
        figures=figures_of(report),
        classes=[(e, found) for e in artifacts if (found := classes_of(e)) is not None],
        on_front=on_front(report.evaluations),
        bars=bars_of(report.ablations),
        notes=[note[:1].upper() + note[1:] for note in (*report.remarks, *notes)],
        protocols=_protocols(report),
        environment=environment(),
        folded=len(artifacts) > MANY,
        many=MANY,
    )
    return html


@cache
def _templates() -> Environment:
    made = templates_of("ddcodec.reporting")
    filters: dict[str, Callable[..., object]] = {
        "bytes": bytes_text,
        "percent": text.percent_text,
        "labels": text.label_text,
        "signed": text.signed_text,
        "student": text.student_text,
        "pieces": pieces_of,
        "parts": parts_of,
    }
    made.filters.update(filters)
    return made


def _title(artifacts: Sequence[Evaluation]) -> str:
    """What the smallest file reaches, and what the best one needs."""
    best = max(artifacts, key=lambda e: (e.mean, -e.file_len))
    if len(artifacts) == 1:
        return (
            f"{bytes_text(best.file_len)} train a {text.student_text(best.student)} to "
            f"{text.percent_text(best.mean)}"
        )
    smallest = min(artifacts, key=lambda e: (e.file_len, -e.mean))
    ends = [f"{text.percent_text(e.mean)} in {bytes_text(e.file_len)}" for e in (smallest, best)]
    count = f"{len(artifacts)} artifacts"
    if smallest is best:
        return f"{ends[0]}: the smallest of {count} is the most accurate"
    return f"{count}: {ends[0]}, {ends[1]}"


def _unbroken(title: str) -> str:
    """The title with no line break between a figure and its unit."""
    return re.sub(r"(?<=\d) (?=%|[kMGT]?B\b)", "\N{NO-BREAK SPACE}", title)


def _tiles(
    report: Report, artifacts: Sequence[Evaluation], best: Evaluation
) -> Iterator[tuple[str, str, str]]:
    """(what, figure, what stands small after it)."""
    spread = "" if best.std is None else f"± {100 * best.std:.1f}"
    yield "accuracy", text.percent_text(best.mean), spread
    yield "file", bytes_text(best.file_len), ""
    yield "per class", bytes_text(round(best.file_len / best.classes)), ""
    yield "pictures per class", str(best.ipc), f"x {best.views} views"
    baselines = [e for e in report.evaluations if e.role == "baseline"]
    if baselines and len(artifacts) == 1:
        rival = max(baselines, key=lambda e: e.mean)
        gain = text.signed_text(100 * (best.mean - rival.mean))
        which = "the baseline" if len(baselines) == 1 else "the best baseline"
        yield f"against {which}", gain, "points"


def _protocols(report: Report) -> list[tuple[str, str]]:
    """(whose, the protocol as a paragraph); nobody's where all share one."""
    told: dict[str, list[str]] = {}
    for e in report.evaluations:
        told.setdefault(e.words, []).append(e.name)
    return [("" if len(told) == 1 else "; ".join(names), words) for words, names in told.items()]
