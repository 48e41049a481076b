"""The denoiser and its text encoder, trained together on cached latents."""

from __future__ import annotations

import time
from collections.abc import Callable

import click
import numpy as np
import torch
import torch.nn.functional as F
from diffusers import DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from ddcodec.arrays import UInt8s
from tools.training.autoencoder import load_autoencoder
from tools.training.latents import Latents
from tools.training.optimisers import Optimisers
from tools.training.pictures import Pictures, captions, train_tokenizer
from tools.training.run import Run, checkpoint, progress, resume, save_grid, to_uint8, trapezoid


class Denoiser(nn.Module):
    """The U-Net and its text encoder."""

    def __init__(self, run: Run, tokenizer: CLIPTokenizer) -> None:
        super().__init__()
        torch.manual_seed(run.config["seed"] + 1)
        text = run.config["text_encoder"]
        ends = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
        pad = tokenizer.pad_token_id
        text_config = CLIPTextConfig(vocab_size=len(tokenizer), pad_token_id=pad, **text, **ends)
        self.text = CLIPTextModel(text_config)
        width = text["hidden_size"]
        self.unet = UNet2DConditionModel(cross_attention_dim=width, **run.config["unet"])
        # Backward through torch's fused attention takes a third of a step on CPUs, this 5 %.
        self.unet.set_attn_processor(AttnProcessor())

    def forward(self, noisy: Tensor, t: Tensor, ids: Tensor) -> Tensor:
        context = self.text(ids).last_hidden_state
        velocity: Tensor = self.unet(noisy, t, context).sample
        return velocity


class CaptionIds:
    """Token ids of every caption: ``draw`` picks one per label, or the empty prompt."""

    def __init__(self, run: Run, tokenizer: CLIPTokenizer, data: Pictures, kind: str) -> None:
        texts = captions(data, run.config, kind)
        self.start = torch.tensor([0, *np.cumsum([len(t) for t in texts])[:-1]])
        self.count = torch.tensor([len(t) for t in texts])
        self.ids = tokenize(tokenizer, [t for own in texts for t in own])
        self.empty = tokenize(tokenizer, [""])
        self.dropout = run.config["denoiser"]["caption_dropout"]

    def draw(self, labels: Tensor, g: torch.Generator) -> Tensor:
        pick = (torch.rand(len(labels), generator=g) * self.count[labels]).long()
        drop = torch.rand(len(labels), 1, generator=g) < self.dropout
        return torch.where(drop, self.empty, self.ids[self.start[labels] + pick])


def tokenize(tokenizer: CLIPTokenizer, texts: list[str]) -> Tensor:
    batch = tokenizer(texts, padding="max_length", truncation=True, return_tensors="pt")
    ids: Tensor = batch.input_ids
    return ids


def load_tokenizer(run: Run) -> CLIPTokenizer:
    folder = run.work / "tokenizer"
    tokenizer: CLIPTokenizer = CLIPTokenizer.from_pretrained(folder, local_files_only=True)
    return tokenizer


def make_tokenizer(run: Run) -> None:
    data = Pictures.load(run.work / "data.npz")
    kinds = ("single", "collage")
    texts = [t for kind in kinds for own in captions(data, run.config, kind) for t in own]
    length = run.config["text_encoder"]["max_position_embeddings"]
    tokenizer = train_tokenizer(texts, run.config["vocab_size"], length)
    tokenizer.save_pretrained(run.work / "tokenizer")
    longest = max(len(tokenizer(t).input_ids) for t in texts)
    click.echo(f"{len(tokenizer)} tokens, longest caption {longest}", err=True)


class Batches:
    """Batches of two shapes in turn, of about the same cost.

    Every ``small_every``-th step: single pictures of 32 pixels, four times as many. Otherwise
    64 pixels: ``collages`` of the batch 2 x 2 collages of one class, the rest single pictures.
    """

    def __init__(self, run: Run, tokenizer: CLIPTokenizer) -> None:
        self.config = run.config["denoiser"]
        self.latents, data = Latents.load(run), Pictures.load(run.work / "data.npz")
        self.single = CaptionIds(run, tokenizer, data, "single")
        self.collage = CaptionIds(run, tokenizer, data, "collage")

    def draw(self, step: int, g: torch.Generator) -> tuple[Tensor, Tensor]:
        """Latents float32 [n, channels, side, side] and token ids int64 [n, tokens]."""
        n = self.config["batch"]
        if step % self.config["small_every"] == 0:
            x, labels = self.latents.draw_small(4 * n, g)
            return x, self.single.draw(labels, g)
        collages = round(n * self.config["collages"])
        a, a_labels = self.latents.draw_collages(collages, g)
        b, b_labels = self.latents.draw_large(n - collages, g)
        ids = [self.collage.draw(a_labels, g), self.single.draw(b_labels, g)]
        return torch.cat([a, b]), torch.cat(ids)


