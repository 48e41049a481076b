"""``ddz encode``: from pictures to an artifact."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from ddcodec.cli.common import (
    announce,
    dump_json,
    json_option,
    output_file,
    parse_size,
    progress_display,
    source_argument,
)
from ddcodec.cli.completion import complete_method_option
from ddcodec.cli.help import ExampleCommand
from ddcodec.cli.options import method_lines, options_from
from ddcodec.cli.recipe_text import terminal_width
from ddcodec.cli.screen import say, warn
from ddcodec.encoding.options import EncodeOptions
from ddcodec.errors import RequestError
from ddcodec.hub import size_text
from ddcodec.methods import get_method, method_names
from ddcodec.methods.options import describe_value, options_of
from ddcodec.sources.load_report import SHOWN_PICTURES
from ddcodec.units import duration_text

if TYPE_CHECKING:
    from ddcodec.encoding.result import EncodeResult

__all__ = ["command"]

_SHOWN_CLASSES = 12
_HOW_NEAR = (
    "bytes are mostly within 5 % of this, at worst within about 20 %; time is within a factor of "
    "two, as long as this machine is as busy as now"
)
# Stages that take no longer are told by their sum alone.
_SHOWN_SECONDS = 1

EXAMPLES = (
    ("patches and soft labels", "ddz encode photos --method rded -o p.ddz"),
    ("only what would be done", "ddz encode photos --method rded --dry-run -o p.ddz"),
    ("no teacher", "ddz encode photos --method random --size 64 --labels hard -o h.ddz"),
    ("named bytes, and the rest chosen", "ddz encode photos --budget 300KB -o b.ddz"),
    ("generated pictures", "ddz encode cifar10 --method d3m --option steps=200 -o g.ddz"),
)


class EncodeCommand(ExampleCommand):
    """Shows the options of the method that stands on the command line, too."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta["method"] = _method_in(args)
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_options(ctx, formatter)
        name = ctx.meta.get("method")
        if name in method_names():
            with formatter.section(f"Options of method {name} (--option KEY=VALUE)"):
                lines = list(method_lines(options_of(get_method(name))))
                formatter.write_dl(lines or [("none", "It has none.")])
        else:
            with formatter.section("Options of a method"):
                formatter.write_text("Add --method NAME to this, or see `ddz methods NAME`.")


def _method_in(args: list[str]) -> str | None:
    for i, word in enumerate(args):
        if word == "--method" and i + 1 < len(args):
            return args[i + 1]
        if word.startswith("--method="):
            return word.partition("=")[2]
    return None


@click.command("encode", cls=EncodeCommand, examples=EXAMPLES)
@source_argument
@output_file
@options_from(EncodeOptions)
@click.option(
    "--option",
    "options",
    multiple=True,
    metavar="KEY=VALUE",
    shell_complete=complete_method_option,
    help="An option of the method's own; give it again for another one.",
)
@json_option
def command(src: str, out: Path, options: tuple[str, ...], as_json: bool, **given: Any) -> None:
    """Distil the pictures of SRC into OUT.ddz.

    SRC is a folder with a subfolder per class; a zip or tar archive of one; shards of WebDataset;
    CIFAR as it is distributed; an NPZ file; Parquet; or hf://datasets/OWNER/NAME, of the Hugging
    Face hub. A training split in it is found, such as SRC/train; SRC::PART names another part. The
    classes, and how many pictures each has, are said before work begins. An interrupted encode goes
    on when the same command is run again, and gives the same content digest.
    """
    given["size"] = parse_size(given["size"])
    chosen = {name: value for name, value in given.items() if value is not None}
    from ddcodec.encoding.encode import Encoder
    from ddcodec.sources.opening import open_source
    from ddcodec.sources.source import source_findings

    dry_run = given["dry_run"]
    checked = EncodeOptions(options=_pairs(options), **chosen)
    _check_used(checked)
    source = open_source(src)
    announce(source, err=as_json or not dry_run)
    # Said before hours of work: most are mistakes that would make it worthless.
    findings = source_findings(source)
    warn(findings)
    with progress_display() as progress:
        result = Encoder(source, out, replace(checked, progress=progress)).run()
    warn([line for line in result.warnings if line not in findings])
    if len(result.skipped) > SHOWN_PICTURES and not as_json:
        say("every picture that was skipped, and why: run with --json", err=True)
    if as_json:
        dump_json("ddcodec.encode/1", _values(result, dry_run))
        return
    for line in _lines(result, dry_run):
        say(line)


