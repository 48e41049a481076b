"""The model card in the packaged prior's folder: a page, samples and loss curves."""

from __future__ import annotations

import json
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from diffusers import StableDiffusionPipeline
from PIL import Image
from safetensors.numpy import load_file

from ddcodec.arrays import Array
from ddcodec.prior.packaged import INTEGERS, SCALE, unpack
from tools.processes import ROOT
from tools.training.curves import plot
from tools.training.denoiser import sample
from tools.training.export import CARD, load
from tools.training.run import Run, read_log

EVIDENCE = ROOT / "spec" / "evidence"
TEMPLATE = Path(__file__).with_name("card.md")


def write_card(run: Run, target: Path) -> None:
    """Fill ``card.md`` with the configuration, the logs and the evidence."""
    values = {
        **parts(target),
        **training(run),
        "prompts": prompts(run.config["sampling"]),
        **figures(EVIDENCE / "prior.jsonl", EVIDENCE / "prior-inversion.jsonl"),
    }
    (target / "README.md").write_text(TEMPLATE.read_text().format(**values))
    with tempfile.TemporaryDirectory() as folder:
        unpack(target, Path(folder) / "prior")
        write_samples(run, load(Path(folder) / "prior"), target / "samples.webp")
    plot(target / "training.svg", {s: losses(run, s) for s in ("autoencoder", "denoiser")})


def prompts(sampling: dict[str, Any]) -> str:
    """What the rows of the samples show."""
    quoted = [
        f"{size} px: " + ", ".join(f'"{p}"' for p in sampling[f"prompts_{size}"])
        for size in (64, 32)
    ]
    return "; ".join(quoted)


def parts(target: Path) -> dict[str, str]:
    """Parameters and bytes of each network in the package."""
    out, total = {}, 0
    for name in ("unet", "vae", "text_encoder"):
        path = target / name / INTEGERS
        count = sum(t.size for n, t in load_file(path).items() if not n.endswith(SCALE))
        total += count
        out[f"{name}_parameters"] = f"{count:,}"
        out[f"{name}_bytes"] = f"{path.stat().st_size:,}"
    card = {target / name for name in CARD}
    size = sum(p.stat().st_size for p in target.rglob("*") if p.is_file() and p not in card)
    return {**out, "parameters": f"{total / 1e6:.1f}", "bytes": f"{size:,}"}


def training(run: Run) -> dict[str, str]:
    """Steps, pictures and losses, from the configuration and the logs."""
    out = {}
    for stage in ("autoencoder", "denoiser"):
        c, log = run.config[stage], read_log(run.work, stage)
        last = np.mean([line["loss"] for line in log[-6:]])
        out[f"{stage}_steps"] = f"{c['steps']:,}"
        out[f"{stage}_batch"] = str(c["batch"])
        out[f"{stage}_loss"] = f"{last:.3f}"
        out[f"{stage}_minutes"] = f"{seconds_of(log) / 60:.0f}"
    return out


def losses(run: Run, stage: str) -> dict[str, tuple[Array, Array]]:
    """(steps, losses) of a stage's log, by the size of the pictures."""
    log = read_log(run.work, stage)
    steps = np.array([line["step"] for line in log])
    names = {"loss": "64 px" if stage == "denoiser" else "32 px", "loss_small": "32 px"}
    return {
        name: (steps, np.array([line[key] for line in log]))
        for key, name in names.items()
        if key in log[0]
    }


def seconds_of(log: list[dict[str, float]]) -> float:
    """Time of all runs of a stage: each counts its own seconds from 0."""
    seconds = [line["seconds"] for line in log] + [0.0]
    return sum(a for a, b in pairwise(seconds) if b < a)


def figures(*paths: Path) -> dict[str, str]:
    """The tables of the card, from evidence; the last line of a label counts."""
    prior, inversion = (lines_by_label(path) for path in paths)
    return {"judged": judged(prior), "inverted": inverted(inversion)}


def lines_by_label(path: Path) -> dict[str, dict[str, Any]]:
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return {line["prior"]: line for line in lines}


def judged(priors: dict[str, dict[str, Any]]) -> str:
    rows = ["| | " + " | ".join(priors) + " |", "|---|" + "---|" * len(priors)]
    keys = dict.fromkeys(k for line in priors.values() for k in line)
    for key in keys:
        cells = [line.get(key) for line in priors.values()]
        if any(isinstance(cell, dict) for cell in cells):
            rows.append(f"| {key} | " + " | ".join(map(cell_text, cells)) + " |")
    return "\n".join(rows)


def cell_text(value: dict[str, float] | None) -> str:
    """One cell: decibels, or agreement (top 1 / top 5) and Fréchet distance."""
    if value is None:
        return ""
    if "psnr" in value:
        return f"{value['psnr']:.2f} dB"
    agreement = f"{value['top1']:.1f} / {value['top5']:.1f} %, " if "top1" in value else ""
    distance = f"FD {value['frechet']:.1f}" if "frechet" in value else ""
    return f"{agreement}{distance}".removesuffix(", ")


def inverted(priors: dict[str, dict[str, Any]]) -> str:
    rows = [
        "| prior | steps | s a class | loss, first and last 50 steps | before | after |",
        "|---|---|---|---|---|---|",
    ]
    for name, v in priors.items():
        losses = f"{v['loss_first_50']:.3f}, {v['loss_last_50']:.3f}"
        cells = [
            name,
            v["steps"],
            v["seconds_a_class"],
            losses,
            f"{v['before']} %",
            f"{v['after']} %",
        ]
        rows.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(rows)


def write_samples(run: Run, pipeline: StableDiffusionPipeline, path: Path) -> None:
    """A row for each prompt: collages of 64 pixels, then single pictures of 64 and of 32."""
    s, rows = run.config["sampling"], []
    for size, columns in ((64, 8), (32, 16)):
        prompts = [p for p in s[f"prompts_{size}"] for _ in range(columns)]
        images = sample(pipeline, prompts, size, s["steps"], s["guidance"], run.config["seed"])
        grid = images.reshape(-1, columns, size, size, 3).swapaxes(1, 2)
        rows.append(grid.reshape(-1, columns * size, 3))
    Image.fromarray(np.concatenate(rows)).save(path, quality=90, method=6)
