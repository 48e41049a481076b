"""Train the tiny text-to-image prior and export it as a diffusers folder.

Stages, each resumable from the work folder: ``data`` (pictures to one array), ``tokenizer``,
``autoencoder``, ``latents`` (cache), ``unet`` (with the text encoder), ``export``, ``evaluate``.
Every random draw is keyed by (seed, stage, step), so an interrupted run resumes as if it had not
been interrupted.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from PIL import Image
from prior_data import Pictures, captions, gather, list_images, read_image, train_tokenizer
from torch import Tensor
from tqdm import tqdm
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

STAGES = ("data", "tokenizer", "autoencoder", "latents", "unet", "export", "evaluate")


@dataclass(frozen=True)
class Run:
    """One training run: its configuration and its work folder."""

    config: dict[str, Any]
    work: Path
    autocast: bool

    def generator(self, stage: str, step: int) -> torch.Generator:
        """The random stream of one step of one stage."""
        key = [self.config["seed"], STAGES.index(stage), step]
        seed = int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0] >> np.uint64(1))
        return torch.Generator().manual_seed(seed)

    def bfloat16(self) -> torch.autocast:
        return torch.autocast("cpu", torch.bfloat16, enabled=self.autocast)

    def log(self, stage: str, **values: float) -> None:
        with (self.work / f"{stage}.log.jsonl").open("a") as f:
            f.write(json.dumps({k: round(v, 5) for k, v in values.items()}) + "\n")


def to_tensor(images: np.ndarray) -> Tensor:
    """uint8 [N, H, W, 3] -> float32 [N, 3, H, W] in -1..1."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


def to_uint8(images: Tensor) -> np.ndarray:
    """float [N, 3, H, W] in -1..1 -> uint8 [N, H, W, 3]."""
    x = images.float().mul(127.5).add(127.5).round().clamp(0, 255)
    return x.permute(0, 2, 3, 1).to(torch.uint8).numpy()


