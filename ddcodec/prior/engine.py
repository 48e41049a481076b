"""Execute a prior's networks (spec/prior.md, "Engine" and "Float profile").

``Engine`` is what the rest of ddcodec knows; ``FloatEngine`` runs the networks with ordinary
PyTorch operations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ddcodec.errors import DecodeError, EncodeError
from ddcodec.prior.text import embed_prompt

__all__ = ["Engine", "FloatEngine", "Images", "Networks"]

Images = npt.NDArray[np.uint8]


class Networks(Protocol):
    """The three networks of a latent text-to-image pipeline, float32, frozen."""

    @property
    def text_encoder(self) -> Any: ...
    @property
    def unet(self) -> Any: ...
    @property
    def vae(self) -> Any: ...


class Engine(Protocol):
    """One way to execute a prior; its results depend on the arguments' rows one by one.

    Attributes:
        profile: its name in a recipe.
        batch: samples a network call holds (it fixes the results in the float profile).
        device: where latents and hidden states live.
    """

    @property
    def profile(self) -> str: ...
    @property
    def batch(self) -> int: ...
    @property
    def device(self) -> torch.device: ...

    def encode_text(
        self, token_ids: Tensor, vectors: Tensor | None = None, positions: Sequence[int] = ()
    ) -> Tensor:
        """Token ids int64 [n, tokens] -> hidden states float32 [n, tokens, width].

        Args:
            vectors: learned token vectors, [n, len(positions), width] or, for one prompt,
                [len(positions), width]; any float type.
            positions: where they replace rows of the token embedding.
        """
        ...

    def predict(self, x: Tensor, timestep: float, hidden: Tensor) -> Tensor:
        """Model input [n, c, h, w] and hidden states [n, tokens, width] -> output [n, c, h, w]."""
        ...

    def decode(self, latents: Tensor) -> Images:
        """Latents [n, c, h, w] on the diffusion's scale -> uint8 [n, height, width, 3]."""
        ...

    def encode(self, images: Images) -> Tensor:
        """uint8 [n, height, width, 3] -> mean latents float32 [n, c, h, w]."""
        ...


class FloatEngine:
    """Ordinary float32 execution at a pinned batch shape.

    In floating point a sample's result can depend on how many samples share its batch, so every
    network call holds exactly ``batch`` samples: a short chunk is filled up with its last sample,
    and the surplus is cut off. Text is encoded one prompt at a time, for the same reason.

    Args:
        networks: float32, in eval mode, on ``device``.
        batch: the recipe's batch shape, at least 1.
    """

    profile = "float"

    def __init__(self, networks: Networks, *, device: torch.device, batch: int) -> None:
        if batch < 1:
            raise EncodeError(f"a batch of {batch} images is not possible; give 1 or more")
        self._networks = networks
        self.device = device
        self.batch = batch

    def encode_text(
        self, token_ids: Tensor, vectors: Tensor | None = None, positions: Sequence[int] = ()
    ) -> Tensor:
        rows = token_ids.to(self.device)
        learned = None
        if vectors is not None:
            learned = vectors.to(self.device, torch.float32)
            learned = learned[None] if learned.ndim == 2 else learned
            rows = rows.expand(len(learned), -1)
        with _inference():
            encoder = self._networks.text_encoder
            hidden = [
                embed_prompt(
                    encoder,
                    rows[i : i + 1],
                    None if learned is None else learned[i : i + 1],
                    positions,
                )
                for i in range(len(rows))
            ]
        return torch.cat(hidden)

    def predict(self, x: Tensor, timestep: float, hidden: Tensor) -> Tensor:
        if len(hidden) != len(x):
            raise DecodeError(f"{len(hidden)} prompts were given for {len(x)} latents")
        t = torch.tensor(timestep, dtype=torch.float32, device=self.device)

        def call(sample: Tensor, context: Tensor) -> Tensor:
            out: Tensor = self._networks.unet(sample, t, context, return_dict=False)[0]
            return out

        return self._batched(call, x, hidden)

    def decode(self, latents: Tensor) -> Images:
        def call(z: Tensor) -> Tensor:
            out: Tensor = self._networks.vae.decode(z, return_dict=False)[0]
            return _to_uint8(out)

        return self._batched(call, latents / self._scale()).cpu().numpy()

    def encode(self, images: Images) -> Tensor:
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3:
            raise EncodeError(f"expected uint8 [n, h, w, 3], not {images.dtype} {images.shape}")

        def call(y: Tensor) -> Tensor:
            out: Tensor = self._networks.vae.encode(y).latent_dist.mode()
            return out

        # Through float32 on the way in: u - 127.5 is exact, and the division rounds once.
        pixels = torch.from_numpy(np.ascontiguousarray(images)).to(self.device)
        y = (pixels.permute(0, 3, 1, 2).float() - 127.5) / torch.tensor(127.5, device=self.device)
        return self._batched(call, y.contiguous()) * self._scale()

    def _scale(self) -> Tensor:
        factor = self._networks.vae.config.scaling_factor
        return torch.tensor(factor, dtype=torch.float32, device=self.device)

    def _batched(self, call: Callable[..., Tensor], *inputs: Tensor) -> Tensor:
        """Apply a network to chunks of exactly ``batch`` samples."""
        count = len(inputs[0])
        if count == 0:
            raise DecodeError("no samples were given; ask for at least one image")
        outputs = []
        with _inference():
            for start in range(0, count, self.batch):
                chunk = [v[start : start + self.batch].to(self.device) for v in inputs]
                missing = self.batch - len(chunk[0])
                full = [torch.cat([v, v[-1:].expand(missing, *v.shape[1:])]) for v in chunk]
                outputs.append(call(*(v.contiguous() for v in full))[: len(chunk[0])])
        return torch.cat(outputs)


def _to_uint8(y: Tensor) -> Tensor:
    """float32 [n, 3, h, w] in -1..1 -> uint8 [n, h, w, 3]: clamp(rne(y * 127.5 + 127.5))."""
    if not bool(torch.isfinite(y).all()):
        raise DecodeError(
            "the prior produced values that are not finite; check the schedule and the token "
            "vectors, or whether the prior fits the artifact"
        )
    scaled = y * 127.5
    rounded = torch.round(scaled + 127.5).clamp(0, 255)
    return rounded.to(torch.uint8).permute(0, 2, 3, 1).contiguous()


@contextmanager
def _inference() -> Iterator[None]:
    """No gradients, no autotuned or reduced-precision convolutions."""
    # TensorFloat-32 convolutions are on by default and would keep 10 bits of the mantissa.
    flags = torch.backends.cudnn.flags(
        enabled=True, benchmark=False, deterministic=True, allow_tf32=False
    )
    with torch.no_grad(), flags:
        yield
