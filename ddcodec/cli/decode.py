"""``ddz decode``: from an artifact to an image folder and its labels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ddcodec.cli.common import (
    artifact_argument,
    class_names,
    classes_option,
    device_option,
    execution_text,
    ipc_option,
    open_artifact,
    output_folder,
    prior_option,
    progress_display,
    ray_option,
    workers_option,
)
from ddcodec.cli.help import ExampleCommand
from ddcodec.cli.options import in_words
from ddcodec.cli.screen import say
from ddcodec.hub import size_text
from ddcodec.workers import Workers

if TYPE_CHECKING:
    from ddcodec.artifact import Artifact
    from ddcodec.exchange.folder import ExportPlan
    from ddcodec.recipe.pin import PriorPin

__all__ = ["command"]

EXAMPLES = (
    ("the images and their labels", "ddz decode photos.ddz -o out"),
    ("every view of each, too", "ddz decode photos.ddz --views all -o out"),
    ("what would be written, and which prior that needs", "ddz decode g.ddz --dry-run -o out"),
    ("two classes", "ddz decode photos.ddz --classes cat,dog -o out"),
)


def _view_count(ctx: click.Context, param: click.Parameter, value: str) -> int | None:
    """A number from 1, or ``all``, which is None."""
    if value == "all":
        return None
    if not value.isdecimal() or int(value) < 1:
        raise click.BadParameter(f"{value!r} is neither a number from 1 nor all")
    return int(value)


@click.command("decode", cls=ExampleCommand, examples=EXAMPLES)
@artifact_argument
@output_folder
@classes_option
@ipc_option
@click.option(
    "--views",
    callback=_view_count,
    default="1",
    show_default=True,
    metavar="V|all",
    help="How many views of each image to write: 1 is the image itself, all is what students "
    "are shown.",
)
@device_option
@click.option(
    "--batch-size",
    type=click.IntRange(1),
    default=64,
    show_default=True,
    metavar="B",
    help="Pictures rendered together.",
)
@prior_option
@workers_option
@ray_option
@click.option(
    "--dry-run",
    is_flag=True,
    help="Only say what would be written, and which prior is needed or fetched.",
)
def command(
    artifact: Path | str,
    out: Path,
    classes: str | None,
    ipc: int | None,
    views: int | None,
    device: str,
    batch_size: int,
    prior: str | None,
    workers: int,
    ray: str | None,
    dry_run: bool,
) -> None:
    """Write the images of IN.ddz as lossless PNGs, one folder per class, with their labels.

    DIR also gets labels.npz, a README that explains both, and SHA256SUMS. An interrupted
    decode goes on when the same command is run again.
    """
    from ddcodec.exchange.folder import export_folder, plan_export

    if dry_run:
        with open_artifact(artifact) as opened:
            plan = plan_export(opened, out, classes=class_names(classes), ipc=ipc, views=views)
            for line in _plan_lines(out, plan, opened.head.prior, prior):
                say(line)
        return
    with open_artifact(artifact) as opened, progress_display() as progress:
        plan = plan_export(opened, out, classes=class_names(classes), ipc=ipc, views=views)
        say(f"{_count(plan.images)} to write{_more_views(opened, views)}", err=True)
        result = export_folder(
            opened,
            out,
            classes=class_names(classes),
            ipc=ipc,
            views=views,
            device=device,
            batch_size=batch_size,
            prior=prior,
            workers=Workers(workers, ray),
            progress=progress,
        )
    kept = f" ({result.kept:,} were there already)" if result.kept else ""
    parts = [f"{_count(result.images)}{kept}", "labels.npz", "README.md"]
    say(f"{out}: {', '.join(parts + execution_text(result.execution))}")


def _count(images: int) -> str:
    return f"{images:,} picture{'' if images == 1 else 's'}"


def _more_views(artifact: Artifact, views: int | None) -> str:
    there = artifact.recipe.views
    if views is None or views >= there:
        return ""
    shown = "the image itself" if views == 1 else f"{views} views"
    return f": of each, {shown}; --views all writes all {there} views"


def _plan_lines(
    out: Path, plan: ExportPlan, pin: PriorPin | None, prior: str | None
) -> Iterator[str]:
    new = plan.images - plan.kept
    kept = f", {plan.kept:,} are there already" if plan.kept else ""
    yield f"{out}: {_count(new)}, about {size_text(plan.picture_bytes)}{kept}"
    yield f"labels.npz of at most {size_text(plan.label_bytes)}, and README.md"
    if pin is not None:
        from ddcodec.prior.need import need_of

        need = need_of(pin, prior)
        if need.problem is not None:
            yield f"prior {need.name}: {in_words(need.problem)}"
        elif need.to_fetch:
            yield f"prior {need.name}: {size_text(need.to_fetch)} would be fetched first"
        else:
            yield f"prior {need.name}: in {need.folder}"
    yield "nothing was written (--dry-run)"
