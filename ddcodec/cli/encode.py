"""``ddz encode``: from an image folder to an artifact."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

import click

from ddcodec.cli.common import (
    dump_json,
    force_option,
    json_option,
    new_file,
    output_file,
    progress_display,
    warn,
)
from ddcodec.errors import EncodeError
from ddcodec.exact import profiles

if TYPE_CHECKING:
    from ddcodec.encoding import EncodeResult
    from ddcodec.label_sections import LayerName

__all__ = ["command", "parse_size"]


@click.command("encode")
@click.argument("src", type=click.Path(path_type=Path))
@output_file
@click.option("--method", required=True, metavar="NAME", help="d3m, rded or random.")
@click.option("--ipc", default=10, show_default=True, metavar="N", help="Images per class.")
@click.option(
    "--views", default=30, show_default=True, metavar="V", help="Labelled variations of an image."
)
@click.option("--seed", default=0, show_default=True, help="Everything random follows from it.")
@click.option(
    "--prior",
    default="tiny",
    show_default=True,
    metavar="tiny|DIR|HUB_ID[@REV]",
    help="Diffusion prior of generating methods.",
)
@click.option(
    "--teacher",
    default="auto",
    show_default=True,
    metavar="auto|DIR|HUB_ID",
    help="auto trains one on SRC and keeps it for the next encode of the same images.",
)
@click.option(
    "--profile",
    type=click.Choice(profiles.NAMES),
    default=profiles.DEFAULT,
    show_default=True,
    help="How the prior is executed: bits of weights (w) and activations (a), with the same pixels "
    "on every machine; or float, without that promise.",
)
@click.option(
    "--work",
    metavar="DIR",
    help="Finished parts go here, and stay: labels are coded again, at another quality, without "
    "asking the teacher. OUT.ddz.work by default, removed at the end.",
)
@click.option("--size", metavar="N|WxH", help="Image size in pixels; that of SRC by default.")
@click.option(
    "--labels",
    type=click.Choice(["soft", "hard", "teacher"]),
    default="soft",
    show_default=True,
    help="teacher stores the teacher itself, which computes soft labels on decoding: smaller "
    "where there are very many.",
)
@click.option(
    "--teacher-bits",
    type=click.IntRange(3, 8),
    default=5,
    show_default=True,
    help="Of a weight, with --labels teacher.",
)
@click.option(
    "--label-layers",
    type=click.Choice(["class", "image", "field", "innovation", "lossless"]),
    default="innovation",
    show_default=True,
    help="How much of soft labels is kept, each with what stands before it: the mean of the class, "
    "of the image, its change with crop and flip, what is left of each view; or every logit, to "
    "1/64 nat.",
)
@click.option(
    "--label-quality",
    type=float,
    metavar="KL",
    help="Mean divergence from the teacher, in nats at the temperature, that coding may cost; "
    "by default 1 % of that between labels and their mean.",
)
@click.option(
    "--label-bytes",
    type=click.IntRange(1),
    metavar="N",
    help="Bytes that all soft labels may take, in place of a quality.",
)
@click.option(
    "--label-temperature",
    default="4",
    show_default=True,
    metavar="T",
    help="At which students are to train, such as 4 or 5/2.",
)
@click.option(
    "--quality", type=click.IntRange(1, 100), default=50, show_default=True, help="Of patches."
)
@click.option(
    "--view",
    default="auto",
    show_default=True,
    metavar="PARTS",
    help="What a view varies: crop or resized-crop, flip, cutmix, joined by +; or none.",
)
@click.option(
    "--option", "options", multiple=True, metavar="KEY=N", help="An option of the method; repeat."
)
@click.option("--device", default="cpu", show_default=True, help="Torch device.")
@click.option("--dry-run", is_flag=True, help="Print the plan and the expected bytes by section.")
@force_option
@json_option
def command(
    src: Path,
    out: Path,
    method: str,
    ipc: int,
    views: int,
    seed: int,
    prior: str,
    teacher: str,
    profile: str,
    work: str | None,
    size: str | None,
    labels: str,
    teacher_bits: int,
    label_layers: str,
    label_quality: float | None,
    label_bytes: int | None,
    label_temperature: str,
    quality: int,
    view: str,
    options: tuple[str, ...],
    device: str,
    dry_run: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Distil the image folder SRC, one subfolder per class, into OUT.ddz.

    A folder SRC/train is found. An interrupted encode goes on when the same command is run
    again, and gives the same content digest.
    """
    if not dry_run:
        new_file(out, force)
    given = _options(options)
    pixels = parse_size(size)
    from ddcodec.encoding import encode

    with progress_display() as progress:
        result = encode(
            src,
            out,
            method=method,
            ipc=ipc,
            views=views,
            seed=seed,
            prior=prior,
            teacher=teacher,
            profile=profile,
            labels=cast(Literal["soft", "hard", "teacher"], labels),
            teacher_bits=teacher_bits,
            label_layers=cast("LayerName", label_layers),
            label_quality=label_quality,
            label_bytes=label_bytes,
            label_temperature=label_temperature,
            quality=quality,
            view=view,
            size=pixels,
            work=work,
            dry_run=dry_run,
            force=force,
            options=given,
            device=device,
            progress=progress,
        )
    warn(result.warnings)
    if as_json:
        dump_json("ddcodec.encode/1", _values(result, dry_run))
        return
    for line in _lines(result, dry_run):
        click.echo(line)


def parse_size(text: str | None) -> tuple[int, int] | None:
    """``64`` or ``64x48`` as (width, height)."""
    if text is None:
        return None
    width, _, height = text.lower().partition("x")
    try:
        size = int(width), int(height or width)
    except ValueError as error:
        raise click.BadParameter(
            f"{text!r} is neither a number nor WIDTHxHEIGHT", param_hint="--size"
        ) from error
    if min(size) < 1:
        raise click.BadParameter(f"{text!r} must be at least 1", param_hint="--size")
    return size


def _options(pairs: tuple[str, ...]) -> dict[str, str]:
    options: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise click.BadParameter(f"{pair!r} is not KEY=VALUE", param_hint="--option")
        if key in options:
            raise EncodeError(f"--option {key} is given twice; keep one")
        options[key] = value
    return options


def _values(result: EncodeResult, dry_run: bool) -> dict[str, object]:
    return {
        "dry_run": dry_run,
        "path": result.path,
        "bytes": result.file_len,
        "digest": result.digest,
        "plan": dict(result.plan),
        "expected": dict(result.expected),
        "label_divergence": result.divergence,
        "warnings": list(result.warnings),
    }


def _lines(result: EncodeResult, dry_run: bool) -> Iterator[str]:
    if not dry_run:
        yield f"{result.path}: {result.file_len:,} bytes"
        yield f"content digest {result.digest}"
        if result.divergence is not None:
            at = result.plan["temperature"]
            yield f"labels {result.divergence:.2g} nats from the teacher's, at temperature {at}"
        yield f"next: ddz inspect {result.path}"
        return
    yield "plan"
    for key, value in result.plan.items():
        yield f"  {key:<12} {_text(value)}"
    yield "expected bytes"
    for kind, size in result.expected.items():
        yield f"  {kind:<12} {size:>12,}"
    yield f"  {'in all':<12} {sum(result.expected.values()):>12,}"
    yield "nothing was written (--dry-run)"


def _text(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}={item}" for key, item in value.items()) or "-"
    if isinstance(value, (list, tuple)):
        return "x".join(str(item) for item in value)
    return str(value)
