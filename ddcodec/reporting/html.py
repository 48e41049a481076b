"""The report as one HTML file without external resources."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from ddcodec.artifact import SizeNode
from ddcodec.evaluation.evaluate import Evaluation
from ddcodec.reporting.collect import ArtifactSheet, Fact, Report, by_protocol, environment
from ddcodec.reporting.style import STYLE
from ddcodec.reporting.svg import Point, bytes_text, percent_text, scatter, stacked_bar

__all__ = ["page"]

_STUDENTS = {
    "convnet3": "ConvNet-3",
    "convnet4": "ConvNet-4",
    "convnet5": "ConvNet-5",
    "resnet18": "ResNet-18",
    "resnet18-half": "ResNet-18 of half width",
}
_PARTS = {
    "labels": "labels",
    "teacher": "stored teacher",
    "patches": "pictures",
    "latents": "latents",
    "prompts": "prompts",
    "seeds": "seeds",
    "schedule": "schedule table",
    "pixels": "pixel digests",
    "container": "header",
}
# Of more artifacts than this, tables and pictures are folded away.
_MANY = 3
# Parts keep their colour from report to report; the rest share one. No artifact has both labels
# and a teacher, or both patches and latents.
_COLOURS = {
    "patches": 0,
    "latents": 0,
    "labels": 1,
    "teacher": 1,
    "prompts": 2,
    "seeds": 3,
    "container": 4,
}


def page(report: Report) -> str:
    """The whole page; light and dark follow the reader's browser."""
    artifacts = [e for e in report.evaluations if e.role == "artifact"]
    body = [
        _headline(report, artifacts),
        *_plots(report),
        _results(report),
        *_budgets(report.sheets),
        *_galleries(report.sheets),
        _protocols(report),
        *_provenance(report.sheets),
        _environment(report),
    ]
    title = escape(_title(artifacts))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(body)
        + "\n</main>\n</body>\n</html>\n"
    )


def student_text(arch: str) -> str:
    """``convnet3`` -> ``ConvNet-3``."""
    return _STUDENTS.get(arch, arch)


def _title(artifacts: Sequence[Evaluation]) -> str:
    if len(artifacts) == 1:
        only = artifacts[0]
        return (
            f"{bytes_text(only.file_len)} train a {student_text(only.student)} "
            f"to {percent_text(only.mean)}"
        )
    sizes = [a.file_len for a in artifacts]
    means = [a.mean for a in artifacts]
    return (
        f"{len(artifacts)} artifacts, {bytes_text(min(sizes))} to {bytes_text(max(sizes))}: "
        f"{percent_text(min(means))} to {percent_text(max(means))}"
    )


def _headline(report: Report, artifacts: Sequence[Evaluation]) -> str:
    best = max(artifacts, key=lambda e: e.mean)
    baselines = [e for e in report.evaluations if e.role == "baseline"]
    whose = "" if len(artifacts) == 1 else f" of {escape(best.name)}, the most accurate,"
    lead = (
        f"Test accuracy{whose} on {best.test_images:,} pictures of {best.classes} classes, "
        f"{_students(best)} under protocol <b>{escape(best.protocol)}</b>; "
        f"guessing gives {percent_text(best.chance)}."
    )
    tiles = [
        ("accuracy", _accuracy_html(best)),
        ("file", bytes_text(best.file_len)),
        ("a class", bytes_text(round(best.file_len / best.classes))),
        ("pictures per class", f"{best.ipc} <small>x {best.views} views</small>"),
    ]
    if baselines and len(artifacts) == 1:
        rival = max(baselines, key=lambda e: e.mean)
        gain = 100 * (best.mean - rival.mean)
        tiles.append(("against the better baseline", f"{_signed(gain)} <small>points</small>"))
    inner = "".join(f"<div><dt>{escape(k)}</dt><dd>{v}</dd></div>" for k, v in tiles)
    return (
        f'<header>\n<p class="kicker">ddcodec report: storage against accuracy</p>\n'
        f"<h1>{escape(_title(artifacts))}</h1>\n"
        f'<p class="lead">{lead}</p>\n<dl class="tiles">{inner}</dl>\n</header>'
    )


def _signed(points: float) -> str:
    return f"{points:+.1f}".replace("-", "\N{MINUS SIGN}")


def _students(evaluation: Evaluation) -> str:
    n = len(evaluation.seeds)
    return "one student" if n == 1 else f"mean and standard deviation of {n} students"


def _accuracy_html(evaluation: Evaluation) -> str:
    spread = "" if evaluation.std is None else f" <small>± {100 * evaluation.std:.1f}</small>"
    return f"{percent_text(evaluation.mean)}{spread}"


