"""The 1,000 classes of ImageNet-1k by WordNet id, in the order in which classifiers number them.

``classes.csv`` is written by ``tools/imagenet.py``; its words are WordNet's (LICENSE-wordnet).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

__all__ = ["TABLE", "ImageNetClass", "classes", "ids_of", "is_wordnet_id"]

TABLE = Path(__file__).with_name("classes.csv")


class ImageNetClass(NamedTuple):
    """One class.

    Attributes:
        name: what to call it; no other class is called so.
        words: WordNet's words for it, as classifiers label it.
    """

    name: str
    words: tuple[str, ...]


@cache
def classes() -> Mapping[str, ImageNetClass]:
    """WordNet id -> class, in index order.

    >>> classes()["n01440764"].name
    'tench'
    """
    with TABLE.open(encoding="utf-8", newline="") as file:
        return {
            row["id"]: ImageNetClass(row["name"], tuple(row["words"].split(", ")))
            for row in csv.DictReader(file)
        }


def is_wordnet_id(name: str) -> bool:
    """Whether a class is called like a WordNet id, in the table or not.

    >>> is_wordnet_id("n01440764"), is_wordnet_id("n2")
    (True, False)
    """
    return re.fullmatch(r"n\d{8}", name, re.ASCII) is not None


def ids_of(labels: Sequence[str]) -> tuple[str, ...] | None:
    """The ids of a classifier's outputs, where it is one of ImageNet-1k in the usual order.

    Two pairs of its labels are alike (the cranes and, for some, the maillots), so that only their
    places tell them apart.

    Args:
        labels: of the outputs, such as ``"tench, Tinca tinca"``.

    Returns:
        The ids, or None unless there are 1,000 labels that each begin with a word of their class.
    """
    known = classes()
    if len(labels) != len(known):
        return None
    for label, one in zip(labels, known.values(), strict=True):
        first = _plain(label.partition(",")[0])
        if first not in map(_plain, (one.name, *one.words)):
            return None
    return tuple(known)


def _plain(word: str) -> str:
    return word.casefold().replace("_", " ").strip()