def save_grid(images: np.ndarray, columns: int, path: Path, scale: int = 2) -> None:
    """uint8 [rows * columns, H, W, 3] as one PNG."""
    n, h, w, _ = images.shape
    grid = images.reshape(n // columns, columns, h, w, 3).transpose(0, 2, 1, 3, 4)
    im = Image.fromarray(grid.reshape(n // columns * h, columns * w, 3))
    im.resize((im.width * scale, im.height * scale), Image.Resampling.NEAREST).save(path)


def cosine_lr(step: int, steps: int, peak: float, warmup: int) -> float:
    """Linear warm-up, then a cosine to zero at ``steps``."""
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


def resume(path: Path, **parts: Any) -> int:
    """Load a checkpoint into ``parts`` if there is one; return the next step."""
    if not path.exists():
        return 0
    saved = torch.load(path, weights_only=True)
    for name, part in parts.items():
        part.load_state_dict(saved[name])
    return saved["step"]


def checkpoint(path: Path, step: int, **parts: Any) -> None:
    """Write all or nothing: a killed run leaves the previous checkpoint."""
    partial = path.with_suffix(".partial")
    torch.save({"step": step, **{k: p.state_dict() for k, p in parts.items()}}, partial)
    partial.replace(path)


def progress(start: int, steps: int, name: str) -> Iterator[int]:
    return iter(tqdm(range(start, steps), name, steps, initial=start, mininterval=10))


# --- autoencoder -------------------------------------------------------------------------------


def build_autoencoder(run: Run) -> AutoencoderKL:
    torch.manual_seed(run.config["seed"])
    return AutoencoderKL(**run.config["autoencoder"]["model"])


def autoencoder_loss(vae: AutoencoderKL, x: Tensor, noise: Tensor, c: dict[str, Any]) -> Tensor:
    """Squared error, a little absolute error and edge error, and a tiny KL per latent element."""
    moments = vae.quant_conv(vae.encoder(x)).float()
    mean, logvar = moments.chunk(2, dim=1)
    logvar = logvar.clamp(-30, 20)
    z = mean + noise * (0.5 * logvar).exp()
    d = vae.decoder(vae.post_quant_conv(z)).float() - x
    edge = d.diff(dim=2).abs().mean() + d.diff(dim=3).abs().mean()
    kl = 0.5 * (mean.square() + logvar.exp() - 1 - logvar).mean()
    return d.square().mean() + c["l1"] * d.abs().mean() + c["edge"] * edge + c["kl"] * kl


def train_autoencoder(run: Run) -> None:
    c, data = run.config["autoencoder"], Pictures.load(run.work / "data.npz")
    vae, path = build_autoencoder(run), run.work / "autoencoder.pt"
    optimizer = torch.optim.AdamW(vae.parameters(), lr=c["lr"], weight_decay=1e-4)
    start, began = resume(path, model=vae, optimizer=optimizer), time.monotonic()
    for step in progress(start, c["steps"], "autoencoder"):
        optimizer.param_groups[0]["lr"] = cosine_lr(step, c["steps"], c["lr"], 100)
        g = run.generator("autoencoder", step)
        x = to_tensor(data.images[torch.randint(len(data.images), (c["batch"],), generator=g)])
        x = torch.where(torch.rand(len(x), 1, 1, 1, generator=g) < 0.5, x.flip(3), x)
        noise = torch.randn(len(x), c["model"]["latent_channels"], 8, 8, generator=g)
        with run.bfloat16():
            loss = autoencoder_loss(vae, x, noise, c)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
        optimizer.step()
        done = step + 1
        if done % 50 == 0:
            seconds = time.monotonic() - began
            run.log("autoencoder", step=done, loss=loss.item(), seconds=seconds)
        if done % 250 == 0 or done == c["steps"]:
            checkpoint(path, done, model=vae, optimizer=optimizer)


def load_autoencoder(run: Run, name: str = "vae.pt") -> AutoencoderKL:
    """The trained autoencoder: ``vae.pt`` has standardised latents, ``autoencoder.pt`` raw ones."""
    vae = build_autoencoder(run)
    if not resume(run.work / name, model=vae):
        raise click.ClickException("first run --stage autoencoder and --stage latents")
    return vae.eval().requires_grad_(False)


@torch.no_grad()
def cache_latents(run: Run) -> None:
    """Encode every picture, then every mirrored photo; store standardised mean latents."""
    data, vae = Pictures.load(run.work / "data.npz"), load_autoencoder(run, "autoencoder.pt")
    photo = np.flatnonzero(~data.digit[data.labels])
    source = np.concatenate([np.arange(len(data.images)), photo])
    mirrored = np.arange(len(source)) >= len(data.images)
    out = np.empty((len(source), 4, 8, 8), np.float32)
    for i in tqdm(range(0, len(source), 256), "latents", mininterval=10):
        s = slice(i, i + 256)
        x = to_tensor(data.images[source[s]])
        x = torch.where(torch.from_numpy(mirrored[s])[:, None, None, None], x.flip(3), x)
        with run.bfloat16():
            out[s] = vae.encode(x).latent_dist.mode().float().numpy()
    mean, std = out.mean((0, 2, 3), keepdims=True), out.std((0, 2, 3), keepdims=True)
    standardise(vae, torch.from_numpy(mean).flatten(), torch.from_numpy(std).flatten())
    checkpoint(run.work / "vae.pt", 1, model=vae)
    latents = ((out - mean) / std).astype(np.float16)
    np.savez(run.work / "latents.npz", latents=latents, labels=data.labels[source])


@torch.no_grad()
def standardise(vae: AutoencoderKL, mean: Tensor, std: Tensor) -> None:
    """Fold a shift and scale per latent channel into the 1x1 convolutions about the latents.

    Then latents have mean 0 and standard deviation 1 in every channel, scaling_factor is 1, and
    the reconstruction is the same.
    """
    encode, decode, n = vae.quant_conv, vae.post_quant_conv, len(mean)
    decode.bias += decode.weight[:, :, 0, 0] @ mean
    decode.weight *= std[None, :, None, None]
    encode.weight[:n] /= std[:, None, None, None]
    encode.bias[:n] = (encode.bias[:n] - mean) / std
    encode.bias[n:] -= 2 * std.log()


# --- denoiser and text encoder -----------------------------------------------------------------


class Denoiser(torch.nn.Module):
    """The U-Net and its text encoder, trained together."""

    def __init__(self, run: Run, tokenizer: CLIPTokenizer) -> None:
        super().__init__()
        torch.manual_seed(run.config["seed"] + 1)
        text = run.config["text_encoder"]
        ends = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
        pad = tokenizer.pad_token_id
        text_config = CLIPTextConfig(vocab_size=len(tokenizer), pad_token_id=pad, **text, **ends)
        self.text = CLIPTextModel(text_config)
        width = text["hidden_size"]
        self.unet = UNet2DConditionModel(cross_attention_dim=width, **run.config["unet"]["model"])

    def forward(self, noisy: Tensor, t: Tensor, ids: Tensor) -> Tensor:
        context = self.text(ids).last_hidden_state
        return self.unet(noisy, t, context).sample


class CaptionIds:
    """Token ids of every caption: ``draw`` picks one per label, or the empty prompt."""

    def __init__(self, run: Run, tokenizer: CLIPTokenizer, data: Pictures) -> None:
        texts = captions(data, run.config)
        self.start = torch.tensor([0, *np.cumsum([len(t) for t in texts])[:-1]])
        self.count = torch.tensor([len(t) for t in texts])
        self.ids = tokenize(tokenizer, [t for own in texts for t in own])
        self.empty = tokenize(tokenizer, [""])
        self.dropout = run.config["unet"]["caption_dropout"]

    def draw(self, labels: Tensor, g: torch.Generator) -> Tensor:
        pick = (torch.rand(len(labels), generator=g) * self.count[labels]).long()
        drop = torch.rand(len(labels), 1, generator=g) < self.dropout
        return torch.where(drop, self.empty, self.ids[self.start[labels] + pick])


def tokenize(tokenizer: CLIPTokenizer, texts: list[str]) -> Tensor:
    batch = tokenizer(texts, padding="max_length", truncation=True, return_tensors="pt")
    return batch.input_ids


def load_tokenizer(run: Run) -> CLIPTokenizer:
    return CLIPTokenizer.from_pretrained(run.work / "tokenizer", local_files_only=True)


def make_tokenizer(run: Run) -> None:
    data = Pictures.load(run.work / "data.npz")
    texts = [t for own in captions(data, run.config) for t in own]
    length = run.config["text_encoder"]["max_position_embeddings"]
    tokenizer = train_tokenizer(texts, run.config["vocab_size"], length)
    tokenizer.save_pretrained(run.work / "tokenizer")
    longest = max(len(tokenizer(t).input_ids) for t in texts)
    click.echo(f"{len(tokenizer)} tokens, longest caption {longest}", err=True)


def train_unet(run: Run) -> None:
    c, data = run.config["unet"], Pictures.load(run.work / "data.npz")
    tokenizer, path = load_tokenizer(run), run.work / "unet.pt"
    drawn, schedule = CaptionIds(run, tokenizer, data), DDIMScheduler(**run.config["scheduler"])
    with np.load(run.work / "latents.npz") as z:
        latents, labels = torch.from_numpy(z["latents"]), torch.from_numpy(z["labels"])
    model, ema = Denoiser(run, tokenizer), Denoiser(run, tokenizer)
    optimizer = torch.optim.AdamW(model.parameters(), c["lr"], weight_decay=c["weight_decay"])
    start = resume(path, model=model, ema=ema, optimizer=optimizer)
    began, total = time.monotonic(), 0.0
    for step in progress(start, c["steps"], "unet"):
        g = run.generator("unet", step)
        pick = torch.randint(len(latents), (c["batch"],), generator=g)
        batch = latents[pick].float(), drawn.draw(labels[pick], g)
        optimizer.param_groups[0]["lr"] = cosine_lr(step, c["steps"], c["lr"], c["warmup"])
        total += unet_step(run, model, optimizer, schedule, batch, g)
        update_ema(ema, model, min(c["ema"], (step + 1) / (step + 10)))
        done = step + 1
        if done % 50 == 0:
            run.log("unet", step=done, loss=total / 50, seconds=time.monotonic() - began)
            total = 0.0
        if done % c["save_every"] == 0 or done == c["steps"]:
            checkpoint(path, done, model=model, ema=ema, optimizer=optimizer)
        if done % c["sample_every"] == 0 or done == c["steps"]:
            sample_grid(assemble(run), run, run.work / f"samples-{done:06d}.png")


def unet_step(
    run: Run,
    model: Denoiser,
    optimizer: torch.optim.Optimizer,
    schedule: DDIMScheduler,
    batch: tuple[Tensor, Tensor],
    g: torch.Generator,
) -> float:
    """One step on the velocity loss, uniform over timesteps (stratified over the batch)."""
    x, ids = batch
    noise, n = torch.randn(x.shape, generator=g), schedule.config.num_train_timesteps
    t = ((torch.arange(len(x)) + torch.rand(len(x), generator=g)) * n / len(x)).long()
    with run.bfloat16():
        out = model(schedule.add_noise(x, noise, t), t, ids)
    loss = F.mse_loss(out.float(), schedule.get_velocity(x, noise, t))
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss.item()


@torch.no_grad()
def update_ema(ema: Denoiser, model: Denoiser, decay: float) -> None:
    torch._foreach_lerp_(list(ema.parameters()), list(model.parameters()), 1 - decay)


# --- export, samples, evaluation ---------------------------------------------------------------


def assemble(run: Run) -> StableDiffusionPipeline:
    """The pipeline of the averaged weights, float32."""
    tokenizer, vae = load_tokenizer(run), load_autoencoder(run)
    model = Denoiser(run, tokenizer)
    if not resume(run.work / "unet.pt", ema=model):
        raise click.ClickException("train the denoiser first: --stage unet")
    return StableDiffusionPipeline(
        vae=vae,
        text_encoder=model.text.eval(),
        tokenizer=tokenizer,
        unet=model.unet.eval(),
        scheduler=DDIMScheduler(**run.config["scheduler"]),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def sample(
    pipeline: StableDiffusionPipeline, prompts: list[str], steps: int, guidance: float, seed: int
) -> np.ndarray:
    """uint8 [N, H, W, 3], one picture a prompt."""
    pipeline.set_progress_bar_config(disable=True)
    g = torch.Generator().manual_seed(seed)
    out = pipeline(
        prompts,
        num_inference_steps=steps,
        guidance_scale=guidance,
        generator=g,
        output_type="pt",
    ).images
    return to_uint8(out * 2 - 1)


def sample_grid(pipeline: StableDiffusionPipeline, run: Run, path: Path) -> None:
    """Twelve pictures of each configured prompt, one row a prompt."""
    s = run.config["sampling"]
    prompts = [p for p in s["prompts"] for _ in range(12)]
    images = sample(pipeline, prompts, s["steps"], s["guidance"], run.config["seed"])
    save_grid(images, 12, path)


def export(run: Run, target: Path) -> None:
    """Write the averaged weights as a float16 diffusers folder; sample from what was read back."""
    pipeline = assemble(run)
    for model in (pipeline.vae, pipeline.unet, pipeline.text_encoder):
        model.half()
    pipeline.save_pretrained(target, safe_serialization=True)
    for path in (target / "model_index.json", *target.glob("*/*.json")):
        scrub(path)
    for path in target.glob("*/*.safetensors"):
        path.chmod(0o644)
    size = sum(p.stat().st_size for p in target.rglob("*") if p.is_file())
    click.echo(f"{target}: {size} bytes", err=True)
    sample_grid(load(target), run, run.work / "export.png")


def scrub(path: Path) -> None:
    """Drop what came from this machine; have transformers load the float16 weights as float32."""
    value = json.loads(path.read_text())
    for key in ("_name_or_path", "name_or_path", "is_local", "local_files_only"):
        value.pop(key, None)
    if "dtype" in value:
        value["dtype"] = "float32"
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def load(folder: Path) -> StableDiffusionPipeline:
    return StableDiffusionPipeline.from_pretrained(
        folder, safety_checker=None, local_files_only=True, low_cpu_mem_usage=False
    )


@torch.no_grad()
def evaluate(run: Run, target: Path, folder: Path) -> None:
    """Reconstruction PSNR of the exported autoencoder on pictures it was never trained on."""
    files = list_images(folder)
    pick = np.sort(np.random.default_rng(run.config["seed"]).permutation(len(files))[:2000])
    images = np.stack([read_image(files[i][0], run.config["resolution"]) for i in pick])
    vae = load(target).vae
    out = [to_uint8(vae(x).sample) for x in to_tensor(images).split(200)]
    error = np.square(np.concatenate(out).astype(np.float64) - images).mean((1, 2, 3))
    psnr = {
        "psnr_of_mean_error": 10 * math.log10(255**2 / error.mean()),
        "mean_psnr": float((10 * np.log10(255**2 / error)).mean()),
        "images": len(images),
    }
    run.log("evaluate", **psnr)
    click.echo(json.dumps(psnr))


@click.command()
@click.option("--work", type=click.Path(path_type=Path), required=True, help="Scratch folder.")
@click.option("--photos", type=click.Path(path_type=Path), multiple=True, help="<class>/<file>.")
@click.option("--digits", type=click.Path(path_type=Path), multiple=True, help="Digit folders.")
@click.option("--eval-images", type=click.Path(path_type=Path), help="Held-out <class>/<file>.")
@click.option("--export-to", type=click.Path(path_type=Path), help="Where the pipeline goes.")
@click.option("--stage", "stages", type=click.Choice(STAGES), multiple=True, required=True)
@click.option(
    "--config",
    type=click.Path(path_type=Path, exists=True),
    default=Path(__file__).with_name("prior.json"),
    show_default="prior.json beside this script",
)
@click.option("--threads", default=2, show_default=True)
@click.option("--autocast/--no-autocast", default=True, show_default=True, help="bfloat16.")
def main(
    work: Path,
    photos: tuple[Path, ...],
    digits: tuple[Path, ...],
    eval_images: Path | None,
    export_to: Path | None,
    stages: tuple[str, ...],
    config: Path,
    threads: int,
    autocast: bool,
) -> None:
    """Train the tiny prior: run the given stages, in their natural order."""
    torch.set_num_threads(threads)
    work.mkdir(parents=True, exist_ok=True)
    c = json.loads(config.read_text())
    run = Run(c, work, autocast)
    if "data" in stages:
        pictures = gather(photos, digits, c["resolution"], c["mnist_images"], c["seed"])
        pictures.save(work / "data.npz")
    plain = {
        "tokenizer": make_tokenizer,
        "autoencoder": train_autoencoder,
        "latents": cache_latents,
        "unet": train_unet,
    }
    for name, stage in plain.items():
        if name in stages:
            stage(run)
    if {"export", "evaluate"} & set(stages) and export_to is None:
        raise click.UsageError("--export-to is needed to export or evaluate")
    if "export" in stages:
        export(run, export_to)
    if "evaluate" in stages:
        if eval_images is None:
            raise click.UsageError("--eval-images is needed to evaluate")
        evaluate(run, export_to, eval_images)


if __name__ == "__main__":
    main()
