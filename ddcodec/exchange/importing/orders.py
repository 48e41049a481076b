"""Orders of classes: the names of indices that files of numbers leave out.

The known ones are in ``orders.json``, read in the data sets' own files; ImageNet-1k's is that of
:mod:`ddcodec.imagenet`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from ddcodec.errors import MissingFileError, RequestError, shown
from ddcodec.imagenet import classes as imagenet_classes
from ddcodec.suggestions import did_you_mean

__all__ = ["NUMBERS", "Order", "fitting_orders", "known_orders", "order_of"]

NUMBERS = "numbers"
"""The order in which class 7 is called ``7``, or ``007`` of a thousand: no names at all."""

_MAX_BYTES = 1 << 26


class Order(NamedTuple):
    """A known order: what it is, and its classes in index order."""

    summary: str
    classes: tuple[str, ...]


@cache
def known_orders() -> Mapping[str, Order]:
    """Name -> order.

    >>> known_orders()["cifar10"].classes[:2], len(known_orders()["tinyimagenet"].classes)
    (('airplane', 'automobile'), 200)
    """
    text = Path(__file__).with_name("orders.json").read_text(encoding="utf-8")
    found = {name: Order(one["summary"], tuple(one["classes"])) for name, one in _items(text)}
    found["imagenet"] = Order(
        "ImageNet-1k's 1,000 WordNet ids, sorted as its folders are", tuple(imagenet_classes())
    )
    return found


def _items(text: str) -> list[tuple[str, dict[str, str]]]:
    return list(json.loads(text).items())


def fitting_orders(count: int) -> list[str]:
    """The names of known orders of so many classes, and ``numbers``."""
    return [*(name for name, one in known_orders().items() if len(one.classes) == count), NUMBERS]


def order_of(spec: str, count: int) -> tuple[str, ...]:
    """The classes that a user names, in index order.

    Args:
        spec: the name of a known order; ``numbers``; or a text file with a class on each line.
        count: classes that there are, K.

    Raises:
        RequestError: no such order or file, or one of another number of classes.

    >>> order_of("numbers", 11)[-2:]
    ('09', '10')
    """
    if spec == NUMBERS:
        digits = len(str(count - 1))
        return tuple(f"{number:0{digits}}" for number in range(count))
    known = known_orders().get(spec)
    classes = _from_file(spec) if known is None else known.classes
    if len(classes) != count:
        raise RequestError(
            f"classes={spec!r} has {len(classes):,} classes, and the labels {count:,}: "
            f"of that many are {', '.join(fitting_orders(count))}"
        )
    return classes


def _from_file(spec: str) -> tuple[str, ...]:
    path = Path(spec)
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise RequestError(f"{spec} is too large for a list of classes; give another file")
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError as error:
        names = [*known_orders(), NUMBERS]
        raise MissingFileError(
            f"classes={spec!r} is neither a file nor a known order{did_you_mean(spec, names)}; "
            f"known: {', '.join(names)}"
        ) from error
    except OSError as error:
        raise RequestError(f"cannot read {spec} ({error.strerror}): check the path") from error
    except UnicodeDecodeError as error:
        raise RequestError(f"{spec} is not UTF-8 text; write a class on each line") from error
    classes = tuple(line.strip() for line in lines if line.strip())
    twice = next((name for name in classes if classes.count(name) > 1), None)
    if not classes or twice is not None:
        why = "is empty" if twice is None else f"names class {shown(twice)} twice"
        raise RequestError(f"{spec} {why}; write every class on a line of its own, in index order")
    return classes
