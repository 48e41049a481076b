"""Names by which people call the splits of a data set: train and test, and all their kin."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from ddcodec.errors import RequestError, SourceError

__all__ = ["WANTED", "Role", "choose_split", "roles_of", "split_place", "training_split_of"]

Role = Literal["train", "test", "val", "other"]

WANTED: Mapping[Role, tuple[Role, ...]] = {"train": ("train",), "test": ("test", "val")}
"""The roles of splits that serve a purpose, the best first."""

_WORDS: Mapping[str, Role] = {
    **dict.fromkeys(("train", "training", "trn", "trainval"), "train"),
    **dict.fromkeys(("test", "testing", "tst", "eval", "evaluation", "holdout"), "test"),
    **dict.fromkeys(("val", "valid", "validation", "validate", "validating", "dev"), "val"),
    **dict.fromkeys(("pred", "predict", "prediction", "predictions"), "other"),
    **dict.fromkeys(("unlabeled", "unlabelled"), "other"),
}
_NEUTRAL = (
    "set|sets|data|dataset|datasets|split|splits|image|images|img|imgs|picture|pictures|pic|pics|"
    "photo|photos|sample|samples|file|files|folder|folders|folds?|part|raw|final|full|small|seg|"
    "single|original|resized|cropped|my|the|new|jpg|jpeg|png"
)
_TOKEN = re.compile(rf"(?:{_NEUTRAL})?({'|'.join(_WORDS)})(?:{_NEUTRAL})?")
_IS_NEUTRAL = re.compile(rf"(?:{_NEUTRAL})+")


def roles_of(names: Sequence[str]) -> dict[str, Role]:
    """Which of the folders that stand beside each other are splits, and which.

    A name is one if all its other words say nothing, or are the same in a name of another role:
    ``asl_train`` beside ``asl_test`` is, while ``steam_train`` beside ``bus`` is a vehicle.

    >>> roles_of(["Training", "seg_test", "val2017", "bus", "trainer"])
    {'Training': 'train', 'seg_test': 'test', 'val2017': 'val'}
    >>> roles_of(["asl_train", "asl_test"]), roles_of(["steam_train", "bus"])
    ({'asl_train': 'train', 'asl_test': 'test'}, {})
    """
    parsed = {name: _parse(name) for name in names}
    sharing: dict[tuple[str, ...], set[Role]] = {}
    for role, rest in parsed.values():
        if role is not None:
            sharing.setdefault(rest, set()).add(role)
    return {
        name: role
        for name, (role, rest) in parsed.items()
        if role is not None and (not rest or len(sharing[rest]) > 1)
    }


def choose_split(
    splits: Sequence[str], role: Role, named: str | None, place: str, separator: str = "::"
) -> str:
    """The split of a table to read.

    Args:
        splits: what there is; one alone serves training whatever it is called.
        role: of the one that is wanted: train; or test, for which a validation split stands in.
        named: the one that the user named in its place.
        place: the table, for people.
        separator: what stands between the place and the name of a split.

    Raises:
        RequestError: there is none of the name that was given.
        SourceError: none is clearly meant.

    >>> choose_split(["test", "train"], "train", None, "a.npz")
    'train'
    """
    listed = ", ".join(map(repr, splits[:12]))
    if named is not None:
        if named in splits:
            return named
        raise RequestError(f"{place} has no split {named!r}: it has {listed}")
    roles = roles_of(splits)
    for wanted in WANTED[role]:
        found = [split for split in splits if roles.get(split) == wanted]
        if len(found) == 1:
            return found[0]
    only_one = len(splits) == 1 and not (role == "test" and roles.get(splits[0]) == "train")
    if only_one:
        return splits[0]
    what = "to train on" if role == "train" else "to test on"
    raise SourceError(
        f"{place} has {listed}, of which none is clearly the split {what}: name one, such as "
        f"{place}{separator}{splits[0]}"
    )


def training_split_of(splits: Sequence[str]) -> str | None:
    """The one split of a table that is for training by its name; None where there is none."""
    roles = roles_of(splits)
    found = [split for split in splits if roles.get(split) == "train"]
    return found[0] if len(found) == 1 else None


def split_place(place: str, chosen: str, splits: Sequence[str], separator: str = "::") -> str:
    """The place of a split, and what beside it is not used, for people.

    >>> split_place("a.npz", "train", ["train", "test"])
    'a.npz::train (not used: test)'
    """
    others = ", ".join(split for split in splits if split != chosen)
    return (f"{place}{separator}{chosen}" if chosen else place) + (
        f" (not used: {others})" if others else ""
    )


def _parse(name: str) -> tuple[Role | None, tuple[str, ...]]:
    """The one role that a name speaks of, and its words that mean something else."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()
    roles: list[Role] = []
    rest: list[str] = []
    for token in re.findall(r"[^\W\d_]+", apart):
        if found := _TOKEN.fullmatch(token):
            roles.append(_WORDS[found[1]])
        elif not _IS_NEUTRAL.fullmatch(token):
            rest.append(token)
    return (roles[0] if len(roles) == 1 else None), tuple(rest)
