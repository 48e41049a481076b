"""An artifact on the hub as a data set: one commit of the file, its card and a preview."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ddcodec.arrays import Progress
from ddcodec.artifact import Artifact, open_artifact
from ddcodec.errors import EncodeError, RequestError, shown
from ddcodec.exchange.exporting.export import export
from ddcodec.extras import needed_for
from ddcodec.files import scratch_folder, write_whole
from ddcodec.progress import ProgressOption, displayed
from ddcodec.publishing.card import CardOptions, card_text, check_repository
from ddcodec.publishing.licences import check_licence
from ddcodec.publishing.results import results_of
from ddcodec.publishing.target import Target

__all__ = ["PREVIEWED", "Pushed", "push"]

PREVIEWED = 2
"""Pictures per class in a preview."""

_PART = 1 << 20
_FILE_NAME = re.compile(r"[A-Za-z0-9][\w.-]*\.ddz", re.ASCII)


@dataclass(frozen=True)
class Pushed:
    """What is on the hub now, or would be.

    Attributes:
        repository: ``owner/name``.
        url: of its page.
        address: by which ``ddcodec.open`` finds the artifact.
        digest: the content digest.
        files: path -> bytes.
        commit: 40 hex digits; empty where nothing was sent.
    """

    repository: str
    url: str
    address: str
    digest: str
    files: Mapping[str, int]
    commit: str = ""


def push(
    artifact: str | os.PathLike[str],
    repository: str,
    *,
    license: str,
    private: bool = False,
    update: bool = False,
    preview: int = PREVIEWED,
    report: str | os.PathLike[str] | None = None,
    prior: str | None = None,
    dry_run: bool = False,
    progress: ProgressOption = None,
) -> Pushed:
    """Put an artifact on the hub, with a card and a small Parquet file for the hub's viewer.

    The artifact is verified first. All files are one commit, on what the repository held when it
    was looked at: of two pushes at once, one is refused. What the hub then has is compared.

    Args:
        artifact: its file.
        repository: ``owner/name`` of a data set, which is made if absent.
        license: the hub's id of the licence, such as ``cc-by-4.0``.
        private: make it for its owner's eyes only.
        update: put the files into a repository that holds others; those of the same names are
            replaced, and stay in its history.
        preview: pictures per class that the viewer shows; 0 for none.
        report: the JSON of a report, whose accuracies of this artifact the card tells.
        prior: where to find the prior that draws the preview, as of an export.
        dry_run: make everything, send nothing, and ask nobody.
        progress: a function of (what, done, total), or whether to show bars; by default they are
            shown on a terminal and in a notebook.

    Raises:
        RequestError: an unknown licence, nobody logged in, a repository that holds something else,
            or somebody who pushes at the same time.
        FormatError, IntegrityError: the artifact is damaged.
        EncodeError: the hub cannot be reached, or has other bytes than were sent.

    >>> made = ddcodec.push("shapes.ddz", "owner/shapes", license="cc-by-4.0", dry_run=True)
    >>> sorted(made.files)
    ['README.md', 'preview/train-00000-of-00001.parquet', 'shapes.ddz']
    """
    with needed_for("a push to the hub"):
        from huggingface_hub import constants

    check_licence(license)
    check_repository(repository)
    path = Path(artifact)
    if _FILE_NAME.fullmatch(path.name) is None:
        raise RequestError(
            f"{shown(path.name)} is no name for a file on the hub: rename it to letters, digits, "
            "dots, hyphens and underscores, with .ddz at the end"
        )
    target = None if dry_run else Target.of(repository, private=private, update=update)
    with scratch_folder() as kept, displayed(progress) as tell:
        folder = kept / "files"
        folder.mkdir()
        with _written(folder):
            # A copy, so that what is verified is what is sent.
            shutil.copyfile(path, folder / path.name)
        with open_artifact(folder / path.name) as opened:
            opened.verify("digest")
            results = () if report is None else results_of(report, opened.digest)
            if preview:
                _write_preview(opened, folder, preview, prior, tell)
            options = CardOptions(license, repository, path.name, preview, results)
            write_whole(folder / "README.md", card_text(opened, options).encode())
            digest = opened.digest
        files = {one.relative_to(folder).as_posix(): one for one in sorted(folder.rglob("*.*"))}
        sizes = {name: file.stat().st_size for name, file in files.items()}
        found = Pushed(
            repository,
            f"{constants.ENDPOINT}/datasets/{repository}",
            f"hf://datasets/{repository}/{path.name}",
            digest,
            sizes,
        )
        if target is None:
            return found
        commit = target.send(files, f"Artifact with content digest {digest}")
        target.compare({name: _sums(file) for name, file in files.items()}, commit)
    return replace(found, commit=commit)


def _write_preview(
    opened: Artifact, folder: Path, pictures: int, prior: str | None, tell: Progress | None
) -> None:
    """The first pictures of each class as Parquet, in ``preview/``."""
    made = folder / "export"
    count = min(pictures, opened.recipe.ipc)
    export(opened, made, to="huggingface", ipc=count, views=1, prior=prior, progress=tell or False)
    (made / "data").rename(folder / "preview")
    shutil.rmtree(made)


def _sums(file: Path) -> tuple[str, str]:
    """SHA-256 of a file, and the SHA-1 that git calls it by."""
    whole = hashlib.sha256()
    blob = hashlib.sha1(b"blob %d\0" % file.stat().st_size, usedforsecurity=False)
    with file.open("rb") as stream:
        while part := stream.read(_PART):
            whole.update(part)
            blob.update(part)
    return whole.hexdigest(), blob.hexdigest()


@contextmanager
def _written(folder: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise RequestError(f"there is no file {error.filename}: check the path") from error
    except OSError as error:
        raise EncodeError(
            f"cannot copy {error.filename} to {folder} ({error.strerror}): free some space"
        ) from error
