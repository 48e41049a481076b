"""``ddz import``: from another project's distilled set to an artifact."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ddcodec.cli.common import (
    dump_json,
    json_option,
    output_file,
    parse_size,
    progress_display,
)
from ddcodec.cli.completion import complete_format
from ddcodec.cli.help import ExampleCommand
from ddcodec.cli.options import options_from
from ddcodec.cli.recipe_text import terminal_width
from ddcodec.cli.screen import say, warn
from ddcodec.exchange.importing.formats import FORMATS
from ddcodec.exchange.importing.options import ImportOptions
from ddcodec.exchange.importing.orders import known_orders
from ddcodec.methods.options import AUTO, options_of

if TYPE_CHECKING:
    from ddcodec.exchange.importing.result import ImportResult

__all__ = ["command"]

_SHOWN_CLASSES = 5

EXAMPLES = (
    ("tensors of MTT", "ddz import logged_files/run --classes cifar10 -o mtt.ddz"),
    ("with DATM's own soft labels", "ddz import datm --classes cifar100 -o datm.ddz"),
    ("labelled by a teacher", "ddz import rded --classes imagenette --teacher T -o r.ddz"),
    ("only what would be done", "ddz import data.pt --classes cifar10 --dry-run -o d.ddz"),
)


class ImportCommand(ExampleCommand):
    """Lists formats and orders of classes below its options."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_options(ctx, formatter)
        with formatter.section("Formats (--from NAME)"):
            formatter.write_dl([(name, one.summary) for name, one in FORMATS.items()])
        with formatter.section("Orders of classes (--classes NAME)"):
            orders = [(name, f"{one.summary}.") for name, one in known_orders().items()]
            formatter.write_dl([*orders, ("numbers", "No names: classes are called 0, 1, 2, ...")])


@click.command("import", cls=ImportCommand, examples=EXAMPLES)
@click.argument("src", type=click.Path(path_type=Path))
@output_file
@click.option(
    "--from",
    "format",
    default=AUTO,
    metavar="NAME",
    shell_complete=complete_format,
    help="Format of SRC, where what is there does not tell.",
)
@options_from(ImportOptions, {one.name for one in options_of(ImportOptions)} - {"format"})
@json_option
def command(src: Path, out: Path, as_json: bool, **given: Any) -> None:
    """Make an artifact of SRC, a distilled set in another project's format.

    SRC is a file or a folder. Pictures are stored without loss of 8 bits, unless you choose another
    --patch-codec; soft labels that SRC has are kept. Nothing is assumed: where SRC does not say in
    which order its classes are, or by what its pictures are normalised, you are asked.
    """
    from ddcodec.exchange.importing.run import Importer

    given["size"] = parse_size(given["size"])
    chosen = {name: value for name, value in given.items() if value is not None}
    with progress_display() as progress:
        options = ImportOptions(**chosen, progress=progress)
        result = Importer(src, out, options).run()
    warn(result.warnings)
    if as_json:
        dump_json("ddcodec.import/1", _values(result))
        return
    for line in _lines(result):
        say(line)


def _values(result: ImportResult) -> dict[str, object]:
    seen = result.agreement
    return {
        "dry_run": result.path is None,
        "path": result.path,
        "stored": result.file_len,
        "digest": result.digest,
        "format": result.format,
        "files": list(result.files),
        "source_bytes": result.source_len,
        "classes": list(result.classes),
        "order": result.order,
        "ipc": result.ipc,
        "size": list(result.size),
        "normalisation": result.normalisation or None,
        "clipped": result.clipped,
        "values": result.values,
        "psnr": None if result.psnr_text == "without loss" else result.psnr,
        "labels": result.labels,
        "label_divergence": result.divergence,
        "agreement": seen and {"share": seen.share, "best": seen.best, "pictures": seen.pictures},
        "recipe": dict(result.recipe),
        "expected": dict(result.expected),
        "warnings": list(result.warnings),
    }


def _lines(result: ImportResult) -> Iterator[str]:
    pairs = list(_facts(result))
    width = max(len(name) for name, _ in pairs)
    for name, text in pairs:
        lines = textwrap.wrap(text, terminal_width() - width - 3) or [""]
        for number, line in enumerate(lines):
            yield f"  {'' if number else name:<{width}} {line}"
    if result.path is None:
        yield "nothing was written (--dry-run)"
        return
    yield f"{result.path}: {result.file_len:,} bytes, of {result.source_len:,}"
    yield f"content digest {result.digest}"
    yield f"next: ddz inspect {result.path}"


def _facts(result: ImportResult) -> Iterator[tuple[str, str]]:
    """What was recognised, and what became of it."""
    width, height = result.size
    yield "format", f"{result.format}, for {result.why}"
    yield "files", ", ".join(result.files)
    more = len(result.classes) - _SHOWN_CLASSES
    some = ", ".join(result.classes[:_SHOWN_CLASSES]) + (f" and {more} more" if more > 0 else "")
    yield "classes", f"{len(result.classes):,} ({result.order}): {some}"
    yield "images", f"{result.ipc:,} per class, {width}x{height} pixels"
    if result.normalisation:
        cut = f", {result.clipped:,} of {result.values:,} values cut" if result.clipped else ""
        by = "nothing" if result.normalisation == "none" else result.normalisation
        yield "normalised by", f"{by}{cut}"
    if result.recipe:
        yield "recipe", ", ".join(f"{k.replace('_', ' ')} {v}" for k, v in result.recipe.items())
    if result.psnr is not None:
        without = math.isinf(result.psnr)
        near = "as in the source" if without else f"{result.psnr_text} from the source's, clipped"
        yield "pictures", f"{near}; stored as {result.options_used['patch_codec']}"
    at = f", {result.divergence:.2g} nats from these" if result.divergence is not None else ""
    yield "labels", f"{_LABELS[result.labels]}{at}"
    if result.agreement is not None:
        yield "teacher", result.agreement.describe(result.classes)
    for kind, size in result.expected.items():
        yield f"expected {kind}", f"{size:,} bytes"


_LABELS = {
    "hard": "hard",
    "source": "soft, the source's own",
    "soft": "soft, of the teacher",
    "teacher": "the teacher itself",
}
