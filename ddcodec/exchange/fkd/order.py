"""Whose images the places of an epoch are, where a tree does not say.

SRe2L and its kin store crops, flips and logits in the order in which a sampler with a seeded
generator showed the images, and not that order. It can be had again: torch's ``RandomSampler``
draws a permutation in each epoch, and, from some version on, a second one that nobody sees.
Labels tell which it was: most of them are highest for the class of their image.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ddcodec.arrays import Int64s
from ddcodec.errors import SourceError
from ddcodec.exchange.fkd.batch import Batch

if TYPE_CHECKING:
    import torch

__all__ = ["SEED", "Agreement", "Sampler", "agreement", "check_agreement"]

SEED = 42
"""Of the sampler's generator, in the code of SRe2L, CDA and D4M."""

# Of labels over K classes one in K is highest for the class of any image; teachers of views do
# so for far more than a tenth of them.
_ABOVE_CHANCE = 0.1


class Agreement(NamedTuple):
    """How often labels are highest for the class that most of their view shows.

    Attributes:
        right: views whose label is.
        views: all of them.
    """

    right: int = 0
    views: int = 0

    def __add__(self, other: object) -> Agreement:
        assert isinstance(other, Agreement)
        return Agreement(self.right + other.right, self.views + other.views)

    @property
    def share(self) -> float:
        return self.right / max(1, self.views)


class Sampler:
    """The orders of epochs, as a seeded ``RandomSampler`` draws them.

    Args:
        images: how many there are.
        seed: of the generator.
        draws: permutations that an epoch draws, of which it shows the first: 2 by a torch of
            today, 1 by an old one.
    """

    def __init__(self, images: int, seed: int = SEED, draws: int = 2) -> None:
        import torch

        self.draws, self._images = draws, images
        self._generator: torch.Generator = torch.Generator().manual_seed(seed)

    def epochs(self) -> Iterator[Int64s]:
        """int64 [images] of one epoch after the other: which image each place shows."""
        import torch

        while True:
            drawn = [
                torch.randperm(self._images, generator=self._generator) for _ in range(self.draws)
            ]
            yield drawn[0].numpy()


def agreement(batch: Batch, classes: Int64s, size: tuple[int, int]) -> Agreement:
    """How well a batch fits its images.

    Args:
        batch: with B labels.
        classes: int64 [B], those of its images.
        size: (width, height) of a view.
    """
    shown = classes
    if batch.partners is not None:
        first, last, start, end = batch.box
        if 2 * (last - first) * (end - start) > size[0] * size[1]:
            shown = classes[batch.partners]
    highest = batch.logits.argmax(axis=1)
    if batch.listed is not None:
        highest = batch.listed[np.arange(len(batch)), highest]
    return Agreement(int((highest == shown).sum()), len(batch))


def check_agreement(found: Agreement, classes: int, how: str) -> None:
    """Refuse labels that are those of other images.

    Args:
        found: of some epochs.
        classes: K.
        how: what says whose labels they are, as the end of a sentence.

    Raises:
        SourceError: with the figures.
    """
    least = 1 / classes + _ABOVE_CHANCE
    if found.share < least and classes > 1:
        raise SourceError(
            f"{100 * found.share:.1f} % of {found.views:,} labels are highest for the class of "
            f"what most of their view shows, {how}; labels of these pictures would do so for at "
            f"least {100 * least:.1f} %. They are labels of other pictures, of another order of "
            "the classes, or of another number of pictures per class"
        )
