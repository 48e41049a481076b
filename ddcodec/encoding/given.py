"""Soft labels that others' files hold, in place of those that a teacher would give."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ddcodec.container import NewSection
from ddcodec.recipe.fields import Ratio
from ddcodec.recipe.head import Head
from ddcodec.recipe.view import View

if TYPE_CHECKING:
    from ddcodec.labels.encoder.label_set import Logits

__all__ = ["GivenLabels"]


def _none(head: Head) -> Sequence[NewSection]:
    return ()


@dataclass(frozen=True, eq=False)
class GivenLabels:
    """Soft labels of every slot and view, brought from elsewhere.

    Attributes:
        logits: [classes x ipc, views, K] in 1/64 nat, centred, in the order of the artifact's
            classes and slots.
        digest: SHA-256 (hex) of what they were read from: pieces of one job are no other's.
        temperature: at which they are to be read.
        view: what views vary; of plain images, the identity.
        sections: sections that a draft needs besides its pictures and seeds to show these views;
            none by default.
        coded: label sections that are ready, such as lists of the largest logits, which are kept as
            they are; by default logits are coded as a teacher's are.
    """

    logits: Logits
    digest: str
    temperature: Ratio = (1, 1)
    view: View = field(default_factory=View)
    sections: Callable[[Head], Sequence[NewSection]] = _none
    coded: Callable[[Head], Sequence[NewSection]] | None = None

    @property
    def views(self) -> int:
        """Views of each image."""
        return self.logits.shape[1]