def _plots(report: Report) -> Iterable[str]:
    yield "<section>\n<h2>Accuracy for bytes</h2>"
    for (student, protocol), members in by_protocol(report.evaluations).items():
        points = [
            Point(
                _short(e),
                e.file_len,
                100 * e.mean,
                None if e.std is None else 100 * e.std,
                e.role,
            )
            for e in members
        ]
        chances = {e.chance for e in members}
        chance = 100 * chances.pop() if len(chances) == 1 else None
        title = f"{student_text(student)} under protocol {protocol}: accuracy against bytes"
        errors = "one standard deviation" if any(e.std is not None for e in members) else "none"
        yield (
            f'<figure>\n<div class="scroll">{scatter(points, chance=chance, title=title)}</div>\n'
            f"<figcaption>"
            f"{escape(student_text(student))} students under protocol {escape(protocol)}; error "
            f"bars: {errors}. Filled: artifacts. Rings: baselines. Figures of other protocols "
            "never share these axes.</figcaption>\n</figure>"
        )
    yield "</section>"


def _short(evaluation: Evaluation) -> str:
    name = evaluation.name
    if evaluation.role == "baseline":
        name = name.removeprefix("random real pictures, ")
        return f"random, {name}"
    return name.removesuffix(".ddz")


def _results(report: Report) -> str:
    head = (
        ("artifact", ""),
        ("method", ""),
        ("IPC", "number"),
        ("views", "number"),
        ("bytes", "number"),
        ("accuracy, %", "number"),
        ("by seed, %", "number"),
        ("seconds", "number"),
    )
    rows = []
    for e in report.evaluations:
        spread = "" if e.std is None else f" ± {100 * e.std:.1f}"
        by_seed = " ".join(f"{100 * a:.1f}" for a in e.accuracies)
        cells = (
            (escape(e.name), ""),
            (escape(e.method), ""),
            (str(e.ipc), "number"),
            (str(e.views), "number"),
            (f"{e.file_len:,}", "number"),
            (f"{100 * e.mean:.1f}{spread}", "number strong"),
            (by_seed, "number"),
            (f"{e.seconds:.0f}", "number"),
        )
        rows.append(f'<tr class="{e.role}">{_cells("td", cells)}</tr>')
    notes = list(dict.fromkeys(note for e in report.evaluations for note in e.notes))
    remarks = "".join(
        f'<p class="note">{escape(text[:1].upper() + text[1:])}.</p>'
        for text in (*report.remarks, *notes)
    )
    return (
        '<section>\n<h2>The figures</h2>\n<div class="scroll"><table>\n<thead><tr>'
        f"{_cells('th', head)}</tr></thead>\n<tbody>{''.join(rows)}</tbody>\n</table></div>\n"
        f'<p class="note">Each student is tested once, after its last epoch. ± is the sample '
        f"standard deviation over seeds.</p>\n{remarks}</section>"
    )


def _cells(tag: str, cells: Iterable[tuple[str, str]]) -> str:
    return "".join(
        f'<{tag} class="{style}">{text}</{tag}>' if style else f"<{tag}>{text}</{tag}>"
        for text, style in cells
    )


def _budgets(sheets: Sequence[ArtifactSheet]) -> Iterable[str]:
    yield "<section>\n<h2>Where the bytes go</h2>"
    for sheet in sheets:
        if len(sheets) > 1:
            yield f"<h3>{escape(sheet.name)}</h3>"
        parts = sorted(sheet.sizes.children, key=lambda n: (_colour(n), -n.stored))
        # Parts of one colour are one piece of the bar, so that the bar can be read by colour.
        pieces = [("", 0)] * 6
        for node in parts:
            i = _colour(node)
            names = f"{pieces[i][0]}, {_part(node)}" if pieces[i][0] else _part(node)
            pieces[i] = names, pieces[i][1] + node.stored
        yield stacked_bar(pieces)
        legend = " ".join(
            f'<span class="piece">{_swatch(i)}{escape(name)} {bytes_text(size)}</span>'
            for i, (name, size) in enumerate(pieces)
            if size
        )
        yield _folded(_budget_table(sheet.sizes, parts), legend, sheets)
    yield (
        '<p class="note">Stored: bytes in the file. Plain: the same content the way it is '
        "usually shipped: 8-bit pixels, 16-bit soft labels and vectors, 64-bit seeds.</p>\n"
        "</section>"
    )


