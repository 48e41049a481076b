"""Find a prior's folder: in the package, on disk, or on the hub (spec/prior.md, "Source")."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from ddcodec import hub
from ddcodec.arrays import Progress
from ddcodec.errors import DecodeError, ModelMismatchError, RequestError
from ddcodec.prior.fetching import Plan, is_whole, plan
from ddcodec.prior.packaged import tiny_folder
from ddcodec.recipe.pin import MODEL_INDEX, PriorPin

__all__ = ["TINY", "ResolvedPrior", "find_prior", "resolve_pinned", "resolve_prior"]

TINY = "tiny"

_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class ResolvedPrior:
    """A folder in diffusers' layout, and what to record about it.

    Attributes:
        folder: where the files are.
        source, revision: as in ``PriorPin``.
    """

    folder: Path
    source: str
    revision: str | None

    @property
    def spec(self) -> str:
        """What finds the same prior again, with nothing left to fetch or to ask the hub."""
        if self.revision is not None:
            return f"{self.source}@{self.revision}"
        return TINY if self.source == TINY else str(self.folder)


def resolve_prior(
    spec: str | Path,
    revision: str | None = None,
    progress: Progress | None = None,
    pinned: Collection[str] = (),
) -> ResolvedPrior:
    """Resolve what a user typed, and fetch what of it is not here.

    Args:
        spec: ``tiny``, an existing folder, or a hub id ``owner/name[@revision]``.
        revision: branch, tag or commit of a hub id, where ``spec`` does not name one.
        progress: called with megabytes before and while something is fetched.
        pinned: the files of a pin, whose variant of the weights is wanted.

    Raises:
        RequestError: it is none of these.
        DecodeError: it cannot be fetched.
        ModelMismatchError: what is on the hub is no prior.
    """
    found = find_prior(spec, revision, pinned)
    if isinstance(found, ResolvedPrior):
        return found
    return ResolvedPrior(found.fetch(progress), found.repository.name, found.repository.commit)


def find_prior(
    spec: str | Path, revision: str | None = None, pinned: Collection[str] = ()
) -> ResolvedPrior | Plan:
    """What a user typed: where it is on this machine, or what is to be fetched from the hub.

    Raises: as ``resolve_prior``.
    """
    found = _parsed(spec, revision)
    return found if isinstance(found, ResolvedPrior) else _on_hub(*found, pinned)


def resolve_pinned(
    pin: PriorPin, spec: str | Path | None = None, progress: Progress | None = None
) -> ResolvedPrior:
    """Find the folder of the prior an artifact is pinned to; the caller checks the files.

    A name that only the artifact gives finds what this machine has: the packaged prior, or the
    hub's cache. Nothing is fetched, and no path opened, but on the user's own word.

    Args:
        pin: from the artifact.
        spec: what the user named as the prior, if anything; a hub id may be fetched.
        progress: as for ``resolve_prior``.

    Raises:
        ModelMismatchError: the pin names a folder of the writer's machine, and ``spec`` is
            needed to say where it is here.
        DecodeError: it is not on this machine; or as ``resolve_prior``.
    """
    if spec is not None:
        asked = pin.revision if str(spec) == pin.source else None
        return resolve_prior(spec, asked, progress, pin.files)
    if pin.source == TINY:
        return ResolvedPrior(tiny_folder(), TINY, None)
    if pin.revision is None:
        raise ModelMismatchError(
            f"this artifact was made with the local prior folder {pin.source!r}, which an artifact "
            "does not contain; say where it is on this machine, as prior='FOLDER'"
        )
    folder = hub.cached_folder(pin.source, pin.revision, MODEL_INDEX)
    if folder is None or not all((folder / path).is_file() for path in pin.files):
        is_not = "is not" if folder is None else "is only in part"
        raise DecodeError(
            f"this artifact was made with the prior {pin.describe()}, which {is_not} on this "
            "machine. Nothing is fetched because a file names it: if you trust that name, pass "
            f"prior='{pin.describe()}' to fetch it, or prior='FOLDER'"
        )
    return ResolvedPrior(folder, pin.source, pin.revision)


def _parsed(spec: str | Path, revision: str | None) -> ResolvedPrior | tuple[str, str | None]:
    """A prior that is here, or (hub id, revision)."""
    text = str(spec)
    if text == TINY:
        return ResolvedPrior(tiny_folder(), TINY, None)
    folder = Path(text).expanduser()
    if text and folder.is_dir():
        return ResolvedPrior(folder, folder.resolve().name, None)
    name, _, asked = text.partition("@")
    # A path that does not exist must not be sent to the hub as if it were a name.
    if not hub.is_hub_id(name):
        raise RequestError(
            f"there is no prior {text!r}: give 'tiny', an existing folder in diffusers' layout, "
            "or a hub id such as owner/name@revision"
        )
    return name, asked or revision


def _on_hub(name: str, revision: str | None, pinned: Collection[str]) -> ResolvedPrior | Plan:
    here = hub.cached_folder(name, revision, MODEL_INDEX)
    whole = here is not None and is_whole(name, here, pinned)
    # A commit never changes, so that nobody has to be asked; a branch does.
    unchanging = _COMMIT.fullmatch(revision or "") is not None
    try:
        if not whole or not unchanging:
            return plan(name, revision, pinned)
    except hub.HubUnreachableError as error:
        if not whole:
            raise DecodeError(_not_here(name, revision, here, error)) from error
    assert here is not None
    # A snapshot's folder is named after the commit it holds, whatever revision was asked for.
    return ResolvedPrior(here, name, here.name)


def _not_here(name: str, revision: str | None, here: Path | None, error: DecodeError) -> str:
    at = f"{name}@{revision}" if revision else name
    reason = str(error.__cause__ or error).partition("\n")[0]
    part = "not" if here is None else "only in part"
    return (
        f"{at} is {part} in the local cache, and the hub cannot be asked for it; connect once to "
        f"fetch it, or pass a folder as prior='FOLDER' ({reason})"
    )
