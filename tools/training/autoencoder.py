"""The autoencoder: trained on 32-pixel pictures and crops, its latents rotated and scaled."""

from __future__ import annotations

import time

import click
import numpy as np
import torch
from diffusers import AutoencoderKL
from torch import Tensor

from ddcodec.arrays import UInt8s
from tools.training.optimisers import Optimisers
from tools.training.pictures import LARGE, SMALL, Pictures
from tools.training.run import Run, checkpoint, progress, resume, to_tensor, trapezoid


def build_autoencoder(run: Run) -> AutoencoderKL:
    torch.manual_seed(run.config["seed"])
    return AutoencoderKL(**run.config["autoencoder"]["model"])


def load_autoencoder(run: Run, name: str = "vae.pt") -> AutoencoderKL:
    """The trained autoencoder: ``vae.pt`` has finished latents, ``autoencoder.pt`` raw ones."""
    vae = build_autoencoder(run)
    if not resume(run.work / name, model=vae):
        raise click.ClickException("run the stages autoencoder and latents first")
    return vae.eval().requires_grad_(False).to(run.device)


def train_autoencoder(run: Run) -> None:
    c, data = run.config["autoencoder"], Pictures.load(run.work / "data.npz")
    small = np.concatenate([data.small, data.halved()])
    vae, path = build_autoencoder(run).to(run.device), run.work / "autoencoder.pt"
    optimisers = Optimisers(vae, c["muon_lr"], c["adam_lr"], c["weight_decay"])
    start, began = resume(path, model=vae, optimisers=optimisers), time.monotonic()
    for step in progress(start, run.end("autoencoder"), "autoencoder"):
        g = run.generator("autoencoder", step)
        x = to_tensor(draw(small, data.large, c["batch"], g)).to(run.device)
        with run.bfloat16():
            loss = autoencoder_loss(run, vae, x, g)
        factor = trapezoid(step, c["steps"], c["warmup"], c["decay"])
        optimisers.step(loss, list(vae.parameters()), factor)
        done = step + 1
        if done % 50 == 0 or done == run.end("autoencoder"):
            run.log("autoencoder", step=done, loss=loss.item(), seconds=time.monotonic() - began)
        if done % 250 == 0 or done == run.end("autoencoder"):
            checkpoint(path, done, model=vae, optimisers=optimisers)


def draw(small: UInt8s, large: UInt8s, count: int, g: torch.Generator) -> UInt8s:
    """uint8 [count, 32, 32, 3]: three quarters small pictures, a quarter crops of large ones.

    The network is convolutional, so crops teach it what 64 pixels hold at a quarter of the cost.
    """
    crops = count // 4 if len(large) else 0
    out = [small[torch.randint(len(small), (count - crops,), generator=g).numpy()]]
    if crops:
        at = torch.randint(LARGE - SMALL + 1, (crops, 2), generator=g).tolist()
        which = torch.randint(len(large), (crops,), generator=g).tolist()
        squares = zip(which, at, strict=True)
        out.append(np.stack([large[i, y : y + SMALL, x : x + SMALL] for i, (y, x) in squares]))
    images = np.concatenate(out)
    mirrored = torch.rand(count, 1, 1, 1, generator=g).numpy() < 0.5
    return np.where(mirrored, images[:, :, ::-1], images)


def autoencoder_loss(run: Run, vae: AutoencoderKL, x: Tensor, g: torch.Generator) -> Tensor:
    """Squared error, a little absolute error and edge error, and a tiny KL per latent element."""
    c = run.config["autoencoder"]
    mean, logvar = vae.quant_conv(vae.encoder(x)).float().chunk(2, dim=1)
    logvar = logvar.clamp(-30, 20)
    noise = torch.randn(mean.shape, generator=g).to(mean.device)
    z = mean + noise * (0.5 * logvar).exp()
    d = vae.decoder(vae.post_quant_conv(z)).float() - x
    edge = d.diff(dim=2).abs().mean() + d.diff(dim=3).abs().mean()
    kl = 0.5 * (mean.square() + logvar.exp() - 1 - logvar).mean()
    loss: Tensor = d.square().mean() + c["l1"] * d.abs().mean() + c["edge"] * edge + c["kl"] * kl
    return loss
