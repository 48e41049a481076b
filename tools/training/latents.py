"""Latents of every picture, made once, and the batches that the denoiser learns from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch import Tensor
from tqdm import tqdm

from ddcodec.arrays import Float16s, Int64s, UInt8s
from tools.training.autoencoder import load_autoencoder
from tools.training.pictures import LARGE, Pictures
from tools.training.run import Run, checkpoint, to_tensor


@torch.no_grad()
def cache_latents(run: Run) -> None:
    """Encode every picture and every mirrored photo; store scaled mean latents in float16.

    Small pictures are encoded alone (not mirrored, as few batches use them) and in collages of
    their class: what an encoder makes of a picture near its edge depends on its neighbours.
    """
    data, vae = Pictures.load(run.work / "data.npz"), load_autoencoder(run, "autoencoder.pt")
    small = np.concatenate([data.small, data.halved()])
    small_labels = np.concatenate([data.small_labels, data.large_labels])
    scale_latents(run, vae, small)
    checkpoint(run.work / "vae.pt", 1, model=vae)
    photo, large_photo = ~data.digit[small_labels], ~data.digit[data.large_labels]
    large = np.concatenate([data.large, data.large[large_photo][:, :, ::-1]])
    large_labels = np.concatenate([data.large_labels, data.large_labels[large_photo]])
    both = np.concatenate([small, small[photo][:, :, ::-1]])
    both_labels = np.concatenate([small_labels, small_labels[photo]])
    collages, collage_labels = collages_of(both, both_labels, run.generator("latents", 1))
    np.savez(
        run.work / "latents.npz",
        small=encode(run, vae, small),
        small_labels=small_labels,
        large=encode(run, vae, large),
        large_labels=large_labels,
        collages=encode(run, vae, collages),
        collage_labels=collage_labels,
    )


def collages_of(images: UInt8s, labels: Int64s, g: torch.Generator) -> tuple[UInt8s, Int64s]:
    """Every picture once in a 2 x 2 collage of its class (a few twice, to fill the last).

    Returns:
        uint8 [M, 64, 64, 3], sorted by class, and int64 [M].
    """
    order = torch.randperm(len(images), generator=g).numpy()
    order = order[np.argsort(labels[order], kind="stable")]
    found, of = [], []
    for label in np.unique(labels):
        own = order[labels[order] == label]
        found.append(np.resize(own, -(-len(own) // 4) * 4).reshape(-1, 2, 2))
        of.append(np.full(len(found[-1]), label))
    parts = images[np.concatenate(found)]
    return parts.swapaxes(2, 3).reshape(-1, LARGE, LARGE, 3), np.concatenate(of)


def encode(run: Run, vae: AutoencoderKL, images: UInt8s) -> Float16s:
    """float16 [N, channels, H / 4, W / 4]: mean latents."""
    out = []
    for i in tqdm(range(0, len(images), 64), "latents", mininterval=10):
        x = to_tensor(images[i : i + 64].copy()).to(run.device)
        with run.bfloat16():
            out.append(vae.encode(x).latent_dist.mode().half().cpu().numpy())
    return np.concatenate(out)


@torch.no_grad()
def scale_latents(run: Run, vae: AutoencoderKL, images: UInt8s, count: int = 4096) -> None:
    """Fold a shift and a scale per latent channel into the 1x1 convolutions about the latents.

    Channels get mean 0, and standard deviations in proportion to the square root of how many
    times its posterior's deviation a channel varies by; together they have variance 1, so
    ``scaling_factor`` stays 1. Channels of little weight in the picture are then quiet, and noise
    hides them first: the denoiser composes before it details. Reconstructions do not change.
    """
    pick = torch.randperm(len(images), generator=run.generator("latents", 0))[:count].numpy()
    moments = [
        vae.quant_conv(vae.encoder(to_tensor(images[p]).to(run.device)))
        for p in np.array_split(pick, max(1, count // 256))
    ]
    latent, logvar = torch.cat(moments).chunk(2, dim=1)
    mean, std = latent.mean((0, 2, 3)), latent.std((0, 2, 3))
    posterior = (0.5 * logvar).exp().mean((0, 2, 3))
    wanted = (std / posterior).sqrt()
    wanted /= wanted.square().mean().sqrt()
    fold(vae, mean, std / wanted)
    for channel in zip(std.tolist(), posterior.tolist(), wanted.tolist(), strict=True):
        run.log("latents", **dict(zip(("std", "posterior", "scaled_std"), channel, strict=True)))


def fold(vae: AutoencoderKL, shift: Tensor, scale: Tensor) -> None:
    """Make the latents (latent - shift) / scale, and the decoder undo it."""
    encode, decode, n = vae.quant_conv, vae.post_quant_conv, len(shift)
    decode.bias += decode.weight[:, :, 0, 0] @ shift
    decode.weight *= scale[None, :, None, None]
    encode.weight[:n] /= scale[:, None, None, None]
    encode.bias[:n] = (encode.bias[:n] - shift) / scale
    encode.bias[n:] -= 2 * scale.log()


@dataclass(frozen=True)
class Latents:
    """Cached latents: float16 [N, channels, side, side], with labels int64 [N]."""

    small: Tensor
    small_labels: Tensor
    large: Tensor
    large_labels: Tensor
    collages: Tensor
    collage_labels: Tensor

    @classmethod
    def load(cls, run: Run) -> Latents:
        with np.load(run.work / "latents.npz") as z:
            return cls(**{k: torch.from_numpy(z[k]) for k in z.files})

    def draw_small(self, n: int, g: torch.Generator) -> tuple[Tensor, Tensor]:
        """n single pictures of 32 pixels, and their labels."""
        pick = torch.randint(len(self.small), (n,), generator=g)
        return self.small[pick].float(), self.small_labels[pick]

    def draw_large(self, n: int, g: torch.Generator) -> tuple[Tensor, Tensor]:
        """n single pictures of 64 pixels, and their labels."""
        pick = torch.randint(len(self.large), (n,), generator=g)
        return self.large[pick].float(), self.large_labels[pick]

    def draw_collages(self, n: int, g: torch.Generator) -> tuple[Tensor, Tensor]:
        """n collages of 2 x 2 small pictures of one class, and their labels.

        Each quarter is that of another collage of the class, so that there are ever new ones.
        """
        labels = self.collage_labels[torch.randint(len(self.collages), (n,), generator=g)]
        count = self.collage_labels.bincount(minlength=int(labels.max()) + 1)
        first = count.cumsum(0) - count
        nth = torch.rand(4, n, generator=g, dtype=torch.float64) * count[labels]
        a, b, c, d = self.collages[first[labels] + nth.long()].float()
        h = a.shape[-1] // 2
        top = torch.cat([a[..., :h, :h], b[..., :h, h:]], -1)
        bottom = torch.cat([c[..., h:, :h], d[..., h:, h:]], -1)
        return torch.cat([top, bottom], -2), labels
