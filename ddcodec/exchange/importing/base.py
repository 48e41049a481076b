"""The interface of foreign formats: what tells one, and what its files hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from ddcodec.arrays import Int64s
from ddcodec.errors import RequestError
from ddcodec.exchange.importing.normalisation import Normalisation
from ddcodec.exchange.importing.place import Place
from ddcodec.exchange.importing.stack import Stack
from ddcodec.recipe.fields import Ratio
from ddcodec.sources.folder import ImageFolder

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Format", "Found", "LabelValues", "Wanted", "soft_or_hard"]

LabelValues = Literal["auto", "logits", "probabilities"]


class Wanted(NamedTuple):
    """What a reader may be told.

    Attributes:
        which: of several sets; None for the last or best.
        factor: tiles on a side of IDC's pictures; None to look for it in the folder's name.
        label_values: what rows of numbers are, where a user says so.
    """

    which: str | None = None
    factor: int | None = None
    label_values: LabelValues = "auto"


@dataclass(frozen=True, eq=False)
class Found:
    """What the files of a format hold.

    Attributes:
        files: names of those that were read.
        pictures: as their files have them; folders have one of these for each class.
        hard: int64 [N], indices of classes; None where labels are rows alone, or folders.
        soft: floating-point [N, K], a row for each picture; None where labels are hard.
        soft_kind: what these rows are.
        temperature: at which students read them.
        names: of classes in index order, where the files say; else they are numbers.
        order: the known order that the format's code has, by its name.
        normalised: by what pictures are normalised, where format or files say.
        normalised_as: the same where it depends on the classes: known order -> name.
        shown: (width, height) at which pictures are shown, where they are stored smaller.
        recipe: further numbers of the source as text, such as ``lr``.
        warnings: one sentence each.
    """

    files: tuple[str, ...]
    pictures: Stack | ImageFolder
    hard: Int64s | None = None
    soft: Tensor | None = None
    soft_kind: Literal["logits", "probabilities"] = "logits"
    temperature: Ratio = (1, 1)
    names: tuple[str, ...] | None = None
    order: str | None = None
    normalised: Normalisation | None = None
    normalised_as: Mapping[str, str] = field(default_factory=dict)
    shown: tuple[int, int] | None = None
    recipe: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def class_count(self) -> int:
        """K."""
        if self.names is not None:
            return len(self.names)
        if isinstance(self.pictures, ImageFolder):
            return len(self.pictures.classes)
        if self.soft is not None:
            return int(self.soft.shape[1])
        assert self.hard is not None
        return int(self.hard.max()) + 1


@dataclass(frozen=True)
class Format:
    """A foreign format.

    Attributes:
        name: as users spell it.
        summary: whose it is and what its files are, in one line.
        fits: what in a place tells that it is of this format; None where nothing does.
        read: reads a place that fits.
    """

    name: str
    summary: str
    fits: Callable[[Place], str | None]
    read: Callable[[Place, Wanted], Found]


def soft_or_hard(
    labels: Tensor, name: str, said: LabelValues
) -> tuple[Int64s | None, Tensor | None, Literal["logits", "probabilities"]]:
    """Labels as (indices, rows, what rows are), one of the first two None.

    Raises:
        RequestError: rows that may be logits or probabilities; nobody but the user knows.
    """
    if not labels.is_floating_point():
        return labels.numpy().astype(np.int64), None, "logits"
    if said != "auto":
        return None, labels, said
    sums = labels.sum(dim=1)
    if bool((labels >= 0).all()) and bool(((sums - 1).abs() < 1e-3).all()):
        raise RequestError(
            f"each row of {name} adds up to 1, as probabilities do, and may yet be logits: say so "
            "as label_values='probabilities' or label_values='logits'"
        )
    return None, labels, "logits"
