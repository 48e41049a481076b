"""Names by which people call the splits of a data set: train and test, and all their kin."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

__all__ = ["Role", "roles_of"]

Role = Literal["train", "test", "val", "other"]

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
