"""From the folder that a user gives to the one that holds the classes, never by a silent guess.

A training split is found, and so is the level that an archive adds. What could be meant in two
ways is refused, with the folder to give instead.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from ddcodec.errors import MissingSourceError, RequestError, SourceError
from ddcodec.sources.mistaken import no_folder, no_pictures
from ddcodec.sources.paths import printable
from ddcodec.sources.splits import WANTED, Role, roles_of
from ddcodec.sources.tree import Folder, Place

__all__ = ["Found", "check_folder", "find_classes", "training_split"]

_SHOWN = 5


class Found(NamedTuple):
    """Where the classes are.

    Attributes:
        root: its subfolders are the classes.
        beside: folders with pictures that were passed by on the way, such as the test split.
    """

    root: Folder
    beside: tuple[Place, ...]


def check_folder(folder: Path) -> None:
    """Refuse what is no folder on the disk.

    Raises:
        MissingSourceError: there is no such folder.
        RequestError: it is something else.
    """
    if not folder.is_dir():
        wrong = RequestError if folder.exists() else MissingSourceError
        raise wrong(no_folder(folder))


def find_classes(root: Folder, role: Role = "train") -> Found:
    """The folder whose subfolders are the classes of a split.

    Args:
        root: what the user gave: that folder, one that holds it as a split, or an archive's
            outer level.
        role: the split that is wanted where there are several: train, or test.

    Raises:
        SourceError: it holds no pictures, or it is not clear which is meant; the message names
            what to give.
    """
    if not root.holds_pictures:
        raise SourceError(no_pictures(root))
    beside: list[Place] = []
    while (inner := _split(root, role) or _wrapped(root)) is not None:
        beside += [part.path for part in root.parts if part is not inner]
        root = inner
    if not root.parts:
        raise SourceError(
            f"{printable(root.path)} holds {len(root.pictures)} pictures directly: put them in one "
            "subfolder per class, named after the class"
        )
    _check_level(root)
    return Found(root, tuple(beside))


def training_split(folder: Folder) -> Place | None:
    """The one training split, by its name, that a folder holds; None where there is none."""
    parts = folder.folders
    roles = roles_of([part.name for part in parts])
    found = [part.path for part in parts if roles.get(part.name) == "train" and part.folders]
    return found[0] if len(found) == 1 else None


def _split(root: Folder, role: Role) -> Folder | None:
    """The split to take, where the folder holds splits.

    Raises:
        SourceError: it holds splits, but not clearly the one that is wanted.
    """
    roles = roles_of([part.name for part in root.parts])
    splits = [part for part in root.parts if part.name in roles]
    others = [part for part in root.parts if part.name not in roles]
    # One alone, beside other folders, is a class: vehicles are called bus, car and train.
    if not splits or (others and len({*roles.values()} - {"other"}) < 2):
        return None
    # Test pictures are often published without classes, beside a validation split that has them.
    wanted_ones = [part for part in splits if roles[part.name] in WANTED[role]]
    usable = [part for part in wanted_ones if part.parts] or wanted_ones
    for wanted in WANTED[role]:
        found = [part for part in usable if roles[part.name] == wanted]
        if len(found) == 1 and not others:
            return found[0]
        if found:
            what = f"stand beside {_some(others)}" if others else "are several"
            raise SourceError(
                f"{printable(root.path)} holds splits ({_some(splits)}), which {what}: give the "
                f"one that you mean, {printable(found[0].path)}"
            )
    if role == "test":
        raise SourceError(
            f"{printable(root.path)} holds a training split but no test/ or val/: give the folder "
            "of the test pictures"
        )
    raise SourceError(
        f"{printable(root.path)} holds {_some(splits)}, by name {_plural(len(splits), 'split')} "
        f"of a data set, but none to train on: give the one that you mean, such as "
        f"{printable(splits[0].path)}"
    )


def _wrapped(root: Folder) -> Folder | None:
    """The only folder, where it is the level that an archive adds around classes or splits."""
    if len(root.parts) != 1 or root.pictures:
        return None
    return root.parts[0] if _wraps(root.parts[0]) else None


def _wraps(part: Folder) -> bool:
    """Whether a folder leads to several, or to those of a split, before any picture."""
    while not part.pictures:
        if len(part.parts) > 1:
            return True
        (part,) = part.parts
        if part.parts and roles_of([part.name]):
            return True
    return False


def _check_level(root: Folder) -> None:
    """Refuse a folder one level above those with pictures.

    Raises:
        SourceError: naming the folders to give.
    """
    if len(root.parts) < 2:
        return
    deep = [part for part in root.parts if not part.pictures]
    inner = {tuple(below.name for below in part.parts) for part in deep}
    # As Tiny ImageNet has it: every class keeps its pictures in a folder "images".
    nested = len(deep) == len(root.parts) and (len(inner) > 1 or any(len(i) > 1 for i in inner))
    several = [part for part in deep if len(part.parts) > 1]
    split = any(len({*roles_of(names).values()}) > 1 for names in inner)
    if not (nested or split or 2 * len(several) > len(root.parts)):
        return
    roles = roles_of([part.name for part in root.parts])
    first = next((part for part in deep if roles.get(part.name) == "train"), deep[0])
    raise SourceError(
        f"{printable(root.path)} is a level too high: its folders ({_some(deep)}) hold only "
        f"folders, such as {printable(first.name)}/{printable(first.parts[0].name)}. Give one of "
        f"them, such as {printable(first.path)}; if they are the classes, "
        + (
            "give a folder of their training pictures"
            if split
            else "move their pictures up into them"
        )
    )


def _plural(count: int, word: str) -> str:
    return f"a {word}" if count == 1 else f"{word}s"


def _some(folders: list[Folder]) -> str:
    text = ", ".join(printable(folder.name) for folder in folders[:_SHOWN])
    more = len(folders) - _SHOWN
    return f"{text} and {more} more" if more > 0 else text
