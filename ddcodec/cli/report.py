"""``ddz report``: what the bytes of artifacts buy in accuracy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ddcodec.cli.common import (
    ArtifactPlace,
    SourcePlace,
    device_option,
    force_option,
    json_option,
    new_file,
    prior_option,
    progress_display,
    ray_option,
    workers_option,
)
from ddcodec.cli.completion import complete_protocol
from ddcodec.cli.help import ExampleCommand
from ddcodec.cli.screen import say
from ddcodec.evaluation.protocols import PROTOCOLS
from ddcodec.workers import Workers

if TYPE_CHECKING:
    from ddcodec.reporting import BaselineKind, Evaluation, PublishedSet, Report, WholeSetEpochs

__all__ = ["command"]

EXAMPLES = (
    (
        "accuracy against bytes, beside random real images",
        "ddz report photos.ddz --test photos/test",
    ),
    (
        "beside the whole set, and what each part bought",
        "ddz report photos.ddz --test photos/test --whole-set 10 --ablation",
    ),
    ("a quick look", "ddz report a.ddz b.ddz --test photos/test --seeds 1 --epochs 60"),
)


def _epochs(
    _: click.Context, parameter: click.Parameter, value: str | None
) -> WholeSetEpochs | None:
    if value is None or value == "equal":
        return value  # type: ignore[return-value]
    if value.isdecimal() and int(value) > 0:
        return int(value)
    raise click.BadParameter(f"{value!r} is neither a number of epochs from 1 nor equal.")


@click.command("report", cls=ExampleCommand, examples=EXAMPLES)
@click.argument(
    "artifacts",
    metavar="IN.ddz ...",
    nargs=-1,
    required=True,
    type=ArtifactPlace(),
)
@click.option(
    "--test",
    required=True,
    metavar="SRC",
    type=SourcePlace(),
    help="Test images, as of an encode: a folder, an archive, a table or an address of the hub, of "
    "whose splits that for testing is taken.",
)
@click.option(
    "--train",
    metavar="SRC",
    type=SourcePlace(),
    help="Training images for the random baselines; by default the training split in or beside "
    "--test.",
)
@click.option(
    "--student",
    metavar="NAME",
    help="Student: convnet3, convnet4, convnet5, resnet18 or resnet18-half; by default the "
    "customary one for the size of the images.",
)
@click.option(
    "--seeds",
    type=click.IntRange(1),
    default=3,
    show_default=True,
    metavar="N",
    help="Students per artifact.",
)
@click.option(
    "--protocol",
    default="ddz",
    shell_complete=complete_protocol,
    show_default=True,
    metavar="NAME",
    help=f"How students are trained: {', '.join(p.name for p in PROTOCOLS)}.",
)
@click.option(
    "--epochs", type=click.IntRange(1), metavar="N", help="Epochs, in place of the protocol's own."
)
@click.option(
    "--baseline",
    type=click.Choice(["hard", "soft", "both", "none"]),
    default="hard",
    show_default=True,
    help="Random real images to compare with: with hard labels, of the same IPC and of the same "
    "bytes; with soft labels of --teacher, of the same IPC; both of these; or none.",
)
@click.option(
    "--teacher",
    metavar="auto|DIR|HUB_ID|timm:NAME",
    help="The teacher of soft baselines, which should be that of the artifacts: as of an encode, "
    "where auto is the one trained on the training folder.",
)
@click.option(
    "--whole-set",
    metavar="EPOCHS|equal",
    callback=_epochs,
    help="Train students on all of --train too, with hard labels: for so many epochs; or `equal`, "
    "for as many images shown as the artifact that shows the most.",
)
@click.option(
    "--published",
    type=click.Choice(["auto", "cifar10", "cifar100", "imagenette128", "imagewoof128", "none"]),
    default="auto",
    show_default=True,
    help="Published figures to show for orientation: of a set; none; or auto, of the set whose "
    "class names, size and number of test images the artifacts have.",
)
@click.option(
    "--ablation",
    is_flag=True,
    help="Also train students on each artifact without the innovations of its labels, without its "
    "soft labels, without its views, and without both of these: what the bytes of each bought.",
)
@prior_option
@device_option
@workers_option
@ray_option
@click.option(
    "-o",
    "--out",
    default="report.html",
    show_default=True,
    metavar="OUT.html",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The page to write; its figures are written beside it, as OUT.json.",
)
@click.option(
    "--work",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep finished students here, for other reports too. By default they are kept in OUT.html"
    ".work until the page is written.",
)
@force_option
@json_option
def command(
    artifacts: tuple[Path, ...],
    test: str,
    train: str | None,
    student: str | None,
    seeds: int,
    protocol: str,
    epochs: int | None,
    baseline: BaselineKind,
    teacher: str | None,
    whole_set: WholeSetEpochs | None,
    published: PublishedSet,
    ablation: bool,
    prior: str | None,
    device: str,
    workers: int,
    ray: str | None,
    out: Path,
    work: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Train students on each artifact, test them, and write a self-contained HTML page.

    Random real images are measured in the same run. Everything is checked before the first student
    trains, and a report that was interrupted goes on when the same command is run again.
    """
    new_file(out, force)
    from ddcodec.reporting import json_beside, make_report

    new_file(json_beside(out), force)

    with progress_display() as progress:
        report = make_report(
            artifacts,
            test,
            train_dir=train,
            student=student,
            seeds=seeds,
            protocol=protocol,
            epochs=epochs,
            out=out,
            baseline=baseline,
            teacher=teacher,
            whole_set=whole_set,
            published=published,
            ablation=ablation,
            prior=prior,
            device=device,
            work=work,
            workers=Workers(workers, ray),
            progress=progress,
        )
    if as_json:
        click.echo(report.to_json(), nl=False)
        return
    for line in _lines(report, out):
        say(line)


def _lines(report: Report, out: Path) -> Iterator[str]:
    yield f"{'bytes':>12}  {'accuracy':<16}  data"
    for evaluation in report.evaluations:
        yield f"{evaluation.file_len:>12,}  {_accuracy(evaluation):<16}  {evaluation.name}"
    notes = (note for evaluation in report.evaluations for note in evaluation.notes)
    for remark in dict.fromkeys([*report.remarks, *notes]):
        yield f"note: {remark}"
    for one in report.ablations:
        for part in one.parts:
            bought = f"{part.points:+.1f} points"
            yield f"{part.stored:>12,}  {bought:<16}  bought by {part.without} of {one.name}"
    yield f"page: {out}, figures: {out.with_suffix('.json')}"


def _accuracy(evaluation: Evaluation) -> str:
    mean = f"{100 * evaluation.mean:.1f} %"
    if evaluation.std is None:
        return f"{mean} (1 student)"
    return f"{mean} ± {100 * evaluation.std:.1f}"
