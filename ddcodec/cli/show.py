"""``ddz show``: an artifact as a page in the browser."""

from __future__ import annotations

from pathlib import Path

import click

from ddcodec.cli.common import (
    artifact_argument,
    class_names,
    classes_option,
    device_option,
    force_option,
    ipc_option,
    new_file,
    open_artifact,
    prior_option,
    progress_display,
    views_option,
)
from ddcodec.cli.help import ExampleCommand
from ddcodec.cli.screen import say
from ddcodec.units import bytes_text

__all__ = ["command"]

EXAMPLES = (
    ("in the browser, until Ctrl-C", "ddz show photos.ddz"),
    (
        "on a machine far away: forward that port, and open the URL here",
        "ddz show a.ddz --no-browser --port 8080",
    ),
    ("as a folder for a web server", "ddz show photos.ddz --site site"),
    ("as one file to send or keep", "ddz show photos.ddz --html photos.html --ipc 5"),
)


@click.command("show", cls=ExampleCommand, examples=EXAMPLES)
@artifact_argument
@click.option(
    "--html",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write one page that holds all it shows, in place of serving one. It holds at most 10 "
    "pictures per class and 4 views of each, if --ipc and --views do not say more.",
)
@click.option(
    "--site",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Write a folder for any web server, with IN.ddz in it, in place of serving one: there the "
    "page reads the file itself, and any other that is dropped on it.",
)
@classes_option
@ipc_option
@views_option
@force_option
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    metavar="N",
    help="Serve at this port of the machine; by default at one that is free.",
)
@click.option("--no-browser", is_flag=True, help="Only say the URL, and open no browser.")
@prior_option
@device_option
def command(
    artifact: Path | str,
    html: Path | None,
    site: Path | None,
    classes: str | None,
    ipc: int | None,
    views: int | None,
    force: bool,
    port: int,
    no_browser: bool,
    prior: str | None,
    device: str,
) -> None:
    """Show IN.ddz as a page: pictures, views, labels, and what each byte is for.

    The page is served to this machine alone, under a URL that nobody can guess, until Ctrl-C.
    Pictures are decoded, or drawn by the prior, when they come into sight.
    """
    from ddcodec.showing.embedded import write_page
    from ddcodec.showing.page_files import write_site
    from ddcodec.showing.show import serve
    from ddcodec.showing.source import PageSource

    if html is None and (classes, ipc, views) != (None, None, None):
        raise click.UsageError("--classes, --ipc and --views are of pages in a file: give --html")
    if force and html is None:
        raise click.UsageError("--force replaces a page in a file: give --html")
    if html is not None and site is not None:
        raise click.UsageError("--html and --site are two ways to write a page: give one of them")
    if site is not None:
        with open_artifact(artifact) as opened:
            write_site(site, opened)
        say(f"site: {site}; to look at it: python -m http.server -d {site}")
        return
    if html is not None:
        new_file(html, force)
    with open_artifact(artifact) as opened:
        with progress_display() as progress:
            source = PageSource(opened, prior=opened.fetch_prior(prior, progress), device=device)
            if html is not None:
                page = write_page(
                    source,
                    html,
                    classes=class_names(classes),
                    ipc=ipc,
                    views=views,
                    force=force,
                    progress=progress,
                )
        if html is None:
            serve(source, port=port, browser=not no_browser, say=say)
        else:
            rest = f". {page.left_out}" if page.left_out else ""
            say(f"page: {html}, {bytes_text(page.stored)}{rest}")
