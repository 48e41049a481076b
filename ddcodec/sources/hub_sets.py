"""Data sets of the Hugging Face hub, by address: ``hf://datasets/owner/name``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from ddcodec import hub
from ddcodec.errors import RequestError, SourceError
from ddcodec.sources.listed import ListedSource
from ddcodec.sources.splits import Role, split_place, training_split_of
from ddcodec.sources.tables.parquet import parquet_module, parquet_source
from ddcodec.sources.tables.split_files import DEFAULT, Chosen, chosen_files, from_card, from_paths

__all__ = ["PREFIX", "HubAddress", "hub_source", "hub_training", "parse_address"]

PREFIX = "hf://"
_ADDRESS = re.compile(
    r"hf://datasets/(?P<name>[^/@]+/[^/@]+)"
    r"(?:@(?P<revision>refs/convert/parquet|refs/pr/\d+|[^/]+))?(?P<inner>(?:/[^/]+){0,2})/?"
)
_CONVERTED = "refs/convert/parquet"
_CARD = "README.md"


class HubAddress(NamedTuple):
    """An address of a data set.

    Attributes:
        name: ``owner/name``.
        revision: a branch, tag or commit; None for the default branch.
        wanted: configuration or split, or both.
    """

    name: str
    revision: str | None
    wanted: tuple[str, ...]


def parse_address(text: str) -> HubAddress:
    """The parts of an address ``hf://datasets/owner/name[@revision][/configuration][/split]``.

    Raises:
        RequestError: it is another address.

    >>> parse_address("hf://datasets/uoft-cs/cifar10@main/plain_text/test")
    HubAddress(name='uoft-cs/cifar10', revision='main', wanted=('plain_text', 'test'))
    """
    found = _ADDRESS.fullmatch(text)
    if found is None or not hub.is_hub_id(found["name"]):
        raise RequestError(
            f"{text!r} is no address of a data set: write hf://datasets/OWNER/NAME, with @REVISION "
            "after it, and then /CONFIGURATION or /SPLIT or both, where they are needed"
        )
    return HubAddress(
        found["name"], found["revision"], tuple(filter(None, found["inner"].split("/")))
    )


def hub_source(
    text: str, role: Role = "train", asked: Mapping[str, str] | None = None
) -> ListedSource:
    """The pictures of a data set of the hub, of its Parquet files or of those that the hub made.

    Files go to the hub library's cache; those that are there are not fetched again, and without a
    network they are enough.

    Args:
        text: the address.
        role: of the split to take, where the address names none.
        asked: ``image`` and ``label``: columns that the user named.

    Raises:
        MissingDependencyError: pyarrow is not installed.
        RequestError: it is no address, or there is no such data set, configuration or split.
        SourceError: no split is clearly meant, or it has no pictures with classes.
        DecodeError: the hub cannot be reached, or the data set may not be read.
    """
    found = _HubSet(parse_address(text))
    chosen = chosen_files(found.configs, found.address.wanted, role, found.place, "/")
    repository = found.repository
    card = [_CARD] if _CARD in repository.files else []
    folder = hub.fetch(repository, [*card, *chosen.files])
    assert folder is not None, "there are files"
    files = {f"{repository.name}/{path}": Path(folder, path) for path in chosen.files}
    source = parquet_source(files, _place(found.place, chosen), asked)
    if any("/partial-" in path for path in chosen.files):
        part = "the hub has converted only a part of this data set, the beginning, to Parquet"
        return replace(source, warnings=(part, *source.warnings))
    return source


def hub_training(text: str) -> str | None:
    """The address of the training split of a data set; None where it has none, or it is given.

    Args:
        text: the address of another split, or of all.

    Raises: as :func:`hub_source`.
    """
    found = _HubSet(parse_address(text))
    chosen = chosen_files(found.configs, found.address.wanted, "test", found.place, "/")
    split = training_split_of(list(found.configs[chosen.config]))
    if split is None or split == chosen.split:
        return None
    return "/".join((found.place, chosen.config, split))


class _HubSet:
    """A data set of the hub: what Parquet files there are.

    Attributes:
        place: for people, and as an address.
        configs: configuration -> split -> files.
    """

    def __init__(self, address: HubAddress) -> None:
        self.address, name = address, address.name
        self.place = f"{PREFIX}datasets/{name}"
        if address.revision:
            self.place += f"@{address.revision}"
        parquet_module(f"reading {self.place}")
        self.repository = _found(name, address.revision)
        paths = _parquet_of(self.repository)
        if not paths and address.revision is None:
            self.repository = _converted(name)
            paths = _parquet_of(self.repository)
        if not paths:
            raise SourceError(_no_parquet(name))
        self.configs = from_card(self.repository.configs, paths) or from_paths(paths)


def _place(place: str, chosen: Chosen) -> str:
    inner = place if chosen.config == DEFAULT else f"{place}/{chosen.config}"
    return split_place(inner, chosen.split, [chosen.split, *chosen.others], "/")


def _found(name: str, revision: str | None) -> hub.Repository:
    """What the hub holds; without a network, what it held when files were last fetched."""
    try:
        return hub.look_up(name, revision, "dataset")
    except hub.HubUnreachableError:
        kept = hub.kept_repository(name, revision, "dataset")
        if kept is None and revision is None:
            kept = hub.kept_repository(name, _CONVERTED, "dataset")
        if kept is None:
            raise
        return kept


def _converted(name: str) -> hub.Repository:
    """The branch on which the hub keeps Parquet files that it has made."""
    try:
        return _found(name, _CONVERTED)
    except RequestError as error:
        raise SourceError(_no_parquet(name)) from error


def _no_parquet(name: str) -> str:
    return (
        f"{name} has no Parquet files, and the hub has made none of it: fetch the data set, and "
        "give the folder or the archive that it is"
    )


def _parquet_of(repository: hub.Repository) -> list[str]:
    return sorted(path for path in repository.files if path.endswith(".parquet"))
