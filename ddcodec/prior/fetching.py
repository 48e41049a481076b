"""A prior on the hub: which of its files are needed, what is here, and what is to be fetched."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from ddcodec import hub
from ddcodec.arrays import Progress
from ddcodec.errors import ModelMismatchError
from ddcodec.prior.defaults import FILE as DEFAULTS
from ddcodec.prior.families import read_family
from ddcodec.prior.files import COMPONENTS, read_config, read_model_index
from ddcodec.prior.weight_files import STEMS, choose_variant, file_names
from ddcodec.recipe.pin import MODEL_INDEX, SETTINGS

__all__ = ["CARD", "Plan", "is_whole", "plan", "settings_of", "weights_of"]

CARD = "README.md"
"""The model card, with the licence; no prior depends on it."""


@dataclass(frozen=True)
class Plan:
    """What a prior of the hub needs.

    Attributes:
        repository: what the hub holds.
        folder: the snapshot in the hub library's cache, with the settings at least.
        paths: all files that are needed.
    """

    repository: hub.Repository
    folder: Path
    paths: tuple[str, ...]

    @property
    def missing(self) -> int:
        """Bytes to be fetched."""
        return sum(self.repository.missing(self.paths).values())

    def fetch(self, progress: Progress | None = None) -> Path:
        """Fetch what is missing.

        Raises:
            DecodeError: it does not fit the disk, or cannot be fetched.
        """
        return hub.fetch(self.repository, self.paths, progress) or self.folder


def plan(name: str, revision: str | None, pinned: Collection[str] = ()) -> Plan:
    """Ask the hub about a prior; only its settings are fetched, a few kilobytes, to know the rest.

    Args:
        name, revision: of the repository.
        pinned: the files of a pin, whose variant of the weights is wanted.

    Raises:
        ModelMismatchError: no pipeline in diffusers' layout, or one without safetensors weights.
        UnsupportedFeatureError: a pipeline of a family that this version does not run.
        HubUnreachableError: the hub cannot be asked.
        DecodeError: there is no such repository or revision, or it may not be read.
    """
    repository = hub.look_up(name, revision)
    names = repository.files.keys()
    if MODEL_INDEX not in names:
        raise ModelMismatchError(_no_pipeline(name, names))
    settings = settings_of(names)
    folder = hub.fetch(repository, settings)
    assert folder is not None
    read_family(folder)  # a family that does not run here costs no gigabytes
    # Files that the repository lacks are told by whoever compares it with the pin.
    weights = [path for path in pinned if path in names] or weights_of(name, names, folder)
    return Plan(repository, folder, tuple(sorted({*settings, *weights})))


def settings_of(names: Iterable[str]) -> list[str]:
    """The small files of a prior among the files of a repository or folder.

    >>> settings_of(["unet/config.json", "unet/a.safetensors", "more/config.json", "README.md"])
    ['README.md', 'unet/config.json']
    """
    found = []
    for name in names:
        folder, _, file = name.rpartition("/")
        of_part = folder in COMPONENTS and file.endswith(SETTINGS) and ".bin.index." not in file
        if of_part or name in (MODEL_INDEX, DEFAULTS, CARD):
            found.append(name)
    return sorted(found)


def weights_of(where: str, names: Collection[str], folder: Path) -> list[str]:
    """The weight files of a prior among the files of a repository or folder: of one variant.

    Args:
        where: the prior, for messages.
        names: of all files.
        folder: has its settings.

    Raises:
        ModelMismatchError: a network has no weights in safetensors, or not of that variant.
    """
    networks = [part for part in read_model_index(folder) if part in STEMS]
    files = {part: _files_of(part, names) for part in networks}
    variant = choose_variant(where, files)
    found = []
    for part in networks:
        whole, index = file_names(STEMS[part], variant)
        wanted = [whole] if whole in files[part] else []
        if index in files[part]:
            weight_map = read_config(folder / part / index).get("weight_map")
            shards = weight_map.values() if isinstance(weight_map, dict) else ()
            wanted += [index, *sorted({*map(str, shards)})]
        for file in wanted:
            if file not in files[part]:
                raise ModelMismatchError(
                    f"{where} lacks {part}/{file}, which its index names; use another revision"
                )
        found += [f"{part}/{file}" for file in wanted]
    return found


def is_whole(name: str, folder: Path, pinned: Collection[str] = ()) -> bool:
    """Whether a snapshot on this machine holds all that the prior needs; asks nobody."""
    names = hub.cached_names(name, folder)
    try:
        needed = [*settings_of(names), *(pinned or weights_of(name, names, folder))]
    except ModelMismatchError:
        return False
    return MODEL_INDEX in needed and all((folder / path).is_file() for path in needed)


def _files_of(part: str, names: Iterable[str]) -> list[str]:
    ahead = f"{part}/"
    return [name.removeprefix(ahead) for name in names if name.startswith(ahead)]


def _no_pipeline(name: str, names: Collection[str]) -> str:
    single = next((n for n in sorted(names) if n.endswith((".safetensors", ".ckpt"))), None)
    if single is not None and "/" not in single:
        return (
            f"{name} has no {MODEL_INDEX}, but {single}, a checkpoint in one file; load it with "
            "diffusers' from_single_file, save it with save_pretrained, and give that folder"
        )
    return f"{name} has no {MODEL_INDEX}: it is no text-to-image pipeline in diffusers' layout"
