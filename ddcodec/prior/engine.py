"""Execute a prior's networks (spec/prior.md, "Profiles").

``Engine`` is what the rest of ddcodec knows. ``LatentEngine`` is what all engines share: chunks,
scales, checks and pixels; ``float_engine`` and ``exact_engine`` say how a network is run.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, Protocol

import numpy as np
import torch
from torch import Tensor

from ddcodec.arrays import UInt8s
from ddcodec.errors import DecodeError, EncodeError
from ddcodec.prior.text import embed_prompt

__all__ = ["Engine", "LatentEngine", "NetworkName"]

NetworkName = Literal["text_encoder", "unet", "vae"]


class Engine(Protocol):
    """One way to execute a prior; its results depend on the arguments' rows one by one.

    Attributes:
        profile: its name in a recipe.
        batch: ``batch`` in a recipe: the samples a network call holds where that fixes the
            results, else 0.
        weights: ``weights`` in a recipe: digest of the integer weights, or None.
        chunk: pictures worth making together; more of them take memory and save nothing.
        backend: what does the arithmetic, for reports.
        device: where latents and hidden states live.
    """

    @property
    def profile(self) -> str: ...
    @property
    def batch(self) -> int: ...
    @property
    def weights(self) -> bytes | None: ...
    @property
    def chunk(self) -> int: ...
    @property
    def backend(self) -> str: ...
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

    def decode(self, latents: Tensor) -> UInt8s:
        """Latents [n, c, h, w] on the diffusion's scale -> uint8 [n, height, width, 3]."""
        ...

    def encode(self, images: UInt8s) -> Tensor:
        """uint8 [n, height, width, 3] -> mean latents float32 [n, c, h, w]."""
        ...


class LatentEngine(ABC):
    """An ``Engine`` over three networks; subclasses say how a network is run.

    Args:
        device: where the networks are.
    """

    def __init__(self, *, device: torch.device) -> None:
        self.device = device

    @abstractmethod
    def _run(self, name: NetworkName, function: Callable[..., Tensor], *arguments: Any) -> Tensor:
        """``function(network, *arguments)``, as this engine executes the network."""

    @abstractmethod
    def _config(self, name: NetworkName) -> Any:
        """A network's configuration."""

    @abstractmethod
    def _samples(self, name: NetworkName, positions: int) -> int:
        """How many samples a call of a network holds, where its largest map has ``positions``."""

    def _fill(self, chunk: list[Tensor], size: int) -> list[Tensor]:
        """A chunk as the networks get it; what a longer one adds to the results is cut off."""
        return chunk

    def encode_text(
        self, token_ids: Tensor, vectors: Tensor | None = None, positions: Sequence[int] = ()
    ) -> Tensor:
        inputs = [token_ids]
        if vectors is not None:
            learned = vectors.to(torch.float32)
            learned = learned[None] if learned.ndim == 2 else learned
            inputs = [token_ids.expand(len(learned), -1), learned]

        def call(ids: Tensor, learned: Tensor | None = None) -> Tensor:
            return self._run("text_encoder", embed_prompt, ids, learned, positions)

        return self._chunked(call, self._samples("text_encoder", token_ids.shape[1]), *inputs)

    def predict(self, x: Tensor, timestep: float, hidden: Tensor) -> Tensor:
        if len(hidden) != len(x):
            raise DecodeError(f"{len(hidden)} prompts were given for {len(x)} latents")
        t = torch.tensor(timestep, dtype=torch.float32, device=self.device)

        def call(sample: Tensor, context: Tensor) -> Tensor:
            return self._run("unet", _predicted, sample, t, context)

        return self._chunked(call, self._samples("unet", x.shape[2] * x.shape[3]), x, hidden)

    def decode(self, latents: Tensor) -> UInt8s:
        def call(z: Tensor) -> Tensor:
            return _to_uint8(self._run("vae", _decoded, z))

        factor = 2 ** (len(self._config("vae").block_out_channels) - 1)
        size = self._samples("vae", latents.shape[2] * latents.shape[3] * factor**2)
        return self._chunked(call, size, latents / self._scale()).cpu().numpy()

    def encode(self, images: UInt8s) -> Tensor:
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3:
            raise EncodeError(f"expected uint8 [n, h, w, 3], not {images.dtype} {images.shape}")

        def call(y: Tensor) -> Tensor:
            return self._run("vae", _mean_latents, y)

        # Through float32 on the way in: u - 127.5 is exact, and the division rounds once.
        pixels = torch.from_numpy(np.ascontiguousarray(images)).to(self.device)
        y = (pixels.permute(0, 3, 1, 2).float() - 127.5) / torch.tensor(127.5, device=self.device)
        size = self._samples("vae", y.shape[2] * y.shape[3])
        return self._chunked(call, size, y) * self._scale()

    def _scale(self) -> Tensor:
        # A tensor on the device: division by a Python number may become a multiplication.
        factor = self._config("vae").scaling_factor
        return torch.tensor(factor, dtype=torch.float32, device=self.device)

    def _chunked(self, call: Callable[..., Tensor], size: int, *inputs: Tensor) -> Tensor:
        """Apply a network to chunks of at most ``size`` samples."""
        count = len(inputs[0])
        if count == 0:
            raise DecodeError("no samples were given; ask for at least one image")
        outputs = []
        with _inference():
            for start in range(0, count, size):
                chunk = [v[start : start + size].to(self.device) for v in inputs]
                full = self._fill(chunk, size)
                outputs.append(call(*(v.contiguous() for v in full))[: len(chunk[0])])
        return torch.cat(outputs)


def _predicted(unet: Any, sample: Tensor, t: Tensor, context: Tensor) -> Tensor:
    out: Tensor = unet(sample, t, context, return_dict=False)[0]
    return out


def _decoded(vae: Any, z: Tensor) -> Tensor:
    out: Tensor = vae.decode(z, return_dict=False)[0]
    return out


def _mean_latents(vae: Any, y: Tensor) -> Tensor:
    # Not vae.encode, which also takes the exponential of the variance that nobody asked for.
    mean, _ = vae._encode(y).chunk(2, dim=1)
    out: Tensor = mean
    return out


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
