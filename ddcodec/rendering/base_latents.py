"""The latents that image2image starts from: of stored patches, or stored themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ddcodec.arrays import Row, UInt64s
from ddcodec.byte_cache import ByteCache
from ddcodec.errors import DecodeError
from ddcodec.randomness import mixup_partners
from ddcodec.recipe.synthesis import Image2Image
from ddcodec.synthesis.resample import resize
from ddcodec.table.table import Table

if TYPE_CHECKING:
    from torch import Tensor

    from ddcodec.prior.load import Prior

__all__ = ["BaseLatents"]


class BaseLatents:
    """Base latents of generated pictures, by (class index, number in its class).

    Args:
        table: the open table.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        # Variations of a picture start from one latent, which is made once.
        self._kept: ByteCache[Row, Tensor] = ByteCache(table.kept, lambda latent: latent.nbytes)

    @property
    def _synthesis(self) -> Image2Image:
        synthesis = self._table.head.recipe.synthesis
        assert isinstance(synthesis, Image2Image), "only image2image starts from latents"
        return synthesis

    def of(self, prior: Prior, pictures: Sequence[Row], seeds: UInt64s) -> Tensor:
        """float32 [n, c, h, w] on the prior's device, mixed with partners where the recipe mixes.

        Args:
            pictures: (class index, number) of each.
            seeds: uint64 [n], of the variation of each.

        Raises:
            DecodeError: stored latents are not of the prior's shape.

        Source: spec/image2image.md, "Latents" and "Mixup".
        """
        from ddcodec.rendering.image2image import mix_latents

        numerator, denominator = self._synthesis.share
        if numerator == denominator:
            return self._unmixed(prior, pictures)
        numbers = mixup_partners(seeds, [number for _, number in pictures]).tolist()
        partners = [(c, number) for (c, _), number in zip(pictures, numbers, strict=True)]
        both = self._unmixed(prior, [*pictures, *partners])
        return mix_latents(both[: len(pictures)], both[len(pictures) :], self._synthesis.share)

    def _unmixed(self, prior: Prior, pictures: Sequence[Row]) -> Tensor:
        import torch

        kept = {row: self._kept.peek(row) for row in dict.fromkeys(pictures)}
        found = {row: latent for row, latent in kept.items() if latent is not None}
        new = [row for row in kept if row not in found]
        if new:
            make = self._encoded if self._synthesis.base == "patches" else self._stored
            for row, latent in zip(new, make(prior, new), strict=True):
                found[row] = latent
                # A copy: a row of a batch would keep the whole batch in memory.
                self._kept.put(row, latent.clone())
        return torch.stack([found[row] for row in pictures])

    def _encoded(self, prior: Prior, pictures: Sequence[Row]) -> Tensor:
        from ddcodec.rendering.image2image import patch_latents

        width, height = self._synthesis.size
        per = self._table.head.recipe.patches_per_slot
        # Resized one by one: patches of other sections may have another size.
        patches = [
            resize(self._table.patches(c, q // per)[q % per][None], height, width)
            for c, q in pictures
        ]
        return patch_latents(prior, np.concatenate(patches), (width, height))

    def _stored(self, prior: Prior, pictures: Sequence[Row]) -> Tensor:
        import torch

        width, height = self._synthesis.size
        per, shape = self._table.head.recipe.patches_per_slot, prior.latent_shape(height, width)
        latents = [self._table.latents(c, q // per)[q % per] for c, q in pictures]
        for latent in latents:
            if latent.shape != shape:
                raise DecodeError(
                    f"stored latents of shape {latent.shape} are not the prior's, which are "
                    f"{shape} for pictures of {width}x{height}; the artifact is damaged, or was "
                    "made with another prior"
                )
        return torch.from_numpy(np.stack(latents)).to(prior.device)
