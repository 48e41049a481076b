"""Classes matched to the outputs of a classifier by name, never by a guess."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from ddcodec.errors import ModelMismatchError
from ddcodec.imagenet import ImageNetClass, ids_of
from ddcodec.imagenet import classes as imagenet_classes

__all__ = ["columns_of"]

Index = Mapping[str, frozenset[int]]


def columns_of(
    outputs: Sequence[str], names: Sequence[str], readable: Sequence[str] | None, teacher: str
) -> tuple[int, ...]:
    """The output of each class.

    A class is looked for by its name, then by its readable name. A name is an output's whole label
    or, of ImageNet, its WordNet id; else, without regard to case, spaces and underscores, its
    label, one of the label's comma-separated synonyms, or a word of WordNet for it.

    Args:
        outputs: labels of the classifier's outputs.
        names: the classes wanted, in order.
        readable: what else each of them is called.
        teacher: what to call the classifier in messages.

    Raises:
        ModelMismatchError: a class that no output is called by, or several are, or two classes
            that are one output; all of them are named.
    """
    if tuple(names) == tuple(outputs) and len(set(outputs)) == len(outputs):
        return tuple(range(len(outputs)))
    exact, loose = _indices(outputs)
    found = [
        _answers(exact, loose, pair)
        for pair in zip(names, names if readable is None else readable, strict=True)
    ]
    missing = [repr(name) for name, answers in zip(names, found, strict=True) if not answers]
    if missing:
        raise ModelMismatchError(
            f"the teacher {teacher} does not know {_some(missing)}; it knows "
            f"{_some(list(map(repr, outputs)))}: use a teacher of these classes, or teacher='auto'"
        )
    unclear = [
        f"{name!r} (outputs {', '.join(map(str, sorted(answers)))})"
        for name, answers in zip(names, found, strict=True)
        if len(answers) > 1
    ]
    if unclear:
        raise ModelMismatchError(
            f"the teacher {teacher} has several outputs called {_some(unclear)}: call the class by "
            "the output's whole label, or by its WordNet id"
        )
    columns = tuple(next(iter(answers)) for answers in found)
    _check_distinct(columns, outputs, names, teacher)
    return columns


def _check_distinct(
    columns: Sequence[int], outputs: Sequence[str], names: Sequence[str], teacher: str
) -> None:
    classes = defaultdict[int, list[str]](list)
    for column, name in zip(columns, names, strict=True):
        classes[column].append(name)
    shared = [
        f"{' and '.join(map(repr, alike))} (both are its {outputs[column]!r})"
        for column, alike in classes.items()
        if len(alike) > 1
    ]
    if shared:
        raise ModelMismatchError(
            f"the teacher {teacher} cannot tell some of the classes apart by name: "
            f"{_some(shared)}; call the classes as the teacher calls them"
        )


def _answers(exact: Index, loose: Index, names: Sequence[str]) -> frozenset[int]:
    """The outputs that a class may be: one, if any of its names is clear; none, if it is unknown.

    An exact name is tried before a loose one, and a class's own name before its readable one.
    """
    tried = [hit for name in names for hit in (exact.get(_plain(name)), loose.get(_loose(name)))]
    hits = [hit for hit in tried if hit]
    return min(hits, key=lambda hit: len(hit) > 1, default=frozenset())


def _indices(outputs: Sequence[str]) -> tuple[Index, Index]:
    """Exact and loose names -> outputs."""
    exact, loose = defaultdict[str, set[int]](set), defaultdict[str, set[int]](set)
    known = imagenet_classes()
    for column, (label, one) in enumerate(zip(outputs, _ids(outputs), strict=True)):
        # "cardigan" is the whole label of the garment, but a folder of that name may be of dogs:
        # where there are ids, a label is exact no more than any other word.
        for name in (label,) if one is None else (one, known[one].name):
            exact[_plain(name)].add(column)
        for word in _words(label, known.get(one or "")):
            loose[_loose(word)].add(column)
    return _frozen(exact), _frozen(loose)


def _frozen(index: Mapping[str, set[int]]) -> Index:
    return {name: frozenset(columns) for name, columns in index.items()}


def _ids(outputs: Sequence[str]) -> tuple[str | None, ...]:
    """The WordNet id of each output, where it is known: of ImageNet-1k, or its own label."""
    known = imagenet_classes()
    return ids_of(outputs) or tuple(label if label in known else None for label in outputs)


def _words(label: str, known: ImageNetClass | None) -> Iterator[str]:
    yield label
    yield from label.split(",")
    if known is not None:
        yield known.name
        yield from known.words


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _loose(name: str) -> str:
    return _plain(name.casefold()).replace("_", " ").replace("-", " ").strip()


def _some(shown: Sequence[str]) -> str:
    text = ", ".join(shown[:5])
    return text if len(shown) <= 5 else f"{text} and {len(shown) - 5} more"
