"""Files of a data set in several parts, by configuration and split, as paths or the card tell."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from ddcodec.errors import RequestError, SourceError
from ddcodec.sources.archives.inside import SEPARATOR
from ddcodec.sources.splits import Role, choose_split, roles_of

__all__ = ["DEFAULT", "Chosen", "Splits", "chosen_files", "from_card", "from_paths"]

Splits = Mapping[str, Sequence[str]]

DEFAULT = "default"
_NUMBERED = re.compile(r"(.+?)[-_.]\d+(-of-\d+)?(-[0-9a-f]+)?")
_PLAIN_FOLDERS = ("data", DEFAULT)


class Chosen(NamedTuple):
    """The files to read.

    Attributes:
        config: its name.
        split: its name; empty where files are no splits.
        files: in order.
        others: names of the splits beside.
    """

    config: str
    split: str
    files: tuple[str, ...]
    others: tuple[str, ...]


def from_paths(paths: Sequence[str]) -> dict[str, Splits]:
    """Configuration -> split -> files, as paths are customary.

    >>> from_paths(["data/train-00000-of-00001.parquet", "data/test-00000-of-00001.parquet"])
    {'default': {'test': ['data/test-00000-of-00001.parquet'], \
'train': ['data/train-00000-of-00001.parquet']}}
    >>> list(from_paths(["plain_text/train/0000.parquet"])["plain_text"])
    ['train']
    """
    found: dict[str, dict[str, list[str]]] = {}
    for path in sorted(paths):
        config, split = _place_of(path)
        found.setdefault(config, {}).setdefault(split, []).append(path)
    return {config: _joined(splits) for config, splits in found.items()}


def _place_of(path: str) -> tuple[str, str]:
    *folders, name = path.split("/")
    stem = name.rpartition(".")[0]
    if numbered := _NUMBERED.fullmatch(stem):
        split = numbered[1]
    elif stem.isdecimal() and folders:
        split = folders.pop().removeprefix("partial-")
    else:
        split = stem
    inner = [folder for folder in folders if folder not in _PLAIN_FOLDERS]
    return "/".join(inner) or DEFAULT, split


def _joined(splits: dict[str, list[str]]) -> Splits:
    """Files whose names are no words for splits are one split, in the order of their names."""
    if len(splits) == 1 or roles_of(list(splits)):
        return splits
    return {"": sorted(path for paths in splits.values() for path in paths)}


def from_card(configs: Any, paths: Sequence[str]) -> dict[str, Splits]:
    """The same as the card of a data set says it, where it does; else an empty dict.

    Args:
        configs: the field of the card: ``config_name`` and ``data_files`` of each.
        paths: of the files that there are.
    """
    found: dict[str, Splits] = {}
    for one in configs if isinstance(configs, list) else ():
        if not isinstance(one, dict) or not isinstance(one.get("config_name"), str):
            continue
        splits: dict[str, list[str]] = {}
        for split, pattern in _patterns(one.get("data_files")):
            matched = sorted(path for path in paths if fnmatchcase(path, pattern))
            splits.setdefault(split, []).extend(matched)
        splits = {split: files for split, files in splits.items() if files}
        if splits:
            found[one["config_name"]] = splits
    return found


def _patterns(data_files: Any) -> list[tuple[str, str]]:
    """(split, pattern of paths) of what a card may say in three ways."""
    if isinstance(data_files, str):
        return [("train", data_files)]
    found = list[tuple[str, str]]()
    for one in data_files if isinstance(data_files, list) else ():
        if isinstance(one, str):
            found.append(("train", one))
        elif isinstance(one, dict) and isinstance(one.get("split"), str):
            path = one.get("path")
            paths = path if isinstance(path, list) else [path]
            found += [(one["split"], text) for text in paths if isinstance(text, str)]
    return found


def chosen_files(
    configs: Mapping[str, Splits],
    wanted: Sequence[str],
    role: Role,
    place: str,
    separator: str = SEPARATOR,
) -> Chosen:
    """The files of one split of one configuration.

    Args:
        configs: what there is.
        wanted: what the user named: nothing, a configuration or a split, or both.
        role: of the split, where none is named.
        place: the data set, for people.
        separator: what stands between the place and what is named in it.

    Raises:
        RequestError: there is none of that name.
        SourceError: none is clearly meant.
    """
    names, listed = list(wanted), ", ".join(list(configs)[:12])
    config = next(iter(configs)) if len(configs) == 1 else DEFAULT
    if names and (names[0] in configs or len(names) > 1):
        config = names.pop(0)
    if config not in configs:
        if wanted:
            raise RequestError(f"{place} has no configuration {wanted[0]!r}: it has {listed}")
        raise SourceError(
            f"{place} has several configurations ({listed}): name one, as "
            f"{place}{separator}{next(iter(configs))}"
        )
    splits = configs[config]
    if len(configs) > 1:
        place, separator = f"{place}{separator}{config}", "/"
    split = choose_split(list(splits), role, names[0] if names else None, place, separator)
    return Chosen(config, split, tuple(splits[split]), tuple(s for s in splits if s != split))
