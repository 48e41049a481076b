"""Parts that several commands share: options, opening artifacts, JSON, progress on stderr."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from ddcodec.arrays import Progress
from ddcodec.cli.screen import say
from ddcodec.container.remote import is_url, without_secrets
from ddcodec.errors import BadMagicError, FormatError, IntegrityError, RequestError
from ddcodec.files import check_replaceable, json_text
from ddcodec.progress import LineProgress, bars
from ddcodec.recipe.profiles import FLOAT
from ddcodec.sources.kinds import kind_of
from ddcodec.sources.paths import printable

if TYPE_CHECKING:
    from ddcodec.artifact import Artifact
    from ddcodec.rendering.renderer import Execution
    from ddcodec.sources.source import Source

__all__ = [
    "ArtifactPlace",
    "Progress",
    "SourcePlace",
    "about",
    "announce",
    "artifact_argument",
    "class_names",
    "classes_option",
    "device_option",
    "dump_json",
    "execution_text",
    "force_option",
    "ipc_option",
    "json_option",
    "new_file",
    "open_artifact",
    "output_file",
    "output_folder",
    "parse_size",
    "prior_option",
    "progress_display",
    "ray_option",
    "source_argument",
    "views_option",
    "workers_option",
]

_LISTED_CLASSES = 12
_WAYS = {
    "archive": ": unpack it, and give the .ddz that is in it, or encode the pictures with "
    "`ddz encode FOLDER`",
    "table": ": `ddz encode FOLDER` makes one of a folder of pictures",
    "weights": ": a teacher goes to `ddz encode FOLDER --teacher DIR`, as a folder",
    "picture": ": `ddz encode FOLDER` makes one of a folder of pictures",
}
"""What to do with a file of another kind in the place of an artifact."""


def _named_as_artifact(ctx: click.Context, param: click.Parameter, value: Path) -> Path:
    """Says that a name does not end as those of artifacts do; it may be meant."""
    if value.suffix != ".ddz":
        say(f"note: {value} does not end in .ddz, as artifacts do", err=True)
    return value


class ArtifactPlace(click.ParamType[Path | str]):
    """An artifact that is read: a file that is there, or a URL."""

    name = "IN.ddz"
    _path = click.Path(path_type=Path, exists=True, dir_okay=False)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Path | str:
        if is_url(value):
            return str(value)
        found: Path = self._path.convert(value, param, ctx)
        return found

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        return self._path.shell_complete(ctx, param, incomplete)


class SourcePlace(click.ParamType[str]):
    """Pictures that are read: a path or an address; what is there, or in it, is looked at later."""

    name = "SRC"
    _path = click.Path()

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return str(value)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        return self._path.shell_complete(ctx, param, incomplete)


source_argument = click.argument("src", type=SourcePlace())
artifact_argument = click.argument("artifact", metavar="IN.ddz", type=ArtifactPlace())
output_file = click.option(
    "-o",
    "--out",
    required=True,
    metavar="OUT.ddz",
    type=click.Path(path_type=Path, dir_okay=False),
    callback=_named_as_artifact,
    help="The artifact to write.",
)
output_folder = click.option(
    "-o",
    "--out",
    required=True,
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder to write.",
)
force_option = click.option("--force", is_flag=True, help="Replace the output file if it exists.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON to stdout.")
classes_option = click.option(
    "--classes",
    metavar="A,B",
    help="Take only these classes, by name or readable name; a comma in a name is \\,.",
)
ipc_option = click.option(
    "--ipc", type=click.IntRange(1), metavar="N", help="Take only the first N images of each class."
)
views_option = click.option(
    "--views",
    type=click.IntRange(1),
    metavar="V",
    help="Take only the first V views of each image.",
)
prior_option = click.option(
    "--prior",
    metavar="DIR|HUB_ID",
    help="Use the prior in this folder, or fetch it from the hub. By default the pinned one is "
    "used, if this machine has it: nothing is fetched because a file names it.",
)
workers_option = click.option(
    "--workers",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    metavar="N",
    help="Processes that work side by side, each with its share of the cores, or a GPU of its own.",
)
ray_option = click.option(
    "--ray",
    metavar="ADDRESS",
    help="Ray cluster that works in their place: auto, HOST:PORT, or local, which starts one here.",
)
device_option = click.option(
    "--device",
    default="auto",
    show_default=True,
    metavar="NAME",
    help="Torch device to compute on; auto is a GPU of CUDA where there is one, else the CPU.",
)


def parse_size(text: str | None) -> int | tuple[int, int] | None:
    """``64`` or ``64x48`` as a side or (width, height)."""
    if text is None:
        return None
    width, _, height = text.lower().partition("x")
    try:
        return (int(width), int(height)) if height else int(width)
    except ValueError as error:
        raise click.BadParameter(
            f"{text!r} is neither a number nor WIDTHxHEIGHT", param_hint="--size"
        ) from error


def class_names(text: str | None) -> list[str] | None:
    """``a,b`` as a list; a comma inside a name is written ``\\,``."""
    if text is None:
        return None
    names = [name.replace("\0", ",").strip() for name in text.replace("\\,", "\0").split(",")]
    return [name for name in names if name]


@contextmanager
def about(place: Path | str) -> Iterator[None]:
    """Errors about the bytes of this file, or of a URL, end with the command that checks it.

    A file of another kind is named: getting it again would not make it an artifact.
    """
    shown = without_secrets(place) if isinstance(place, str) else place
    try:
        yield
    except (FormatError, IntegrityError) as error:
        kind = None
        if isinstance(error, BadMagicError) and isinstance(place, Path):
            kind = kind_of(place)
        if kind is not None and kind.family != "artifact":
            way = _WAYS.get(kind.family, "; get the artifact again")
            raise BadMagicError(
                f"{printable(place)} is {kind.text}, not a .ddz artifact{way}"
            ) from error
        error.add_note(f"Next: get the file again, then `ddz verify {shown}`.")
        raise


@contextmanager
def open_artifact(place: Path | str) -> Iterator[Artifact]:
    """Open for the length of a command; errors name the file."""
    from ddcodec.artifact import open_artifact as open_file

    with about(place), open_file(place) as artifact:
        yield artifact


def new_file(path: Path, force: bool) -> None:
    """Refuse early, before hours of work, what writing would refuse at the end."""
    check_replaceable(path)
    if path.exists() and not force:
        raise RequestError(f"{path} exists; choose another -o, or overwrite it with --force")
    if not path.parent.is_dir():
        raise RequestError(
            f"the folder {path.parent} does not exist; make it, or choose another -o"
        )


def announce(source: Source, *, err: bool = True) -> None:
    """Say where the pictures are, with the classes and how many each has; many are folded."""
    classes = list(zip(source.classes, source.counts, strict=True))
    one = len(classes) == 1
    say(
        f"{source.place}: {len(classes):,} class{'' if one else 'es'}, {len(source):,} pictures",
        err=err,
    )
    shown = classes if len(classes) <= _LISTED_CLASSES else classes[: _LISTED_CLASSES - 2]
    texts = [f"{printable(name)} {count:,}" for name, count in shown]
    if rest := classes[len(shown) :]:
        counts = [count for _, count in rest]
        span = f"{min(counts):,}" if len({*counts}) == 1 else f"{min(counts):,} to {max(counts):,}"
        texts.append(f"and {len(rest):,} more with {span} each")
    for line in textwrap.wrap(", ".join(texts), 78, break_on_hyphens=False):
        say(f"  {line}", err=err)


def dump_json(schema: str, values: Mapping[str, Any]) -> None:
    """Print one JSON document on stdout, its schema first; bytes become hex."""
    click.echo(json_text({"schema": schema, **values}, indent=2, default=_plain))


def execution_text(execution: Execution | None) -> list[str]:
    """How pictures were generated, as parts of a sentence; none where the prior did not run."""
    if execution is None:
        return []
    if execution.profile == FLOAT:
        return [f"profile {execution.profile}"]
    return [f"profile {execution.profile} on back end {execution.backend}"]


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


@contextmanager
def progress_display() -> Iterator[Progress]:
    """A ``progress(what, done, total)`` callback: bars on a terminal, else a line a stage."""
    from ddcodec.cli.options import in_words

    if sys.stderr.isatty():
        with bars(in_words) as callback:
            yield callback
    else:
        yield LineProgress(in_words)
