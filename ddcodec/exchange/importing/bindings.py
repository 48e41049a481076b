"""Names bound to indices of classes: by the files, a known order, or a file of the user's."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ddcodec.errors import RequestError, SourceError
from ddcodec.exchange.importing.base import Found
from ddcodec.exchange.importing.orders import fitting_orders, known_orders, order_of
from ddcodec.sources.folder import ImageFolder

__all__ = ["Binding", "bound"]

_SHOWN = 3


@dataclass(frozen=True)
class Binding:
    """The classes of a source in index order.

    Attributes:
        classes: their names.
        origin: where these come from, for people.
        known: the known order that this is; None of any other.
        places: for each class, its index in the source.
    """

    classes: tuple[str, ...]
    origin: str
    known: str | None
    places: tuple[int, ...]

    def folder(self, found: ImageFolder) -> ImageFolder:
        """Folders in this order, called so."""
        return replace(
            found,
            classes=self.classes,
            files=tuple(found.files[c] for c in self.places),
            folders=tuple(found.folders[c] for c in self.places),
        )


def bound(found: Found, spec: str | None) -> Binding:
    """What the classes of a source are called, never by a guess.

    Args:
        found: the source.
        spec: an order by its name, or a file; None to go by the source alone.

    Raises:
        RequestError: nothing says what the classes are called, or the order is of other classes.
        SourceError: labels are over another number of classes than the source names.
    """
    count = found.class_count
    own = tuple(range(count))
    if found.names is not None:
        if found.soft is not None and found.soft.shape[1] != count:
            raise SourceError(
                f"labels are over {found.soft.shape[1]:,} classes, and the source names {count:,}: "
                "the files do not belong together"
            )
        return _by_name(found.names, spec)
    spec = spec or found.order
    if spec is None:
        raise RequestError(
            f"the source numbers its {count:,} classes and does not name them, and sets differ in "
            f"their order: name it as classes='NAME', of {', '.join(fitting_orders(count))}, or "
            "give a file with a class on each line"
        )
    classes = order_of(spec, count)
    return Binding(classes, spec if spec in known_orders() else "numbers", _known(classes), own)


def _by_name(names: tuple[str, ...], spec: str | None) -> Binding:
    """Classes that the files name, perhaps in another order."""
    if spec is None:
        return Binding(names, "names of the source", _known(names), tuple(range(len(names))))
    classes = order_of(spec, len(names))
    places = {name: place for place, name in enumerate(names)}
    unknown = [name for name in classes if name not in places]
    if unknown:
        raise RequestError(
            f"classes={spec!r} has {', '.join(map(repr, unknown[:_SHOWN]))}, and the source calls "
            f"its classes {', '.join(map(repr, names[:_SHOWN]))}, ...: give an order of these"
        )
    return Binding(classes, spec, _known(classes), tuple(places[name] for name in classes))


def _known(classes: tuple[str, ...]) -> str | None:
    return next((name for name, one in known_orders().items() if one.classes == classes), None)
