"""Ways to spend a budget of bytes: which are considered, and how each is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ddcodec.encoding.costs import Costs, label_bytes_each
from ddcodec.encoding.option_fields import LabelKind
from ddcodec.errors import RequestError
from ddcodec.methods import get_method
from ddcodec.recipe.head import MAX_IPC, MAX_ROWS

__all__ = ["Filling", "Setting", "considered", "parse_filling"]

_COARSE = (0.6, 0.8, 1.0, 1.3, 1.7, 2.5)
"""Bytes of a picture, as a share of what it takes at the quality that budgets begin with."""
_FINEST = 0.25
"""Of pictures that are finer still, students learn no more."""
_VIEWS = (15, 30, 60, 120)
_LABELS = (0.5, 1.0, 2.0)
"""Bytes of a label, as a share of what budgets are planned with."""
_MANY = 300
"""Views where labels cost nothing, because a teacher is in the file."""
_SLOTS = 16
"""Slots of each class, where each label has a picture of its own, drawn from the prior: as many as
collages of 2 x 2 and of 4 x 4 have cells for, so that none is drawn in vain."""
_DRAWN_LABELS = (1.0, 2.0, 4.0)
"""Bytes of a label of such pictures, likewise."""


@dataclass(frozen=True)
class Filling:
    """A method with options, and its kind of labels.

    Attributes:
        method: its name.
        options: its own options, by name.
        labels: kind of labels.
    """

    method: str
    options: tuple[tuple[str, str], ...] = ()
    labels: LabelKind = "soft"

    def __str__(self) -> str:
        return " ".join([self.method, *(f"{key}={value}" for key, value in self.options)])


def parse_filling(text: str) -> Filling:
    """A method and its options from ``NAME`` or ``NAME:KEY=VALUE,KEY=VALUE``.

    Raises:
        RequestError: there is no such method or option, or a value is none of its.

    >>> str(parse_filling("rded:select=submodular,images=100"))
    'rded select=submodular images=100'
    """
    name, _, rest = text.partition(":")
    pairs = []
    for part in filter(None, rest.split(",")):
        key, equals, value = part.partition("=")
        if not equals:
            raise RequestError(f"{part!r} in {text!r} is not KEY=VALUE")
        pairs.append((key, value))
    get_method(name).from_options(dict(pairs))
    return Filling(name, tuple(pairs))


@dataclass(frozen=True)
class Setting:
    """One way to spend a budget.

    Attributes:
        budget: bytes of the file.
        filling: method and kind of labels.
        ipc, views: shape of the table.
        label_bytes: of all soft labels, or of the teacher that is stored in their place; 0 of
            hard ones.
        coarseness: bytes that a picture takes at the quality that budgets begin with, relative to
            those it gets; 0 where none is stored.
        fixed: bytes of all but pictures and labels.
        label: bytes of a soft label, relative to those budgets are planned with; 0 of other kinds.
    """

    budget: int
    filling: Filling
    ipc: int
    views: int
    label_bytes: int
    coarseness: float
    fixed: float
    label: float

    @property
    def variations(self) -> int:
        """Pictures of each slot: under a budget, an encode draws one for each view it labels."""
        return self.views if _draws(self.filling) else 1

    def options(self) -> dict[str, Any]:
        """Of the encode: keyword arguments of :func:`ddcodec.encode`."""
        filling = self.filling
        options: dict[str, Any] = {
            "method": filling.method,
            "budget": self.budget,
            "ipc": self.ipc,
            "views": self.views,
            "options": dict(filling.options),
        }
        if filling.labels != "soft":
            options["labels"] = filling.labels
        elif self.coarseness:
            options["label_bytes"] = self.label_bytes
        return options

    def sections(self) -> dict[str, int]:
        """Expected bytes of pictures, labels and the rest."""
        rest = round(min(self.fixed, self.budget))
        labels = self.label_bytes if self.coarseness else self.budget - rest
        pictures = self.budget - rest - labels if self.coarseness else 0
        return {"pictures": pictures, "labels": labels, "rest": rest}


def considered(
    budget: int, filling: Filling, costs: Costs, counts: Sequence[int]
) -> Iterator[Setting]:
    """The ways to spend a budget on a filling, of pictures and labels that take so many bytes.

    Args:
        budget: bytes of the file.
        filling: method and labels.
        costs: at the quality that budgets begin with.
        counts: pictures of each class of the source.
    """
    classes = len(counts)
    most = min(counts) if get_method(filling.method).stores_pictures else MAX_IPC
    soft, digest = filling.labels == "soft", costs.slot - costs.picture
    room = (budget - costs.fixed) / classes
    if _draws(filling) and not costs.picture:
        yield from _drawn(budget, filling, costs, classes)
        return
    for views in _VIEWS if filling.labels != "teacher" else (_MANY,):
        for share in _LABELS if soft else (0.0,):
            beside = digest + views * share * label_bytes_each(classes)
            for coarse in _COARSE if costs.picture else (1.0,):
                rows = MAX_ROWS // (classes * views)
                ipc = min(most, rows, int(room / (coarse * costs.picture + beside)))
                if ipc < 1:
                    continue
                # Of few pictures each has what the budget gives.
                picture = room / ipc - beside
                yield Setting(
                    budget=budget,
                    filling=filling,
                    ipc=ipc,
                    views=views,
                    label_bytes=round(costs.teacher + classes * ipc * (beside - digest)),
                    coarseness=max(_FINEST, costs.picture / picture) if costs.picture else 0.0,
                    fixed=costs.fixed - costs.teacher + classes * ipc * digest,
                    label=share,
                )


def _draws(filling: Filling) -> bool:
    """Whether each label has a picture of its own, drawn from the prior."""
    return filling.labels == "soft" and get_method(filling.method).generates


def _drawn(budget: int, filling: Filling, costs: Costs, classes: int) -> Iterator[Setting]:
    """Labels take all bytes: the fewer each of them, the more pictures."""
    for share in _DRAWN_LABELS:
        each = share * label_bytes_each(classes)
        room = (budget - costs.fixed) / classes
        ipc = min(_SLOTS, int(room / (each + costs.slot)))
        if ipc < 1:
            continue
        views = min(int((room / ipc - costs.slot) / each), MAX_ROWS // (classes * ipc))
        yield Setting(
            budget=budget,
            filling=filling,
            ipc=ipc,
            views=views,
            label_bytes=round(classes * ipc * views * each),
            coarseness=0.0,
            fixed=costs.fixed + classes * ipc * costs.slot,
            label=share,
        )


def plain(settings: Sequence[Setting]) -> Setting:
    """The one that budgets begin with: its quality, its bytes per label, and as many views."""

    def far(setting: Setting) -> float:
        return (
            abs(setting.coarseness - 1)
            + abs(setting.label - 1)
            + abs(setting.views - _VIEWS[1]) / 100
        )

    return min(settings, key=far)


def known_by(setting: Setting) -> Mapping[str, Any]:
    """All of a setting as plain values, which a finished pilot is kept by."""
    options = setting.options()
    return {**options, "options": sorted(options["options"].items())}
