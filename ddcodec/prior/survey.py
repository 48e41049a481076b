"""A survey of a prior from its small files, and of what having it takes; fetches no weights."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ddcodec import hub
from ddcodec.errors import ModelMismatchError
from ddcodec.prior.defaults import read_defaults
from ddcodec.prior.fetching import CARD, Plan, settings_of, weights_of
from ddcodec.prior.files import digest_files, read_config
from ddcodec.prior.resolve import ResolvedPrior, find_prior
from ddcodec.recipe.pin import MODEL_INDEX

__all__ = ["Survey", "survey"]


@dataclass(frozen=True)
class Survey:
    """A prior, before it is loaded.

    Attributes:
        source, revision: as in ``PriorPin``.
        folder: where its files are on this machine, or will be.
        family: class of the pipeline.
        size: side in pixels of the pictures it was trained on; None where its files do not say.
        steps: inference steps unless others are asked for.
        licence: field of its model card, if there is one.
        files: needed file -> bytes.
        missing: bytes of them that are to be fetched.
    """

    source: str
    revision: str | None
    folder: Path
    family: str
    size: int | None
    steps: int
    licence: str | None
    files: Mapping[str, int]
    missing: int

    @property
    def name(self) -> str:
        """What a person knows it by, such as ``owner/name@0123...``."""
        return f"{self.source}@{self.revision}" if self.revision else self.source

    @property
    def bytes(self) -> int:
        """Of all its files."""
        return sum(self.files.values())

    def digests(self) -> dict[str, str]:
        """SHA-256 of each file by which an artifact pins it; none while some are missing."""
        return {} if self.missing else digest_files(self.folder)

    def to_map(self) -> dict[str, Any]:
        """Everything but the digests, which take a while to compute."""
        return {
            "name": self.name,
            "source": self.source,
            "revision": self.revision,
            "folder": str(self.folder),
            "family": self.family,
            "size": self.size,
            "steps": self.steps,
            "licence": self.licence,
            "files": dict(self.files),
            "bytes": self.bytes,
            "to_fetch": self.missing,
        }


def survey(spec: str | Path, revision: str | None = None, pinned: Collection[str] = ()) -> Survey:
    """Look at a prior; of one on the hub, only settings are fetched, a few kilobytes.

    Args:
        spec, revision, pinned: as for ``resolve_prior``.

    Raises:
        DecodeError: it is not here, and the hub cannot be asked or does not have it.
        ModelMismatchError: it is no prior.
    """
    found = find_prior(spec, revision, pinned)
    return _of_plan(found) if isinstance(found, Plan) else _of_folder(found)


def _of_plan(found: Plan) -> Survey:
    repository = found.repository
    return _survey(
        ResolvedPrior(found.folder, repository.name, repository.commit),
        repository.licence,
        {path: repository.files[path] for path in found.paths if path != CARD},
        found.missing,
    )


def _of_folder(found: ResolvedPrior) -> Survey:
    folder = found.folder
    names = [p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()]
    if MODEL_INDEX not in names:
        raise ModelMismatchError(
            f"{folder} has no {MODEL_INDEX}; give a text-to-image pipeline in diffusers' layout "
            "(as pipeline.save_pretrained writes it)"
        )
    paths = sorted({*settings_of(names), *weights_of(str(folder), names, folder)} - {CARD})
    files = {path: (folder / path).stat().st_size for path in paths}
    return _survey(found, hub.licence_of(folder / CARD), files, 0)


def _survey(
    found: ResolvedPrior, licence: str | None, files: Mapping[str, int], missing: int
) -> Survey:
    folder = found.folder
    return Survey(
        source=found.source,
        revision=found.revision,
        folder=folder,
        family=str(read_config(folder / MODEL_INDEX).get("_class_name", "not stated")),
        size=_size(folder),
        steps=read_defaults(folder).steps,
        licence=licence,
        files=files,
        missing=missing,
    )


def _size(folder: Path) -> int | None:
    """Side of the latents that the U-Net was trained on, times what the autoencoder enlarges."""
    unet, vae = (folder / part / "config.json" for part in ("unet", "vae"))
    if not unet.is_file() or not vae.is_file():
        return None
    side, widths = read_config(unet).get("sample_size"), read_config(vae).get("block_out_channels")
    side = max(side) if isinstance(side, list) and side else side
    if type(side) is not int or not isinstance(widths, list) or not widths:
        return None
    return int(side << len(widths) - 1)
