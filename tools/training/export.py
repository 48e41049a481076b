"""Pack the trained networks into the package: integers, scales, digests of what they unpack to."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import click
import numpy as np
from diffusers import DPMSolverMultistepScheduler, StableDiffusionPipeline
from safetensors.numpy import save_file
from torch import nn

from ddcodec.arrays import Array, Float32s
from ddcodec.prior.files import COMPONENTS
from ddcodec.prior.packaged import DIGESTS, INTEGERS, SCALE, dequantise, safetensors_bytes
from tools.training.denoiser import assemble
from tools.training.run import Run

# Written by the stage of this name, and without a digest.
CARD = ("README.md", "samples.webp", "training.svg")


def export(run: Run, target: Path) -> None:
    """Write the averaged weights as the packed form of a diffusers folder."""
    pipeline = assemble(run)
    solver = run.config["export"]["solver"]
    pipeline.scheduler = DPMSolverMultistepScheduler.from_config(
        pipeline.scheduler.config, **solver
    )
    card = {p: p.read_bytes() for name in CARD if (p := target / name).exists()}
    shutil.rmtree(target, ignore_errors=True)
    pipeline.save_pretrained(target, safe_serialization=True)
    for path in (target / "model_index.json", *target.glob("*/*.json")):
        scrub(path)
    write_json(target / "ddcodec.json", run.config["export"]["defaults"])
    unpacked = {}
    for name, bits in run.config["export"]["bits"].items():
        weights = pack(getattr(pipeline, name), bits)
        stem = f"{name}/{COMPONENTS[name]}.safetensors"
        (target / stem).unlink()
        save_file(weights, target / name / INTEGERS)
        (target / name / INTEGERS).chmod(0o644)
        values = {
            n: dequantise(w, weights[n + SCALE]) for n, w in weights.items() if SCALE not in n
        }
        unpacked[stem] = safetensors_bytes(values)
    unpacked |= {
        p.relative_to(target).as_posix(): p.read_bytes()
        for p in target.rglob("*")
        if p.is_file() and p.name != INTEGERS
    }
    digests = {path: hashlib.sha256(unpacked[path]).hexdigest() for path in sorted(unpacked)}
    write_json(target / DIGESTS, digests)
    for path, content in card.items():
        path.write_bytes(content)
    size = sum(p.stat().st_size for p in target.rglob("*") if p.is_file())
    click.echo(f"{target}: {size:,} bytes", err=True)


def pack(network: nn.Module, bits: int) -> dict[str, Array]:
    """Every parameter as integers and a scale per row; vectors in 16 bits with one scale."""
    out = {}
    for name, parameter in network.named_parameters():
        value = parameter.detach().float().cpu().numpy()
        matrix = value.ndim > 1
        rows = value.reshape(len(value), -1) if matrix else value[None]
        integers, scale = quantise(rows, bits if matrix else 16)
        out[name] = integers.reshape(value.shape)
        out[name + SCALE] = scale
    return out


def quantise(rows: Float32s, bits: int) -> tuple[Array, Float32s]:
    """Integers of [rows, n] and float32 scales [rows]: the largest of a row is 2^(bits-1) - 1."""
    top = 2 ** (bits - 1) - 1
    scale = (np.abs(rows).max(1).astype(np.float64) / top).astype(np.float32)
    scale = np.where(scale == 0, np.float32(1), scale)
    integers = np.rint(rows.astype(np.float64) / scale[:, None].astype(np.float64))
    return integers.astype(np.int8 if bits == 8 else np.int16), scale


def scrub(path: Path) -> None:
    """Drop what came from this machine."""
    value = json.loads(path.read_text())
    for key in ("_name_or_path", "name_or_path", "is_local", "local_files_only"):
        value.pop(key, None)
    write_json(path, value)


def write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def load(folder: Path) -> StableDiffusionPipeline:
    """The pipeline of an unpacked folder, float32."""
    return StableDiffusionPipeline.from_pretrained(
        folder, safety_checker=None, local_files_only=True, low_cpu_mem_usage=False
    )
