"""Execute a prior's networks (spec/prior.md, "Profiles").

``Engine`` is what the rest of ddcodec knows. ``LatentEngine`` is what all engines share: chunks,
scales, checks and pixels; ``float_engine`` and ``exact_engine`` say how a network is run.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor

from ddcodec.arrays import UInt8s
from ddcodec.errors import DecodeError, EncodeError
from ddcodec.prior.conditioning import Conditioning
from ddcodec.prior.families import TEXT_ENCODERS, NetworkName
from ddcodec.prior.text import TokenIds, embed_prompt, joined, split_vectors

__all__ = ["TIME_IDS", "Engine", "LatentEngine"]

T = TypeVar("T")

TIME_IDS = 6
"""Numbers that SDXL's U-Net reads of a picture: original height and width, top and left of the
crop, target height and width, in pixels."""


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
        self, prompts: Sequence[TokenIds], vectors: Tensor | None = None
    ) -> Conditioning:
        """Token ids of n prompts, as each of the prior's text encoders reads them.

        Args:
            prompts: of each encoder, one or two.
            vectors: learned token vectors, [n, positions, width] or, for one prompt,
                [positions, width], where width is the sum of the encoders' widths, in their
                order; any float type. With one row of ids, all of them go into it.
        """
        ...

    def predict(
        self, x: Tensor, timestep: float, prompts: Conditioning, time_ids: Sequence[int] = ()
    ) -> Tensor:
        """Model input [n, c, h, w] and n prompts -> output [n, c, h, w].

        Args:
            time_ids: six for a prior with pooled states (SDXL), else none.
        """
        ...

    def decode(self, latents: Tensor) -> UInt8s:
        """Latents [n, c, h, w] on the diffusion's scale -> uint8 [n, height, width, 3]."""
        ...

    def encode(self, images: UInt8s) -> Tensor:
        """uint8 [n, height, width, 3] -> mean latents float32 [n, c, h, w]."""
        ...


class LatentEngine(ABC):
    """An ``Engine`` over a prior's networks; subclasses say how a network is run.

    Args:
        device: where the networks are.
    """

    def __init__(self, *, device: torch.device) -> None:
        self.device = device

    @abstractmethod
    def _run(self, name: NetworkName, function: Callable[..., T], *arguments: Any) -> T:
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
        self, prompts: Sequence[TokenIds], vectors: Tensor | None = None
    ) -> Conditioning:
        names = TEXT_ENCODERS[: len(prompts)]
        learned: list[Tensor | None] = [None] * len(names)
        if vectors is not None:
            rows = vectors.to(torch.float32)
            rows = rows[None] if rows.ndim == 2 else rows
            learned = [*split_vectors(rows, [self._config(n).hidden_size for n in names])]
        parts = zip(names, prompts, learned, strict=True)
        return joined([self._encoded(n, p, v, len(names) > 1) for n, p, v in parts])

    def _encoded(
        self, name: NetworkName, prompt: TokenIds, vectors: Tensor | None, penultimate: bool
    ) -> tuple[Tensor, ...]:
        inputs = [prompt.ids]
        if vectors is not None:
            inputs = [prompt.ids.expand(len(vectors), -1), vectors]

        def call(ids: Tensor, learned: Tensor | None = None) -> tuple[Tensor, ...]:
            return self._run(name, embed_prompt, ids, learned, prompt.positions, penultimate)

        return self._chunked(call, self._samples(name, prompt.ids.shape[1]), *inputs)

    def predict(
        self, x: Tensor, timestep: float, prompts: Conditioning, time_ids: Sequence[int] = ()
    ) -> Tensor:
        if len(prompts) != len(x):
            raise DecodeError(f"{len(prompts)} prompts were given for {len(x)} latents")
        wanted = 0 if prompts.pooled is None else TIME_IDS
        if len(time_ids) != wanted:
            raise DecodeError(
                f"this prior reads {wanted} time ids, not {len(time_ids)}; pass those of "
                "prior.time_ids(height, width), or as the recipe has them"
            )
        t = torch.tensor(timestep, dtype=torch.float32, device=self.device)
        pooled = [] if prompts.pooled is None else [prompts.pooled]

        def call(sample: Tensor, hidden: Tensor, *more: Tensor) -> tuple[Tensor, ...]:
            ids = [torch.tensor([time_ids] * len(sample), dtype=torch.float32) for _ in more]
            added = [*more, *(i.to(self.device) for i in ids)]
            return (self._run("unet", _predicted, sample, t, hidden, *added),)

        size = self._samples("unet", x.shape[2] * x.shape[3])
        (out,) = self._chunked(call, size, x, prompts.hidden, *pooled)
        return out

    def decode(self, latents: Tensor) -> UInt8s:
        def call(z: Tensor) -> tuple[Tensor, ...]:
            return (_to_uint8(self._run("vae", _decoded, z)),)

        factor = 2 ** (len(self._config("vae").block_out_channels) - 1)
        size = self._samples("vae", latents.shape[2] * latents.shape[3] * factor**2)
        (pixels,) = self._chunked(call, size, latents / self._scale())
        return pixels.cpu().numpy()

    def encode(self, images: UInt8s) -> Tensor:
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3:
            raise EncodeError(f"expected uint8 [n, h, w, 3], not {images.dtype} {images.shape}")

        def call(y: Tensor) -> tuple[Tensor, ...]:
            return (self._run("vae", _mean_latents, y),)

        # Through float32 on the way in: u - 127.5 is exact, and the division rounds once.
        # A copy: torch has no read-only tensors.
        pixels = torch.tensor(images, device=self.device)
        y = (pixels.permute(0, 3, 1, 2).float() - 127.5) / torch.tensor(127.5, device=self.device)
        (means,) = self._chunked(call, self._samples("vae", y.shape[2] * y.shape[3]), y)
        return means * self._scale()

    def _scale(self) -> Tensor:
        # A tensor on the device: division by a Python number may become a multiplication.
        factor = self._config("vae").scaling_factor
        return torch.tensor(factor, dtype=torch.float32, device=self.device)

    def _chunked(
        self, call: Callable[..., tuple[Tensor, ...]], size: int, *inputs: Tensor
    ) -> tuple[Tensor, ...]:
        """Apply a network to chunks of at most ``size`` samples; its outputs, each joined."""
        count = len(inputs[0])
        if count == 0:
            raise DecodeError("no samples were given; ask for at least one image")
        outputs = []
        with _inference():
            for start in range(0, count, size):
                chunk = [v[start : start + size].to(self.device) for v in inputs]
                full = self._fill(chunk, size)
                made = call(*(v.contiguous() for v in full))
                outputs.append([v[: len(chunk[0])] for v in made])
        return tuple(torch.cat(parts) for parts in zip(*outputs, strict=True))


def _predicted(
    unet: Any,
    sample: Tensor,
    t: Tensor,
    hidden: Tensor,
    pooled: Tensor | None = None,
    time_ids: Tensor | None = None,
) -> Tensor:
    added = None if pooled is None else {"text_embeds": pooled, "time_ids": time_ids}
    out: Tensor = unet(sample, t, hidden, added_cond_kwargs=added, return_dict=False)[0]
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
