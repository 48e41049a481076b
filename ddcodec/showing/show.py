"""A look at an artifact in one call."""

from __future__ import annotations

import os
import webbrowser
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event

from ddcodec.artifact import Artifact, as_artifact
from ddcodec.container import FileSource
from ddcodec.progress import ProgressOption, displayed
from ddcodec.showing.embedded import ShownPage, write_page
from ddcodec.showing.source import PageSource
from ddcodec.sources.paths import printable

__all__ = ["serve", "show"]


def show(
    artifact: Artifact | FileSource,
    html: str | os.PathLike[str] | None = None,
    *,
    classes: Sequence[str] | None = None,
    ipc: int | None = None,
    views: int | None = None,
    force: bool = False,
    prior: str | None = None,
    device: str = "auto",
    port: int = 0,
    browser: bool = True,
    progress: ProgressOption = None,
) -> ShownPage | None:
    """Show an artifact as a page: in the browser until interrupted, or as a file.

    Args:
        artifact: open, or its file.
        html: the file to write, one page that holds all it shows; by default, nothing is written,
            and the page is served to this machine alone.
        classes, ipc, views: of a file, the classes, the first pictures of each and the first
            views of these that it holds; by default all classes, and at most 10 and 4.
        force: replace an existing file.
        prior: where to find the prior, which may be fetched; by default the pinned one, where
            this machine has it.
        device: torch device of generated pictures.
        port: to serve the page at; by default one that is free.
        browser: open the page in the browser.
        progress: a function of (what, done, total), or whether to show bars; by default they are
            shown on a terminal and in a notebook.

    Returns:
        The file with its bytes, and what it leaves out; None after serving.

    Raises:
        RequestError: an unknown class or none, more pictures or views than there are or than fit
            a page, or a port that is taken.
        EncodeError: the file exists, or cannot be written.
        FormatError, IntegrityError, DecodeError: an artifact that cannot be read or rendered.

    >>> page = ddcodec.show("shapes.ddz", "shapes.html", ipc=2)
    >>> page.path.name, page.left_out
    ('shapes.html', 'This page holds 2 of 4 pictures per class.')
    """
    with as_artifact(artifact) as opened:
        with displayed(progress) as tell:
            source = PageSource(opened, prior=opened.fetch_prior(prior, tell), device=device)
            if html is not None:
                return write_page(
                    source,
                    Path(html),
                    classes=classes,
                    ipc=ipc,
                    views=views,
                    force=force,
                    progress=tell,
                )
        serve(source, port=port, browser=browser)
        return None


def serve(
    source: PageSource, *, port: int = 0, browser: bool = True, say: Callable[[str], None] = print
) -> None:
    """Serve the page of an artifact to this machine until Ctrl-C.

    Args:
        source: of the artifact.
        port: to listen on; 0 for one that is free.
        browser: open the page there.
        say: called with a line that has the URL.

    Raises:
        RequestError: the port cannot be listened on.
    """
    from ddcodec.showing.server import PageServer

    server = PageServer(source, port)
    say(f"{printable(source.artifact.file_name)}: {server.url} (Ctrl-C ends it)")
    with server.running() as url:
        if browser and not webbrowser.open(url):
            say("no browser was found on this machine: open that URL in one")
        try:
            Event().wait()
        except KeyboardInterrupt as error:
            if type(error) is not KeyboardInterrupt:  # another signal, which has its own end
                raise
            if server.drawing:
                say("ending when the pictures that are being drawn are there")
