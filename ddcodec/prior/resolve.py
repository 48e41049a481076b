"""Find a prior's folder: in the package, on disk, or on the hub (spec/prior.md, "Source")."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ddcodec.errors import DecodeError, ModelMismatchError
from ddcodec.prior.packaged import tiny_folder
from ddcodec.prior.pin import COMPONENTS, MODEL_INDEX, PriorPin

__all__ = ["TINY", "ResolvedPrior", "resolve_pinned", "resolve_prior"]

TINY = "tiny"

_HUB_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)?")


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
        spec: ``tiny``, an existing folder, or a hub id ``name[@revision]``.
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

    Args:
        pin: from the artifact.
        spec: what the user passed as ``--prior``, if anything.

    Raises:
        ModelMismatchError: the pin names a folder of the writer's machine, and ``spec`` is
            needed to say where it is here.
        DecodeError: as ``resolve_prior``.
    """
    if spec is not None and str(spec) != pin.source:
        return resolve_prior(spec, pin.revision)
    if pin.revision is None and pin.source != TINY and not Path(pin.source).is_dir():
        raise ModelMismatchError(
            f"this artifact was made with the local prior folder {pin.source!r}, which an artifact "
            "does not contain; pass its place on this machine with --prior DIR"
        )
    return resolve_prior(pin.source, pin.revision)


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
        folder = _download(name, revision)
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
            f"fetch it, or pass a folder with --prior DIR ({reason})"
        ) from error
    # A snapshot's folder is named after the commit it holds, whatever revision was asked for.
    return ResolvedPrior(folder, name, folder.name)


def _download(name: str, revision: str | None) -> Path:
    """Fetch what ``COMPONENTS`` needs, and no more, into the hub's cache."""
    from huggingface_hub import snapshot_download

    patterns = [MODEL_INDEX, "ddcodec.json"]
    for component, stem in COMPONENTS.items():
        patterns += [f"{component}/*{suffix}" for suffix in (".json", ".txt", ".model")]
        if stem is not None:
            patterns += [
                f"{component}/{stem}.safetensors",
                f"{component}/{stem}-*-of-*.safetensors",
            ]
    return Path(snapshot_download(name, revision=revision, allow_patterns=patterns))
