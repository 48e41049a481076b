"""``ddz plan``: what budgets of bytes would buy on a set of pictures."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from ddcodec.cli.common import (
    announce,
    device_option,
    force_option,
    json_option,
    new_file,
    parse_size,
    progress_display,
    source_argument,
)
from ddcodec.cli.completion import complete_protocol
from ddcodec.cli.help import ExampleCommand
from ddcodec.cli.recipe_text import terminal_width
from ddcodec.cli.screen import say
from ddcodec.evaluation.protocols import PROTOCOLS

if TYPE_CHECKING:
    from ddcodec.planning import Plan, Planned

__all__ = ["command"]

EXAMPLES = (
    ("what 30 and 100 kB would buy", "ddz plan photos --budget 30KB,100KB"),
    ("of methods of your choice", "ddz plan photos --budget 1MB --method herding --method rded"),
)


@click.command("plan", cls=ExampleCommand, examples=EXAMPLES)
@source_argument
@click.option(
    "--budget",
    "budgets",
    required=True,
    metavar="300KB[,1MB,...]",
    help="Bytes of whole files.",
)
@click.option(
    "--method",
    "methods",
    multiple=True,
    metavar="NAME[:KEY=VALUE,...]",
    help="A method that may fill them, with options of its own; give it again for another one. "
    "By default coreset, random and, with soft labels and 200 images to hold out, t2i.",
)
@click.option(
    "--labels",
    type=click.Choice(["soft", "hard"]),
    default="soft",
    show_default=True,
    help="Soft labels of the teacher, who may also be stored in their place; or hard ones.",
)
@click.option(
    "--teacher",
    default="auto",
    show_default=True,
    metavar="auto|DIR|HUB_ID|timm:NAME",
    help="Who gives soft labels, as of `ddz encode`.",
)
@click.option("--size", metavar="N|WxH", help="Of images in pixels; by default that of SRC.")
@click.option("--view", default="auto", show_default=True, metavar="PARTS", help="What views vary.")
@click.option(
    "--student",
    metavar="NAME",
    help="Student; by default the customary one for the size of the images.",
)
@click.option(
    "--protocol",
    default="ddz",
    shell_complete=complete_protocol,
    show_default=True,
    metavar="NAME",
    help=f"How students would be trained: {', '.join(p.name for p in PROTOCOLS)}.",
)
@click.option(
    "--epochs", type=click.IntRange(1), metavar="N", help="Epochs, in place of the protocol's own."
)
@click.option(
    "--pilots",
    type=click.IntRange(1),
    default=9,
    show_default=True,
    metavar="N",
    help="Small artifacts that are made, and whose students are trained briefly.",
)
@click.option(
    "--shown",
    type=click.IntRange(1),
    default=20_000,
    show_default=True,
    metavar="N",
    help="Images shown to the student of a pilot.",
)
@click.option(
    "--seed", default=0, show_default=True, metavar="N", help="Everything random follows from it."
)
@device_option
@click.option(
    "-o",
    "--out",
    default="plan.html",
    show_default=True,
    metavar="OUT.html",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The page to write; its figures are written beside it, as OUT.json.",
)
@click.option(
    "--work",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep finished pilots here, for other plans of the same images. By default they are kept "
    "in OUT.html.work until the page is written.",
)
@force_option
@json_option
def command(
    src: str,
    budgets: str,
    methods: tuple[str, ...],
    labels: Literal["soft", "hard"],
    teacher: str,
    size: str | None,
    view: str,
    student: str | None,
    protocol: str,
    epochs: int | None,
    pilots: int,
    shown: int,
    seed: int,
    device: str,
    out: Path,
    work: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Say what bytes would buy on the images of SRC, and how to spend them.

    A tenth of the images is held out. Pilots, small artifacts of the others, are made and a student
    of each is trained briefly; a model fitted to them says which settings are best for each budget
    and about how accurate a student of them would be. A plan that was interrupted goes on when the
    same command is run again.
    """
    new_file(out, force)
    new_file(out.with_suffix(".json"), force)
    from ddcodec.planning import plan
    from ddcodec.sources.opening import open_source

    source = open_source(src)
    announce(source, err=as_json)
    with progress_display() as progress:
        made = plan(
            source,
            [text for text in budgets.split(",") if text.strip()],
            out,
            methods=methods or None,
            labels=labels,
            teacher=teacher,
            size=parse_size(size),
            view=view,
            student=student,
            protocol=protocol,
            epochs=epochs,
            pilots=pilots,
            shown=shown,
            seed=seed,
            device=device,
            work=work,
            progress=progress,
        )
    if as_json:
        click.echo(made.to_json(), nl=False)
        return
    for line in _lines(made, src, out):
        say(line)


def _lines(plan: Plan, src: str, out: Path) -> Iterator[str]:
    for group in plan.planned:
        yield f"{group[0].setting.budget:,} bytes"
        for one in group:
            yield from _about(one)
    for remark in plan.remarks:
        yield from textwrap.wrap(f"note: {remark}", terminal_width())
    yield "the best of each budget:"
    yield from (f"  {_command(src, group[0])}" for group in plan.planned)
    yield f"page: {out}, figures: {out.with_suffix('.json')}"


def _about(one: Planned) -> Iterator[str]:
    setting, parts = one.setting, one.setting.sections()
    accuracy, low, high = (100 * share for share in one.forecast)
    expected = f"{accuracy:.1f} % ({low:.0f} to {high:.0f})"
    stored = ", the teacher in the file" if setting.filling.labels == "teacher" else ""
    views = "views, each drawn" if setting.variations > 1 else "views"
    yield f"  {expected:<19} {setting.filling}{stored}"
    yield (
        f"  {'':<19} {setting.ipc} per class, {setting.views} {views}; "
        f"pictures {parts['pictures']:,}, labels {parts['labels']:,}"
    )


def _command(src: str, one: Planned) -> str:
    """The encode as a command line."""
    words = ["ddz", "encode", src]
    for name, value in one.options.items():
        if name == "options":
            for key, text in value.items():
                words += ["--option", f"{key}={text}"]
        else:
            text = "x".join(map(str, value)) if isinstance(value, tuple) else str(value)
            words += [f"--{name.replace('_', '-')}", text]
    return shlex.join([*words, "-o", f"{one.setting.budget}.ddz"])