def train_denoiser(run: Run) -> None:
    c, tokenizer, path = run.config["denoiser"], load_tokenizer(run), run.work / "denoiser.pt"
    batches, schedule = Batches(run, tokenizer), DDIMScheduler(**run.config["scheduler"])
    model, ema = (Denoiser(run, tokenizer).to(run.device) for _ in range(2))
    optimisers = Optimisers(model, c["muon_lr"], c["adam_lr"], c["weight_decay"])
    start = resume(path, model=model, ema=ema, optimisers=optimisers)
    began, losses = time.monotonic(), {True: [0.0], False: [0.0]}
    for step in progress(start, run.end("denoiser"), "denoiser"):
        g = run.generator("denoiser", step)
        x, ids = batches.draw(step, g)
        loss = velocity_loss(run, model, schedule, x, ids, g)
        factor = trapezoid(step, c["steps"], c["warmup"], c["decay"])
        optimisers.step(loss, list(model.parameters()), factor)
        update_ema(ema, model, min(c["ema"], (step + 1) / (step + 10)))
        done = step + 1
        losses[step % c["small_every"] == 0].append(loss.item())
        if done % 50 == 0 or done == run.end("denoiser"):
            small, large = (float(np.mean(losses[k][1:] or [0])) for k in (True, False))
            seconds = time.monotonic() - began
            run.log("denoiser", step=done, loss=large, loss_small=small, seconds=seconds)
            losses = {True: [0.0], False: [0.0]}
        if done % c["save_every"] == 0 or done == run.end("denoiser"):
            checkpoint(path, done, model=model, ema=ema, optimisers=optimisers)
        if done % c["sample_every"] == 0 or done == run.end("denoiser"):
            sample_grids(assemble(run), run, f"{done:06d}")


def velocity_loss(
    run: Run,
    model: Callable[[Tensor, Tensor, Tensor], Tensor],
    schedule: DDIMScheduler,
    x: Tensor,
    ids: Tensor,
    g: torch.Generator,
) -> Tensor:
    """Mean squared error of the velocity, uniform over timesteps (stratified over the batch)."""
    noise, n = torch.randn(x.shape, generator=g), schedule.config.num_train_timesteps
    order = torch.randperm(len(x), generator=g)
    t = ((order + torch.rand(len(x), generator=g)) * n / len(x)).long()
    noisy, velocity = schedule.add_noise(x, noise, t), schedule.get_velocity(x, noise, t)
    with run.bfloat16():
        out = model(noisy.to(run.device), t.to(run.device), ids.to(run.device))
    return F.mse_loss(out.float(), velocity.to(run.device))


@torch.no_grad()
def update_ema(ema: nn.Module, model: nn.Module, decay: float) -> None:
    torch._foreach_lerp_(list(ema.parameters()), list(model.parameters()), 1 - decay)


# --- samples ------------------------------------------------------------------------------------


def assemble(run: Run) -> StableDiffusionPipeline:
    """The pipeline of the averaged weights, float32."""
    tokenizer, vae = load_tokenizer(run), load_autoencoder(run)
    model = Denoiser(run, tokenizer)
    if not resume(run.work / "denoiser.pt", ema=model):
        raise click.ClickException("run the stage denoiser first")
    model.unet.set_default_attn_processor()
    return StableDiffusionPipeline(
        vae=vae,
        text_encoder=model.text.eval(),  # type: ignore[no-untyped-call]
        tokenizer=tokenizer,
        unet=model.unet.eval(),
        scheduler=DDIMScheduler(**run.config["scheduler"]),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).to(run.device)


def sample(
    pipeline: StableDiffusionPipeline,
    prompts: list[str],
    size: int,
    steps: int,
    guidance: float,
    seed: int,
) -> UInt8s:
    """uint8 [N, size, size, 3], one picture a prompt."""
    pipeline.set_progress_bar_config(disable=True)
    g = torch.Generator().manual_seed(seed)
    out = pipeline(
        prompts,
        height=size,
        width=size,
        num_inference_steps=steps,
        guidance_scale=guidance,
        generator=g,
        output_type="pt",
    ).images
    return to_uint8(out * 2 - 1)


def sample_grids(pipeline: StableDiffusionPipeline, run: Run, name: str) -> None:
    """A row of pictures for each configured prompt, at 64 and at 32 pixels."""
    s = run.config["sampling"]
    for size, columns in ((64, 6), (32, 12)):
        prompts = [p for p in s[f"prompts_{size}"] for _ in range(columns)]
        images = sample(pipeline, prompts, size, s["steps"], s["guidance"], run.config["seed"])
        save_grid(images, columns, run.work / f"samples-{size}-{name}.png", scale=128 // size)
