"""``ddz bench``: our codecs beside others, on pictures and labels of one's own."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from ddcodec.cli.common import (
    announce,
    dump_json,
    json_option,
    parse_size,
    progress_display,
    source_argument,
)
from ddcodec.cli.help import ExampleCommand
from ddcodec.cli.options import options_from
from ddcodec.cli.screen import say, warn
from ddcodec.encoding.options import EncodeOptions
from ddcodec.methods.options import describe_value

if TYPE_CHECKING:
    from ddcodec.benchmark.bench import Bench
    from ddcodec.benchmark.figures import LabelFigures, PictureFigures

__all__ = ["command"]

EXAMPLES = (
    ("pictures, and labels of a teacher of your own", "ddz bench photos --teacher teacher"),
    ("pictures alone, within a minute or two", "ddz bench photos --size 64 --teacher none"),
)

_OPTIONS = ("views", "view", "size", "seed", "label_temperature", "device")
_NAME = 28
_PICTURES = (
    "Bytes per picture are of whole files, not of the blocks of a disk; a ddz has header, class "
    "names, hard labels and checksums in it. Between the qualities tried they are interpolated; "
    "- is beyond these. dB: peak signal-to-noise ratio over all pictures, RGB. Pictures per "
    "second of one core, where they are lossy at about 30 dB, from memory to files and back."
)
_LABELS = (
    "Bytes per label: of the others, the file as it is; of a ddz, what it has more than the same "
    "with hard labels, so that pictures and header are not counted. KL: mean divergence of the "
    "teacher's labels from those read, in nats at the temperature; moved: the share of "
    "probability that is on other classes than before. Labels per second of one core; ours "
    "search for the best coding when they are written. In a larger artifact more labels share "
    "the bytes of means and basis."
)


@click.command("bench", cls=ExampleCommand, examples=EXAMPLES)
@source_argument
@click.option(
    "--ipc",
    type=click.IntRange(1),
    metavar="N",
    help="Pictures of each class that are looked at; by default 10, fewer of large pictures or of "
    "many classes.",
)
@click.option(
    "--teacher",
    default="auto",
    show_default=True,
    metavar="auto|none|DIR|HUB_ID|timm:NAME",
    help="Who gives soft labels, as of an encode, where auto trains one on SRC and keeps it; none "
    "leaves labels out.",
)
@options_from(EncodeOptions, _OPTIONS)
@json_option
def command(src: str, ipc: int | None, teacher: str, as_json: bool, **given: Any) -> None:
    """Compare ways to store some pictures of SRC, and the soft labels of their views.

    SRC is as of an encode. PNG, JPEG, WebP and AVIF
    files stand beside the mosaics of a .ddz; labels in 16-bit numbers, with zstd or as top-k lists,
    beside its soft labels. Nothing is kept but a teacher that had to be trained.
    """
    given["size"] = parse_size(given["size"])
    chosen = {name: value for name, value in given.items() if value is not None}
    if teacher == "none":
        chosen["labels"] = "hard"
    else:
        chosen |= {"labels": "soft", "teacher": teacher}
    options = EncodeOptions(method="random", ipc=ipc, **chosen)
    from ddcodec.benchmark.bench import Bench
    from ddcodec.sources.opening import open_source

    source = open_source(src)
    announce(source, err=True)
    with progress_display() as progress:
        bench = Bench(source, replace(options, progress=progress), ipc)
        pictures = bench.pictures()
        if not as_json:  # what is known is shown before a teacher is trained
            _show(_picture_lines(bench, pictures))
        labels = bench.labels()
    result = bench.result(pictures, labels)
    warn(result.warnings)
    if as_json:
        dump_json("ddcodec.bench/1", result.to_map())
    elif labels:
        say()
        _show(_label_lines(bench, labels, str(result.teacher)))


def _show(lines: Iterator[str]) -> None:
    for line in lines:
        say(line)


def _picture_lines(bench: Bench, pictures: Sequence[PictureFigures]) -> Iterator[str]:
    from ddcodec.benchmark.figures import LEVELS

    width, height = bench.inputs.size
    yield (
        f"{len(bench.sample.pictures):,} pictures of {width}x{height} pixels, "
        f"{bench.sample.ipc} per class; 1 bit per pixel is {width * height / 8:,.0f} bytes"
    )
    heads = [*(f"{level} dB" for level in LEVELS), "exact"]
    yield _line("bytes per picture", heads, 8, ["written/s", "read/s"], 10)
    for one in pictures:
        point = one.near(LEVELS[1])
        sizes = [one.bytes_at(level) for level in LEVELS] + [point.bytes if one.exact else None]
        speeds = [_speed(point.written), _speed(point.read)]
        yield _line(one.name, [*map(_bytes, sizes)], 8, speeds, 10)
    yield from textwrap.wrap(_PICTURES, 79)


def _label_lines(bench: Bench, labels: Sequence[LabelFigures], teacher: str) -> Iterator[str]:
    options = bench.options
    count = len(bench.sample.pictures) * options.views
    view, temperature = bench.inputs.view.describe(), describe_value(options.temperature)
    of = f"{count:,} soft labels of {teacher}: {options.views} views ({view})"
    yield from textwrap.wrap(f"{of} at temperature {temperature}", 79)
    yield _line("bytes per label", ["bytes", "KL", "moved"], 10, ["written/s", "read/s"], 11)
    for one in labels:
        kl = "infinite" if one.divergence is None else f"{one.divergence:.5f}"
        values = [f"{one.bytes:,.2f}", kl, f"{one.displaced:.2%}"]
        yield _line(one.name, values, 10, [_speed(one.written), _speed(one.read)], 11)
    yield from textwrap.wrap(_LABELS, 79)


def _line(
    name: str, values: Sequence[str], width: int, speeds: Sequence[str], speed_width: int
) -> str:
    """A name and right-aligned columns, within 80 in all."""
    columns = [f"{value:>{width}}" for value in values]
    columns += [f"{speed:>{speed_width}}" for speed in speeds]
    return f"{name:<{_NAME}}" + "".join(columns)


def _bytes(size: float | None) -> str:
    return "-" if size is None else f"{size:,.1f}" if size < 1000 else f"{size:,.0f}"


def _speed(each_second: float) -> str:
    """With two or three digits: what was measured is no more exact."""
    if each_second >= 1e6:
        return f"{each_second / 1e6:,.1f} M"
    return f"{each_second:,.1f}" if each_second < 10 else f"{each_second:,.0f}"
