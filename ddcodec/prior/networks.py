"""Load the components of a diffusers folder: float32, frozen, from safetensors only."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ddcodec.errors import ModelMismatchError, UnsupportedFeatureError
from ddcodec.prior.pin import read_model_index
from ddcodec.prior.quiet import quiet_libraries

__all__ = ["Components", "load_components"]

# The pipeline families this version runs: one CLIP text encoder, one conditional U-Net, one
# convolutional autoencoder (Stable Diffusion 1.x, 2.x and their fine-tunes and distillations).
_SUPPORTED = {
    "unet": ("diffusers", "UNet2DConditionModel"),
    "vae": ("diffusers", "AutoencoderKL"),
    "text_encoder": ("transformers", "CLIPTextModel"),
    "tokenizer": ("transformers", "CLIPTokenizer"),
}


@dataclass(frozen=True)
class Components:
    """The parts of a text-to-image pipeline, each of its library's class."""

    text_encoder: Any
    unet: Any
    vae: Any
    tokenizer: Any
    scheduler: Any


def load_components(folder: Path, device: torch.device) -> Components:
    """Load a checked folder (``pin.digest_files`` has accepted it).

    Raises:
        UnsupportedFeatureError: another pipeline family (SDXL's two text encoders, say).
        ModelMismatchError: weights are missing or of a wrong shape, or a file is damaged.
    """
    scheduler_name = _check_index(folder)
    with quiet_libraries(), _library_errors(folder):
        parts = {
            name: _load_network(folder / name, getattr(_library(library), cls))
            for name, (library, cls) in _SUPPORTED.items()
            if name != "tokenizer"
        }
        tokenizer = _library("transformers").CLIPTokenizer.from_pretrained(
            folder / "tokenizer", local_files_only=True
        )
        scheduler = getattr(_library("diffusers"), scheduler_name).from_pretrained(
            folder / "scheduler", local_files_only=True
        )
    parts = {n: part.eval().requires_grad_(False).to(device) for n, part in parts.items()}
    _check_family(parts["unet"], parts["vae"])
    return Components(**parts, tokenizer=tokenizer, scheduler=scheduler)


def _library(name: str) -> Any:
    """An untyped library: what comes out of it is ``Any``, and stays inside this package."""
    return importlib.import_module(name)


def _load_network(folder: Path, cls: Any) -> Any:
    network, report = cls.from_pretrained(
        folder,
        torch_dtype=torch.float32,
        use_safetensors=True,
        local_files_only=True,
        low_cpu_mem_usage=False,
        output_loading_info=True,
    )
    _check_complete(folder, report)
    return network


def _check_index(folder: Path) -> str:
    """Refuse other pipeline families by name; return the scheduler's class name."""
    index = read_model_index(folder)
    for second in ("text_encoder_2", "text_encoder_3", "prior", "transformer"):
        if second in index:
            raise UnsupportedFeatureError(
                f"the pipeline in {folder} has a {second}; this version runs pipelines with one "
                "CLIP text encoder and a U-Net (Stable Diffusion 1.x and 2.x); use one of those"
            )
    for name, wanted in _SUPPORTED.items():
        found = index.get(name)
        fast = name == "tokenizer" and found == ("transformers", "CLIPTokenizerFast")
        if found != wanted and not fast:
            raise UnsupportedFeatureError(
                f"the pipeline in {folder} has {name} {'.'.join(found or ('none',))}; this version "
                f"runs {'.'.join(wanted)}"
            )
    library, scheduler = index.get("scheduler", ("none", "none"))
    # A name from a file is only ever looked up among the library's own schedulers.
    known = {n for n in dir(_library("diffusers")) if n.endswith("Scheduler")}
    if library != "diffusers" or scheduler not in known:
        raise UnsupportedFeatureError(
            f"the pipeline in {folder} has scheduler {library}.{scheduler}, which this version of "
            "diffusers does not have"
        )
    return scheduler


def _check_complete(folder: Path, report: Any) -> None:
    """A library fills missing weights with random numbers; that must not pass for a prior."""
    for problem in ("missing_keys", "mismatched_keys", "error_msgs"):
        found = list(report.get(problem) or ())
        if found:
            raise ModelMismatchError(
                f"the weights in {folder} do not fit their config.json "
                f"({problem.replace('_', ' ')}: {found[0]}, {len(found)} in all); "
                "fetch or export the prior again"
            )


def _check_family(unet: Any, vae: Any) -> None:
    """Refuse options of the supported classes that need inputs this version does not make."""
    needs = {
        "addition_embed_type": unet.config.addition_embed_type,
        "class_embed_type": unet.config.class_embed_type,
        "encoder_hid_dim_type": unet.config.encoder_hid_dim_type,
        "time_cond_proj_dim": unet.config.time_cond_proj_dim,
        "latents_mean": vae.config.latents_mean,
        "shift_factor": vae.config.shift_factor,
    }
    for option, value in needs.items():
        if value is not None:
            raise UnsupportedFeatureError(
                f"this prior uses {option} = {value!r}, which this version does not run; use a "
                "Stable Diffusion 1.x or 2.x pipeline"
            )
    latent = vae.config.latent_channels
    if unet.config.in_channels != latent or unet.config.out_channels != latent:
        raise UnsupportedFeatureError(
            f"this prior's U-Net maps {unet.config.in_channels} channels to "
            f"{unet.config.out_channels}, but its latents have {latent}; inpainting and "
            "learned-variance models are not text-to-image priors"
        )


@contextmanager
def _library_errors(folder: Path) -> Iterator[None]:
    """What the libraries raise about unreadable files, said as a ddcodec error."""
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise ModelMismatchError(
            f"the prior in {folder} cannot be loaded: {error}; fetch or export it again"
        ) from error
