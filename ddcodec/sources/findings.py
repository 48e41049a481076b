"""Likely mistakes in a set of pictures, which may yet be meant: one sentence each."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping

from ddcodec.sources.mistaken import advice
from ddcodec.sources.paths import printable
from ddcodec.sources.splits import roles_of
from ddcodec.sources.tree import Folder, counted

__all__ = ["class_findings", "layout_findings", "shared_finding"]

MOST_TIMES_LARGER = 20
"""Classes this many times as large as another are said."""

_SHOWN = 3


def class_findings(counts: Mapping[str, int]) -> tuple[str, ...]:
    """What is odd about classes and their numbers of pictures.

    >>> class_findings({"cat": 100, "dog": 4})[0][:53]
    "class 'cat' has 100 pictures, and class 'dog' only 4:"
    """
    found: list[str] = []
    if len(counts) == 1:
        found.append(
            f"there is one class only, {next(iter(counts))!r}: a classifier needs two or more; is "
            "this the folder with a subfolder per class?"
        )
    least, most = min(counts, key=counts.__getitem__), max(counts, key=counts.__getitem__)
    if counts[most] > MOST_TIMES_LARGER * counts[least]:
        small = [c for c in counts if counts[most] > MOST_TIMES_LARGER * counts[c]]
        others = f" ({len(small)} classes are that small)" if len(small) > 1 else ""
        found.append(
            f"class {most!r} has {counts[most]:,} pictures, and class {least!r} only "
            f"{counts[least]:,}{others}: are both classes of this set?"
        )
    alike = defaultdict[str, list[str]](list)
    for name in counts:
        alike[_spelling(name)].append(name)
    pairs = [" and ".join(map(repr, names)) for names in alike.values() if len(names) > 1]
    if pairs:
        found.append(
            f"class names differ only in case, spaces or Unicode form: {_some(pairs)}; if they are "
            "one class, put its pictures into one folder"
        )
    return tuple(found)


def layout_findings(
    root: Folder, classes: Mapping[str, Folder], left_out: Counter[str]
) -> tuple[str, ...]:
    """What was left out of a folder of classes, or taken together in it."""
    found: list[str] = []
    hidden = [folder for folder in root.hidden if folder.holds_pictures]
    if hidden:
        names = [
            f"{printable(folder.name)} with {_pictures(len(folder.all_pictures))}"
            for folder in hidden
        ]
        found.append(
            f"folders whose names begin with a dot were left out of {printable(root.path)}: "
            f"{_some(names)}; rename them if they are classes"
        )
    if root.pictures:
        found.append(
            f"{_pictures(len(root.pictures))} directly in {printable(root.path)}, such as "
            f"{printable(root.pictures[0].name)}, belong to no class and were left out"
        )
    joined = [name for name, folder in classes.items() if _is_joined(folder)]
    if joined:
        parts = ", ".join(printable(part.name) for part in classes[joined[0]].parts[:_SHOWN])
        more = f", and {len(joined) - 1} more classes likewise" if len(joined) > 1 else ""
        found.append(
            f"class {joined[0]!r} has its pictures in several subfolders ({parts}), which were "
            f"taken together{more}: if they are classes or splits, give "
            f"{printable(classes[joined[0]].path)}"
        )
    if left_out:
        files = "1 file" if left_out.total() == 1 else f"{left_out.total():,} files"
        found.append(f"{files} ignored: {counted(left_out)}{advice(root)}")
    return tuple(found)


def shared_finding(groups: tuple[tuple[tuple[str, str], ...], ...]) -> str | None:
    """What to say of byte-identical pictures in different classes: (class, name) of each group."""
    if not groups:
        return None
    pairs = Counter(tuple(dict.fromkeys(name for name, _ in group)) for group in groups)
    names, count = pairs.most_common(1)[0]
    example = next(group for group in groups if {*names} == {name for name, _ in group})
    first = example[0][1]
    second = next(other for name, other in example if name != example[0][0])
    most = f", {count} of them under {' and '.join(map(repr, names[:_SHOWN]))}"
    return (
        f"{_pictures(len(groups))} {'stands' if len(groups) == 1 else 'stand'} under several "
        f"classes, byte for byte{most if len(pairs) > 1 or count > 1 else ''}; for example "
        f"{first} and {second}: keep each in the class it belongs to"
    )


def _is_joined(folder: Folder) -> bool:
    """Whether a class looks as if its subfolders were classes, or splits, of their own."""
    names = [part.name for part in folder.parts]
    return (not folder.pictures and len(names) > 1) or bool(roles_of(names))


def _spelling(name: str) -> str:
    """What is left of a name without case, spaces, separators and compatibility forms."""
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return " ".join(plain.replace("_", " ").replace("-", " ").split()) or name


def _pictures(count: int) -> str:
    return "1 picture" if count == 1 else f"{count:,} pictures"


def _some(texts: list[str]) -> str:
    more = len(texts) - _SHOWN
    return ", ".join(texts[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
