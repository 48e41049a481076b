"""Find a prior's folder: in the package, on disk, or on the hub (spec/prior.md, "Source")."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ddcodec.errors import DecodeError, ModelMismatchError
from ddcodec.prior.files import COMPONENTS
from ddcodec.prior.packaged import tiny_folder
from ddcodec.recipe.pin import MODEL_INDEX, PriorPin

__all__ = ["TINY", "ResolvedPrior", "resolve_pinned", "resolve_prior"]

TINY = "tiny"

_HUB_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*/[A-Za-z0-9_][A-Za-z0-9_.-]*")


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


def resolve_prior(spec: str | Path, revision: str | None = None) -> ResolvedPrior:
    """Resolve what a user typed.

    Args:
        spec: ``tiny``, an existing folder, or a hub id ``owner/name[@revision]``.
        revision: branch, tag or commit of a hub id, where ``spec`` does not name one.

    Raises:
        DecodeError: it is none of these, or it cannot be downloaded.
    """
    text = str(spec)
    if text == TINY:
        return ResolvedPrior(tiny_folder(), TINY, None)
    folder = Path(text).expanduser()
    if text and folder.is_dir():
        return ResolvedPrior(folder, folder.resolve().name, None)
    name, _, asked = text.partition("@")
    # A path that does not exist must not be sent to the hub as if it were a name.
    if not _HUB_ID.fullmatch(name):
        raise DecodeError(
            f"there is no prior {text!r}: give 'tiny', an existing folder in diffusers' layout, "
            "or a hub id such as owner/name@revision"
        )
    return _from_hub(name, asked or revision)


def resolve_pinned(pin: PriorPin, spec: str | Path | None = None) -> ResolvedPrior:
    """Find the folder of the prior an artifact is pinned to; the caller checks the files.

    A name that only the artifact gives finds what this machine has: the packaged prior, or the
    hub's cache. Nothing is fetched, and no path opened, but on the user's own word.

    Args:
        pin: from the artifact.
        spec: what the user named as the prior, if anything; a hub id may be fetched.

    Raises:
        ModelMismatchError: the pin names a folder of the writer's machine, and ``spec`` is
            needed to say where it is here.
        DecodeError: it is not on this machine; or as ``resolve_prior``.
    """
    if spec is not None:
        asked = pin.revision if str(spec) == pin.source else None
        return resolve_prior(spec, asked)
    if pin.source == TINY:
        return ResolvedPrior(tiny_folder(), TINY, None)
    if pin.revision is None:
        raise ModelMismatchError(
            f"this artifact was made with the local prior folder {pin.source!r}, which an artifact "
            "does not contain; say where it is on this machine, as prior='FOLDER'"
        )
    try:
        folder = _download(pin.source, pin.revision, fetch=False)
    except OSError as error:
        raise DecodeError(
            f"this artifact was made with the prior {pin.describe()}, which is not on this "
            "machine. Nothing is fetched because a file names it: if you trust that name, pass "
            f"prior='{pin.describe()}' to fetch it, or prior='FOLDER'"
        ) from error
    return ResolvedPrior(folder, pin.source, pin.revision)


def _from_hub(name: str, revision: str | None) -> ResolvedPrior:
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    at = f"{name}@{revision}" if revision else name
    try:
        folder = _download(name, revision, fetch=True)
    except GatedRepoError as error:
        problem = f"the hub asks for a login to read {at}; accept its terms and run 'hf auth login'"
        raise DecodeError(problem) from error
    except RepositoryNotFoundError as error:
        problem = f"there is no folder and no hub repository {name!r}; check the name"
        raise DecodeError(problem) from error
    except RevisionNotFoundError as error:
        raise DecodeError(f"{name} has no revision {revision!r}; check the name") from error
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        reason = str(error).partition("\n")[0]
        raise DecodeError(
            f"{at} is not in the local cache and cannot be fetched from the hub; connect once to "
            f"fetch it, or pass a folder as prior='FOLDER' ({reason})"
        ) from error
    # A snapshot's folder is named after the commit it holds, whatever revision was asked for.
    return ResolvedPrior(folder, name, folder.name)


def _download(name: str, revision: str | None, *, fetch: bool) -> Path:
    """The hub's cached copy of what ``COMPONENTS`` needs; ``fetch`` what is not there."""
    from huggingface_hub import snapshot_download

    patterns = [MODEL_INDEX, "ddcodec.json"]
    for component, stem in COMPONENTS.items():
        patterns += [f"{component}/*{suffix}" for suffix in (".json", ".txt", ".model")]
        if stem is not None:
            patterns += [
                f"{component}/{stem}.safetensors",
                f"{component}/{stem}-*-of-*.safetensors",
            ]
    return Path(
        snapshot_download(
            name, revision=revision, allow_patterns=patterns, local_files_only=not fetch
        )
    )
