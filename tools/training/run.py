"""One training run: configuration, work folder, random streams, logs and checkpoints."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from ddcodec.arrays import UInt8s

STAGES = ("data", "tokenizer", "autoencoder", "latents", "denoiser", "export", "card")


@dataclass(frozen=True)
class Run:
    """What every stage needs.

    Attributes:
        config: ``config.json``.
        work: scratch folder; all that a stage leaves for the next is here.
        device: where networks train.
        autocast: bfloat16 for the large products.
        stop_at: step at which training pauses, to be resumed by the next run.
    """

    config: dict[str, Any]
    work: Path
    device: torch.device
    autocast: bool
    stop_at: int | None = None

    def end(self, stage: str) -> int:
        """The step before which this run of a stage ends."""
        steps: int = self.config[stage]["steps"]
        return steps if self.stop_at is None else min(steps, self.stop_at)

    def generator(self, stage: str, step: int) -> torch.Generator:
        """The random stream of one step of one stage, so that a resumed run draws the same."""
        key = [self.config["seed"], STAGES.index(stage), step]
        seed = int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0] >> np.uint64(1))
        return torch.Generator().manual_seed(seed)

    def bfloat16(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.autocast)

    def log(self, stage: str, **values: float) -> None:
        with (self.work / f"{stage}.log.jsonl").open("a") as f:
            f.write(json.dumps({k: round(v, 5) for k, v in values.items()}) + "\n")


def read_log(work: Path, stage: str) -> list[dict[str, float]]:
    """A stage's log; where a run was resumed from a checkpoint, its later lines count."""
    path = work / f"{stage}.log.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    kept: list[dict[str, float]] = []
    for line in lines:
        while kept and kept[-1]["step"] >= line["step"]:
            kept.pop()
        kept.append(line)
    return kept


def trapezoid(step: int, steps: int, warmup: int, decay: float) -> float:
    """Factor of the learning rate: linear warm-up, flat, linear to zero over the last ``decay``.

    A flat middle lets a run be lengthened before its decay begins, without a restart.
    """
    return min(1.0, (step + 1) / warmup, (steps - step) / max(1.0, steps * decay))


def resume(path: Path, **parts: Any) -> int:
    """Load a checkpoint into ``parts`` if there is one; return the next step."""
    if not path.exists():
        return 0
    saved = torch.load(path, weights_only=True, map_location="cpu")
    for name, part in parts.items():
        part.load_state_dict(saved[name])
    return int(saved["step"])


def checkpoint(path: Path, step: int, **parts: Any) -> None:
    """Write all or nothing: a killed run leaves the previous checkpoint."""
    partial = path.with_suffix(".partial")
    torch.save({"step": step, **{k: p.state_dict() for k, p in parts.items()}}, partial)
    partial.replace(path)


def progress(start: int, steps: int, name: str) -> Iterator[int]:
    return iter(tqdm(range(start, steps), name, steps, initial=start, mininterval=10))


def to_tensor(images: UInt8s) -> Tensor:
    """uint8 [N, H, W, 3] -> float32 [N, 3, H, W] in -1..1."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


def to_uint8(images: Tensor) -> UInt8s:
    """float [N, 3, H, W] in -1..1 -> uint8 [N, H, W, 3]."""
    x = images.float().mul(127.5).add(127.5).round().clamp(0, 255)
    return x.permute(0, 2, 3, 1).to(torch.uint8).cpu().numpy()


def save_grid(images: UInt8s, columns: int, path: Path, scale: int = 1) -> None:
    """uint8 [rows * columns, H, W, 3] as one PNG."""
    n, h, w, _ = images.shape
    grid = images.reshape(n // columns, columns, h, w, 3).transpose(0, 2, 1, 3, 4)
    im = Image.fromarray(grid.reshape(n // columns * h, columns * w, 3))
    im.resize((im.width * scale, im.height * scale), Image.Resampling.NEAREST).save(path)


def psnr(mean_squared_error: float) -> float:
    """Decibels, of pixels in 0..255."""
    return 10 * math.log10(255**2 / mean_squared_error)
