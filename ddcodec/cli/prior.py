"""``ddz prior``: what a prior is, how large, and under which licence; fetched if it is not here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ddcodec.cli.common import dump_json, json_option, progress_display
from ddcodec.cli.help import ExampleCommand
from ddcodec.cli.screen import say
from ddcodec.errors import RequestError

if TYPE_CHECKING:
    from ddcodec.prior.survey import Survey

__all__ = ["command"]

EXAMPLES = (
    ("the one in the package", "ddz prior tiny"),
    ("a folder for diffusers, and for --prior", "ddz prior tiny -o tiny-prior"),
    ("what would be fetched", "ddz prior OWNER/NAME --dry-run"),
    ("fetch it, for later use without a network", "ddz prior OWNER/NAME@REVISION"),
)


@click.command("prior", cls=ExampleCommand, examples=EXAMPLES)
@click.argument("name")
@click.option(
    "-o",
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write the packaged prior as a folder that diffusers loads; its README.md is the model "
    "card.",
)
@click.option("--dry-run", is_flag=True, help="Only say what it is and what would be fetched.")
@json_option
def command(name: str, out: Path | None, dry_run: bool, as_json: bool) -> None:
    """Show the prior NAME and fetch it from the hub if it is not on this machine.

    NAME is tiny, a folder in diffusers' layout, or a hub id, which may name a revision after an
    @. Before anything large is fetched, its size is said; finished files are kept when a fetch is
    stopped.

    StableDiffusionPipeline.from_pretrained(DIR, low_cpu_mem_usage=False) loads the folder that
    --out writes, and --prior DIR is the same prior as --prior tiny.
    """
    from ddcodec.prior.resolve import TINY, resolve_prior
    from ddcodec.prior.survey import survey

    if out is not None:
        if name != TINY:
            raise RequestError(
                "only the packaged prior is written as a folder: give tiny, or leave out -o; "
                "the folder of another prior is shown"
            )
        _check_folder(out)
    found = survey(name)
    missing = found.missing
    if missing and not dry_run:
        with progress_display() as progress:
            resolve_prior(found.name, progress=progress)
        found = survey(found.name)
    if out is not None and not dry_run:
        _write(out)
    if as_json:
        fetched = 0 if dry_run else missing
        values = {"dry_run": dry_run, "fetched": fetched, **found.to_map()}
        dump_json("ddcodec.prior/1", {**values, "digests": found.digests()})
        return
    for line in _lines(found):
        say(line)
    if dry_run:
        say("nothing was fetched (--dry-run)")
    elif out is not None:
        say(f"{out}: a diffusers pipeline; its model card is README.md")


def _lines(found: Survey) -> Iterator[str]:
    from ddcodec.hub import size_text

    yield click.style(found.name, bold=True)
    yield f"  family   {found.family}"
    if found.size is not None:
        yield f"  size     {found.size}x{found.size} pixels"
    yield f"  steps    {found.steps}"
    yield f"  licence  {found.licence or 'not stated'}"
    yield f"  files    {len(found.files)}, {found.bytes:,} bytes"
    if found.missing:
        yield f"  fetch    {size_text(found.missing)}, into {found.folder}"
        return
    yield f"  folder   {found.folder}"
    for path, digest in found.digests().items():
        yield f"  {digest[:16]}  {path}"


def _check_folder(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()):
        raise RequestError(f"{folder} is not empty; choose another folder")
    if not folder.absolute().parent.is_dir():
        raise RequestError(f"the folder {folder.parent} does not exist; make it, or choose another")


def _write(folder: Path) -> None:
    from ddcodec.prior.packaged import PACKED, unpack

    try:
        unpack(PACKED, folder)
    except OSError:
        _check_folder(folder)  # another process may have been faster
        raise