def _check_used(options: EncodeOptions) -> None:
    """Refuse what was typed and has no part in this encode: who types it expects an effect."""
    method, soft = options.filled_by, options.labels == "soft"
    patches = method.stores_pictures or not method.generates
    parts = {
        "patch_codec": (patches, "no patches are stored"),
        "quality": (patches, "no patches are stored"),
        "patch_size": (patches, "no patches are stored"),
        "mosaics": (patches, "no patches are stored"),
        "teacher": (options.asks_teacher, "nothing asks a teacher"),
        "teacher_bits": (options.labels == "teacher", "no teacher is stored"),
        "label_temperature": (options.labels != "hard", "labels are hard"),
        "label_layers": (soft, "no soft labels are stored"),
        "label_quality": (soft, "no soft labels are stored"),
        "label_bytes": (soft, "no soft labels are stored"),
        "prior": (method.uses_prior, "nothing asks a prior"),
        "profile": (method.generates, "nothing is generated"),
    }
    context = click.get_current_context()
    for name, (used, why) in parts.items():
        if not used and context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(
                f"--{name.replace('_', '-')} has no part in method {options.method} with --labels "
                f"{options.labels}: {why}. Leave it out."
            )


def _pairs(pairs: tuple[str, ...]) -> dict[str, str]:
    options: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise click.BadParameter(f"{pair!r} is not KEY=VALUE", param_hint="--option")
        if key in options:
            raise RequestError(f"--option {key} is given twice; keep one")
        options[key] = value
    return options


def _values(result: EncodeResult, dry_run: bool) -> dict[str, object]:
    return {
        "dry_run": dry_run,
        "path": result.path,
        "stored": result.file_len,
        "digest": result.digest,
        "options": dict(result.options_used),
        "expected": dict(result.expected),
        "to_fetch": dict(result.to_fetch),
        "expected_seconds": dict(result.expected_seconds),
        "training_seconds": result.training_seconds,
        "label_divergence": result.divergence,
        "teacher": result.teacher and result.teacher._asdict(),
        "source": result.source,
        "classes": dict(result.classes),
        "skipped": dict(result.skipped),
        "warnings": list(result.warnings),
    }


def _lines(result: EncodeResult, dry_run: bool) -> Iterator[str]:
    used = result.options_used
    if not dry_run:
        yield f"{result.path}: {result.file_len:,} bytes"
        yield f"content digest {result.digest}"
        if "time_limit" in used:
            yield f"{used['ipc']} images per class, generated within {used['time_limit']}"
        if result.teacher is not None:
            yield f"the teacher is {result.teacher.describe()}"
        if result.divergence is not None:
            at = describe_value(used["label_temperature"])
            yield f"labels {result.divergence:.2g} nats from the teacher's, at temperature {at}"
        yield f"next: ddz inspect {result.path}"
        return
    width = max(map(len, used))
    yield "options"
    for key, value in used.items():
        lines = textwrap.wrap(_text(key, value), terminal_width() - width - 3) or [""]
        for number, line in enumerate(lines):
            yield f"  {'' if number else key:<{width}} {line}"
    yield "expected bytes"
    for kind, size in result.expected.items():
        yield f"  {kind:<{width}} {size:>12,}"
    yield f"  {'in all':<{width}} {sum(result.expected.values()):>12,}"
    for name, size in result.to_fetch.items():
        yield f"  and what {name} decides, of which {size_text(size)} would be fetched first"
    yield from _times(result)
    yield from textwrap.wrap(_HOW_NEAR, terminal_width())
    yield "nothing was written (--dry-run)"


def _times(result: EncodeResult) -> Iterator[str]:
    seconds = result.expected_seconds
    if not seconds:
        return
    width = max(map(len, result.options_used))
    yield "expected time on this machine"
    for stage, amount in seconds.items():
        if amount >= _SHOWN_SECONDS:
            yield f"  {stage:<{width}} {duration_text(amount):>12}"
    yield f"  {'in all':<{width}} {duration_text(sum(seconds.values())):>12}"
    if result.training_seconds is not None:
        yield "a teacher would be trained first: it is kept, and may need less time than that"


def _text(key: str, value: object) -> str:
    if isinstance(value, dict):
        parts = [f"{name}={item}" for name, item in value.items()]
        most = _SHOWN_CLASSES if key == "class_names" else len(parts)
        more = f" and {len(parts) - most} more" if len(parts) > most else ""
        return (", ".join(parts[:most]) or "-") + more
    if key == "size" and isinstance(value, tuple):
        return "x".join(map(str, value))
    return describe_value(value)
