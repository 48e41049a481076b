"""Execute a prior with ordinary PyTorch operations (spec/prior.md, "float")."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor

from ddcodec.errors import EncodeError
from ddcodec.prior.engine import LatentEngine
from ddcodec.prior.families import TEXT_ENCODERS, NetworkName
from ddcodec.recipe.profiles import FLOAT

__all__ = ["FloatEngine", "Networks"]

T = TypeVar("T")


class Networks(Protocol):
    """The networks of a latent text-to-image pipeline, float32, frozen.

    A second text encoder, ``text_encoder_2``, is there where the prior has one.
    """

    @property
    def text_encoder(self) -> Any: ...
    @property
    def unet(self) -> Any: ...
    @property
    def vae(self) -> Any: ...


class FloatEngine(LatentEngine):
    """Ordinary float32 execution at a pinned batch shape.

    In floating point a sample's result can depend on how many samples share its batch, so every
    network call holds exactly ``batch`` samples: a short chunk is filled up with its last sample,
    and the surplus is cut off. Text is encoded one prompt at a time, for the same reason.

    Args:
        networks: float32, in eval mode, on ``device``.
        batch: the recipe's batch shape, at least 1.
    """

    profile = FLOAT
    backend = "float"
    weights: bytes | None = None

    def __init__(self, networks: Networks, *, device: torch.device, batch: int) -> None:
        if batch < 1:
            raise EncodeError(f"a batch of {batch} images is not possible; give 1 or more")
        super().__init__(device=device)
        self.batch = self.chunk = batch
        self._networks = networks

    def _config(self, name: NetworkName) -> Any:
        return getattr(self._networks, name).config

    def _samples(self, name: NetworkName, positions: int) -> int:
        return 1 if name in TEXT_ENCODERS else self.batch

    def _run(self, name: NetworkName, function: Callable[..., T], *arguments: Any) -> T:
        return function(getattr(self._networks, name), *arguments)

    def _fill(self, chunk: list[Tensor], size: int) -> list[Tensor]:
        missing = size - len(chunk[0])
        return [torch.cat([v, v[-1:].expand(missing, *v.shape[1:])]) for v in chunk]
