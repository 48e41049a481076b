"""The conditioning of the U-Net by prompts (spec/prior.md, "Text")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ddcodec.errors import DecodeError

__all__ = ["Conditioning"]


@dataclass(frozen=True, eq=False)
class Conditioning:
    """What the text encoders make of n prompts, a row for each.

    Attributes:
        hidden: float32 [n, tokens, width], the hidden states; those of two encoders side by side.
        pooled: float32 [n, pooled width], the second encoder's projection of a whole prompt; None
            for a prior with one encoder.

    Raises:
        DecodeError: the two have different numbers of rows.
    """

    hidden: Tensor
    pooled: Tensor | None = None

    def __post_init__(self) -> None:
        if self.pooled is not None and len(self.pooled) != len(self.hidden):
            raise DecodeError(
                f"{len(self.hidden)} hidden states do not fit {len(self.pooled)} pooled ones"
            )

    def __len__(self) -> int:
        return len(self.hidden)

    def __getitem__(self, rows: slice | Sequence[int] | Tensor) -> Conditioning:
        """Some rows, in the order asked for."""
        return Conditioning(self.hidden[rows], None if self.pooled is None else self.pooled[rows])

    @property
    def nbytes(self) -> int:
        return self.hidden.nbytes + (0 if self.pooled is None else self.pooled.nbytes)

    def expand(self, count: int) -> Conditioning:
        """One prompt for ``count`` pictures."""
        return self[:1][[0] * count]

    def clone(self) -> Conditioning:
        """The same in memory of its own."""
        return Conditioning(
            self.hidden.clone(), None if self.pooled is None else self.pooled.clone()
        )

    @staticmethod
    def concatenate(parts: Sequence[Conditioning]) -> Conditioning:
        """The rows of all parts, which are of one prior."""
        pooled = [part.pooled for part in parts if part.pooled is not None]
        hidden = torch.cat([part.hidden for part in parts])
        return Conditioning(hidden, torch.cat(pooled) if pooled else None)