def _budget_table(total: SizeNode, parts: Sequence[SizeNode]) -> str:
    rows = []
    for node in parts:
        name = f"{_swatch(_colour(node))}{escape(_part(node))}"
        rows.append(_budget_row(name, "", node, total))
        rows += [_budget_row(escape(child.name), "sub", child, total) for child in node.children]
    rows.append(_budget_row("<b>file</b>", "", total, total))
    head = (("part", ""), *((t, "number") for t in ("stored", "share", "plain", "ratio")))
    return (
        f'<div class="scroll"><table>\n<thead><tr>{_cells("th", head)}</tr></thead>\n'
        f"<tbody>{''.join(rows)}</tbody>\n</table></div>"
    )


def _swatch(colour: int) -> str:
    return f'<span class="swatch part{colour}"></span>'


def _budget_row(name: str, style: str, node: SizeNode, total: SizeNode) -> str:
    share = f"{100 * node.stored / max(1, total.stored):.1f} %"
    plain = bytes_text(node.plain) if node.plain else ""
    ratio = f"{node.plain / node.stored:.1f}" if node.plain and node.stored else ""
    cells = (
        (name, style),
        (f"{node.stored:,}", "number"),
        (share, "number"),
        (plain, "number"),
        (ratio, "number"),
    )
    return f"<tr>{_cells('td', cells)}</tr>"


def _part(node: SizeNode) -> str:
    return _PARTS.get(node.name, node.name)


def _colour(node: SizeNode) -> int:
    return _COLOURS.get(node.name, 5)


def _galleries(sheets: Sequence[ArtifactSheet]) -> Iterable[str]:
    yield "<section>\n<h2>The pictures</h2>"
    for i, sheet in enumerate(sheets):
        width, height = sheet.size
        small = ' class="pixels"' if max(width, height) <= 64 else ""
        rows = []
        for item in sheet.gallery:
            images = "".join(
                f'<img{small} src="{uri}" alt="{escape(item.name, quote=True)}, slot {slot}">'
                for slot, uri in enumerate(item.uris)
            )
            rows.append(f'<div class="class">{escape(item.name)}</div>')
            rows.append(f'<div class="row">{images}</div>')
        grid = f'<div class="gallery">{"".join(rows)}</div>'
        if len(sheets) == 1:
            yield grid
        else:
            opened = " open" if i < _MANY else ""
            yield f"<details{opened}><summary>{escape(sheet.name)}</summary>{grid}</details>"
    yield (
        '<p class="note">The first slots of the first classes, as any reader decodes them, at '
        f"{sheets[0].size[0]} x {sheets[0].size[1]} px.</p>\n</section>"
    )


def _protocols(report: Report) -> str:
    told: dict[str, list[str]] = {}
    for e in report.evaluations:
        told.setdefault(e.words, []).append(e.name)
    paragraphs = []
    for words, names in told.items():
        whose = "" if len(told) == 1 else f"<b>{escape('; '.join(names))}:</b> "
        paragraphs.append(f"<p>{whose}{escape(words)}</p>")
    first = report.evaluations[0]
    seeds = ", ".join(map(str, first.seeds))
    paragraphs.append(
        f"<p>Students are {escape(student_text(first.student))} networks from random weights, "
        f"seeds {seeds}, trained in {escape(first.precision)} and tested in float32. Inputs are "
        "normalised by the statistics in the artifact's recipe.</p>"
    )
    return f"<section>\n<h2>How the figures were made</h2>\n{''.join(paragraphs)}\n</section>"


def _provenance(sheets: Sequence[ArtifactSheet]) -> Iterable[str]:
    yield "<section>\n<h2>Where the artifacts come from</h2>"
    for sheet in sheets:
        if len(sheets) > 1:
            yield f"<h3>{escape(sheet.name)}</h3>"
        yield _folded(_facts(sheet.facts), "digests, settings and origin", sheets)
    yield "</section>"


def _folded(html: str, summary: str, sheets: Sequence[ArtifactSheet]) -> str:
    """What would make the page of many artifacts too long to read, behind a click."""
    if len(sheets) <= _MANY:
        return html
    return f"<details><summary>{summary}</summary>{html}</details>"


def _facts(facts: Iterable[Fact]) -> str:
    rows = []
    for name, value, exact in facts:
        shown = f"<code>{escape(value)}</code>" if exact else escape(value)
        rows.append(f"<dt>{escape(name)}</dt><dd>{shown}</dd>")
    return f'<dl class="facts">{"".join(rows)}</dl>'


def _environment(report: Report) -> str:
    return (
        f"<section>\n<h2>Environment</h2>\n{_facts(environment())}\n</section>\n"
        f"<footer>Written {escape(report.created)} by ddcodec. The same figures are in the JSON "
        "report.</footer>"
    )
